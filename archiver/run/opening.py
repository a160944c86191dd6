"""Opens the archive for a run: to write to it, or to look at it for a dry run."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from archiver.archive.archive import Archive
from archiver.archive.opening import empty_archive, locked_archive, watched_archive
from archiver.archive.pace import Pace
from archiver.archive.right_clock import OtherClocks
from archiver.clock import Clock
from archiver.config import Config
from archiver.errors import ArchiverError, NoArchive
from archiver.retention.acts import finish_acts
from archiver.retention.removal import finish_removals


@asynccontextmanager
async def archive_to_write(
    config: Config,
    run_id: str,
    state_folder: Path,
    clock: Clock,
    pace: Pace,
    others: OtherClocks,
) -> AsyncIterator[Archive]:
    """The archive, locked, after completing interrupted acts and removals.

    Raises UsageError if `others` contradict the clock of this machine, and what `locked_archive`
    raises.
    """
    owner = f"run {run_id}"
    locked = locked_archive(
        config, owner=owner, state_folder=state_folder, clock=clock, pace=pace, others=others
    )
    async with locked as archive:
        with suppress(ArchiverError):  # a removal that fails must not prevent archiving
            await finish_acts(archive, clock=clock)
            await finish_removals(archive, clock=clock, act=run_id)
        yield archive


@asynccontextmanager
async def archive_to_survey(config: Config, state_folder: Path) -> AsyncIterator[Archive]:
    """The archive as it is, read-only; an empty one if there is none yet."""
    async with AsyncExitStack() as stack:
        watched = watched_archive(config, state_folder=state_folder)
        try:
            archive = await stack.enter_async_context(watched)
        except NoArchive:
            archive = await stack.enter_async_context(empty_archive())
        yield archive
