"""Corrects wrong durations in sidecars, measured by earlier versions.

Versions before 0.2.0 took the duration of some formats from estimates in the file. The sound check
has the audio, measures it again, and compares. A wrong one is revised under the archive's lock.
"""

from collections.abc import Sequence

from archiver import __version__
from archiver.archive.archive import Archive
from archiver.catalog.inspections import Examinable
from archiver.clock import Clock
from archiver.errors import ArchiveDamaged, FetchError, KeyMissing
from archiver.recordings import sidecar
from archiver.recordings.deposit import Shelf
from archiver.recordings.spool import Spool
from archiver.storage.base import Storage
from archiver.storage.keys import sidecar_key

_IN_MEMORY = 8 * 1024 * 1024


async def states_another_length(
    storage: Storage, recording: Examinable, seconds: float | None
) -> bool:
    """Whether the duration in the sidecar differs from the one measured now.

    False if the sidecar is missing or unreadable, which `verify` reports.
    """
    try:
        data = await storage.read(sidecar_key(recording.key), limit=sidecar.MOST_BYTES)
        stated = sidecar.decode(data).fields["audio"].get("measuredSeconds")
    except (KeyMissing, ValueError):
        return False
    return bool(stated != seconds)


async def put_lengths_right(
    archive: Archive, recordings: Sequence[Examinable], *, clock: Clock, act: str
) -> list[str]:
    """Revise the sidecars of these recordings; returns the keys of damaged ones, left as they are.

    The caller must own the archive's lock. Raises StorageError if the storage fails.
    """
    shelf = Shelf(archive.storage, clock, __version__)
    damaged: list[str] = []
    for one in recordings:
        try:
            told = await shelf.remeasure(
                one.key, one.record_id, one.sidecar_sha256, Spool(None, _IN_MEMORY, syncs=False)
            )
        except (ArchiveDamaged, FetchError):
            damaged.append(one.key)
        else:
            await archive.catalog.record(told, at=clock(), run=act)
    return damaged
