"""The archive, held for removing something from it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from archiver.archive.archive import Archive, held_archive
from archiver.clock import Clock
from archiver.config import Config
from archiver.retention.acts import person
from archiver.retention.holds import finish_holds


@asynccontextmanager
async def archive_to_remove_from(
    config: Config, what: str, *, state_folder: Path, clock: Clock
) -> AsyncIterator[Archive]:
    """The existing archive, locked for writing, every hold known.

    Raises NoArchive and what `held_archive` raises.
    """
    holder = f"{what} by {person()}"
    async with held_archive(
        config, holder=holder, state_folder=state_folder, clock=clock, make=False
    ) as archive:
        await finish_holds(archive, clock=clock)
        yield archive
