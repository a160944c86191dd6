"""Restores a lost archive from its replica: copies everything, then continues the ledger.

This is the same copying as to the replica, in the other direction, into an empty location; an
interrupted one can be continued. Then an event in the ledger records that the archive was restored,
by whom and why. The objects have other version ids than those of the lost bucket that the ledger
names: version ids before that event are ignored.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from anyio import to_thread
from msgspec.structs import replace

from archiver.archive.opening import catalog_path, locked_archive, watched_archive
from archiver.archive.pace import REAL_PACE, Pace
from archiver.archive.right_clock import OtherClocks
from archiver.catalog.readonly import glimpse
from archiver.clock import Clock, stamp
from archiver.config import Config
from archiver.config.values import CatalogConfig
from archiver.errors import ArchiveDamaged, UsageError
from archiver.ledger.events import Event
from archiver.ledger.lock_events import Restored
from archiver.ledger.segments import Head
from archiver.replica.copying import Between
from archiver.replica.opening import opened_replica
from archiver.replica.place import place_of
from archiver.replica.replicate import Manner, Replication, replicate
from archiver.replica.session import spool_to
from archiver.retention.acts import Deed, person, store_deed
from archiver.tasks.contexts import scratch_folder


@dataclass(frozen=True, slots=True)
class Restoration:
    """What was copied; the head of the restored archive, None while it is incomplete; and the new
    path of this machine's catalog, if it knew more of the ledger than the replica has."""

    copied: Replication
    head: Head | None
    set_aside: Path | None


async def restore(
    config: Config,
    *,
    state_folder: Path,
    clock: Clock,
    deed: Deed,
    today: date | None = None,
    is_over: Callable[[], bool] = lambda: False,
    on_copied: Callable[[int], None] = lambda size: None,
    pace: Pace = REAL_PACE,
) -> Restoration:
    """Copy the replica to `storage.url`, and continue the ledger there.

    `today` (UTC) is the user's confirmation of a clock that the ledger cannot confirm. Raises
    UsageError if the location contains anything other than a part of this archive.
    """
    copied, archive_id = await _copy(config, is_over, on_copied, pace)
    if not copied.is_whole:
        return Restoration(copied, None, None)
    path = catalog_path(config, archive_id, state_folder)
    set_aside = await to_thread.run_sync(_set_aside, path, archive_id, copied.head, clock)
    async with locked_archive(
        config,
        owner=f"restore by {person()}",
        state_folder=state_folder,
        clock=clock,
        make=False,
        others=OtherClocks(today=today),
        pace=pace,
    ) as archive:
        event = Restored(segment=copied.head.number, head=str(copied.head.digest))
        acts: list[Event] = [event, await store_deed(archive, deed, clock=clock)]
        await archive.catalog.record(acts, at=clock(), run=deed.act_id)
        head = await archive.publish()
    return Restoration(copied, head, set_aside)


async def _copy(
    config: Config, is_over: Callable[[], bool], on_copied: Callable[[int], None], pace: Pace
) -> tuple[Replication, str]:
    """Copy everything back. Return the result and the archive's id."""
    back = replace(config, storage=place_of(config), catalog=CatalogConfig())
    async with (
        scratch_folder() as scratch,
        watched_archive(back, state_folder=scratch, pace=pace) as replica,
        opened_replica(
            config.storage, replica.archive_id, replica.storage, setting="storage", pace=pace
        ) as target,
    ):
        between = Between(
            replica.storage, target, f"storage {config.storage.url}", spool_to(target, config)
        )
        manner = Manner(config.replica.workers)
        try:
            done = await replicate(replica, between, manner, is_over=is_over, on_copied=on_copied)
        except ArchiveDamaged as error:
            raise UsageError(
                f"{config.storage.url} contains a newer state of the archive than the replica, or "
                "another one; nothing was copied",
                hint="restore to an empty location",
            ) from error
        return done, replica.archive_id


def _set_aside(path: Path, archive_id: str, head: Head, clock: Clock) -> Path | None:
    """Rename a catalog that knows more of the ledger than was restored: the archive would not be
    opened with it."""
    if glimpse(path, archive_id).head.number <= head.number:
        return None
    aside = path.with_name(f"{path.name}.lost-{stamp(clock()).replace(':', '')}")
    path.rename(aside)
    for ending in ("-wal", "-shm"):
        Path(f"{path}{ending}").unlink(missing_ok=True)
    return aside
