"""Opens the archive together with its replica."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from archiver.archive.archive import Archive
from archiver.archive.opening import watched_archive
from archiver.archive.pace import REAL_PACE, Pace
from archiver.config import Config
from archiver.recordings.spool import Spool
from archiver.replica.copying import Between
from archiver.replica.opening import opened_replica
from archiver.replica.place import place_of
from archiver.storage.base import Storage


@asynccontextmanager
async def opened_both(
    config: Config, *, state_folder: Path, pace: Pace = REAL_PACE
) -> AsyncIterator[tuple[Archive, Between]]:
    """The archive and its replica. Neither is locked, so a run may be in progress.

    Raises UsageError without `replica.url`, and the errors of `opened_replica`.
    """
    place = place_of(config)
    async with (
        watched_archive(config, state_folder=state_folder, pace=pace) as archive,
        opened_replica(place, archive.archive_id, archive.storage, pace=pace) as replica,
    ):
        spool = spool_to(replica, config)
        yield archive, Between(archive.storage, replica, f"replica {place.url}", spool)


def spool_to(target: Storage, config: Config) -> Spool:
    """The spool for copying to this location; on its own disk, so that files can be renamed."""
    in_memory = config.download.spool_memory // config.replica.workers
    folder = target.spool_folder or config.download.spool
    return Spool(folder, in_memory, syncs=target.is_local)
