"""Checks of the replica: another place than the archive, which can be written, and only once.

A replica never fails a run, so what is wrong here is a warning.
"""

from functools import partial

from anyio import to_thread

from archiver.archive.format import read_id
from archiver.archive.opening import existing_storage
from archiver.config import Config, StorageConfig
from archiver.doctor.check import Check, Surroundings
from archiver.errors import ArchiverError, KeyMissing, NoArchive
from archiver.replica.opening import require_apart, require_place
from archiver.retention.object_lock import promise_of
from archiver.storage.base import Storage
from archiver.storage.opening import open_in_parts, open_storage
from archiver.storage.probe import probe_storage
from archiver.tasks.contexts import closed_at_the_end


async def try_replica(config: Config, around: Surroundings) -> list[Check]:
    """Write to the replica, leaving nothing behind; nothing where none is configured."""
    place = config.replica.storage
    if place is None:
        return []
    try:
        opened = await to_thread.run_sync(partial(open_storage, place, create=True))
        async with closed_at_the_end(opened) as storage:
            return [
                await _identity(config, storage, place),
                *await _promises(storage, place),
                Check.ok("replica: WORM", await promise_of(storage)),
            ]
    except ArchiverError as error:
        return [_warned("replica", error)]


async def _identity(config: Config, storage: Storage, place: StorageConfig) -> Check:
    """Whose place it is, and that it is another than the archive's."""
    try:
        async with existing_storage(config) as archive:
            await require_apart(storage, place.url, archive, "replica")
            archive_id = await read_id(archive)
            is_new = await require_place(storage, place.url, archive_id, "replica")
    except (NoArchive, KeyMissing):
        return Check.ok("replica", f"{place.url} is reachable; there is no archive yet")
    except ArchiverError as error:
        return _warned("replica", error)
    if is_new:
        return Check.ok("replica", f"{place.url} is reachable and empty")
    return Check.ok("replica", f"{place.url} is a replica of archive {archive_id}")


async def _promises(storage: Storage, place: StorageConfig) -> list[Check]:
    in_parts = open_in_parts(place)
    try:
        findings = await probe_storage(storage, in_parts=in_parts)
    finally:
        if in_parts is not None:
            await in_parts.aclose()
    return [
        Check.ok(f"replica: {one.name}", one.seen)
        if one.ok
        else Check.warning(f"replica: {one.name}", one.seen, one.advice)
        for one in findings
    ]


def _warned(name: str, error: ArchiverError) -> Check:
    hint = error.hint.replace("storage.", "replica.")
    return Check.warning(name, str(error), hint or "check replica.url; runs work without it")
