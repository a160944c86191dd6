"""Opens the archive for removing something from it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

from archiver.archive.archive import Archive
from archiver.archive.opening import locked_archive
from archiver.archive.pace import REAL_PACE, Pace
from archiver.archive.right_clock import OtherClocks
from archiver.clock import Clock
from archiver.config import Config
from archiver.retention.acts import person
from archiver.retention.holds import finish_holds


@asynccontextmanager
async def archive_to_remove_from(
    config: Config,
    what: str,
    *,
    state_folder: Path,
    clock: Clock,
    today: date | None = None,
    pace: Pace = REAL_PACE,
) -> AsyncIterator[Archive]:
    """The existing archive, locked for writing, with all stored holds recorded.

    Raises NoArchive and the errors of `locked_archive`.
    """
    owner = f"{what} by {person()}"
    async with locked_archive(
        config,
        owner=owner,
        state_folder=state_folder,
        clock=clock,
        make=False,
        pace=pace,
        others=OtherClocks(today=today),
    ) as archive:
        await finish_holds(archive, clock=clock)
        yield archive
