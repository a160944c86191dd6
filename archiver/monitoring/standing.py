"""The standing on this machine: its run history, and the archive's vitals."""

from datetime import datetime
from pathlib import Path

import anyio.to_thread
from msgspec import Struct

from archiver.archive.opening import catalog_path, existing_archive, watched_archive
from archiver.catalog.queries import last_whole_run
from archiver.catalog.readonly import Vitals, calls_created, vitals_of
from archiver.config import Config
from archiver.errors import ArchiverError, NoArchive
from archiver.monitoring.history import Memory, memory_path, recall
from archiver.monitoring.silence import (
    Silence,
    days_to_count,
    last_whole_day,
    silence_of,
    stretch_of,
)


class Standing(Struct, frozen=True):
    """The run history; `catalog` and `vitals` are None if the archive is unavailable."""

    memory: Memory
    catalog: Path | None = None
    vitals: Vitals | None = None


async def standing(config: Config, state_folder: Path) -> Standing:
    """The standing; raises no errors of the archive or its storage."""
    memory = await _recalled(config, state_folder)
    try:
        async with existing_archive(config) as (_, archive_id):
            catalog = catalog_path(config, archive_id, state_folder)
    except ArchiverError:
        return Standing(memory)
    vitals = await anyio.to_thread.run_sync(vitals_of, catalog, archive_id)
    return Standing(memory, catalog, vitals)


async def last_began(config: Config, state_folder: Path) -> datetime | None:
    """When the last full run that listed anything began; None if there was none yet.

    The archive itself has it, so it is known on a new machine, too: from the run that moved
    cursors. A run that was killed or failed moved none, and is made up for. If the archive is
    unavailable, the history of this machine is used.
    """
    try:
        async with watched_archive(config, state_folder=state_folder) as archive:
            return await archive.catalog.ask(last_whole_run)
    except NoArchive:
        return None
    except ArchiverError:
        return (await _recalled(config, state_folder)).started_at


async def _recalled(config: Config, state_folder: Path) -> Memory:
    return await anyio.to_thread.run_sync(recall, memory_path(config.storage.url, state_folder))


async def silence_at(config: Config, catalog: Path | None, until: datetime) -> Silence | None:
    """Whether the last day that had ended by `until` is silent, by the catalog's own history."""
    if catalog is None:
        return None
    zone = config.window.timezone
    day = last_whole_day(until, zone)
    stretches = [stretch_of(one, zone) for one in days_to_count(day)]
    counts = await anyio.to_thread.run_sync(calls_created, catalog, stretches)
    return None if counts is None else silence_of(day, counts)
