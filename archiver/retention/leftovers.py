"""Unrecorded objects under an erased lead, left by a killed run."""

import re
from typing import Final

from archiver.archive.archive import Archive
from archiver.catalog import retention
from archiver.retention.objects import clear, keys_below, places_of_lead

_OF_RECORDING: Final = re.compile(r"(?:_archive/(?:revisions|damaged)/)?\d+/\d+/(\d+)\..+")


async def leavings(archive: Archive, lead_id: int) -> list[str]:
    """The keys under the lead that belong to no archived recording."""
    found = []
    for prefix in places_of_lead(lead_id):
        async for key in keys_below(archive.storage, prefix):
            name = _OF_RECORDING.fullmatch(key)
            if name is not None and not await _is_living(archive, int(name[1])):
                found.append(key)
    return found


async def clear_leavings(archive: Archive, lead_id: int) -> None:
    """Remove the objects under these keys."""
    for key in await leavings(archive, lead_id):
        await clear(archive.storage, key)


async def _is_living(archive: Archive, record_id: int) -> bool:
    return await archive.catalog.ask(lambda db: retention.is_living(db, record_id))
