"""Opening an archive: for writing, for reading, or to find out whether there is one.

Opening brings the catalog up to date with the ledger: a catalog that is new, or outdated because
another machine wrote, replays what it has not seen; what the last run could not publish is
published now. After that, both agree.
"""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from anyio import to_thread

from archiver.archive.format import own_id, read_id
from archiver.archive.pace import REAL_PACE, Pace
from archiver.archive.right_clock import NO_OTHER, ClockCheck, OtherClocks
from archiver.clock import Clock
from archiver.config import Config
from archiver.errors import KeyMissing, NoArchive, StorageRefused, UsageError
from archiver.ledger.log import Ledger
from archiver.storage.base import Storage
from archiver.storage.keys import FORMAT_KEY, TMP_PREFIX
from archiver.storage.lock import archive_lock
from archiver.storage.memory import MemoryStorage
from archiver.storage.opening import open_storage
from archiver.tasks.contexts import closed_at_the_end, scratch_folder

if TYPE_CHECKING:
    from archiver.archive.archive import Archive


@asynccontextmanager
async def locked_archive(
    config: Config,
    *,
    owner: str,
    state_folder: Path,
    clock: Clock,
    make: bool = True,
    pace: Pace = REAL_PACE,
    others: OtherClocks = NO_OTHER,
) -> "AsyncIterator[Archive]":
    """The configured archive, locked for writing.

    It is created if there is none, unless `make` is false: then NoArchive is raised. Raises
    ArchiveLocked if another run has locked it, UsageError if the location contains something else
    or if `others`, the storage or the ledger contradict the clock, ArchiveDamaged if its ledger is
    damaged, StorageRefused if its storage does not support create-only writes.
    """
    from archiver.archive.archive import Archive  # brings the catalog along
    from archiver.catalog.catalog import Catalog

    check = ClockCheck(clock, others, pace.clocks_apart)
    is_right = check.with_api()
    opened = await (_open_or_make if make else _open_existing)(config, pace)
    async with closed_at_the_end(opened) as storage:
        if make:
            await _refuse_foreign(storage, config.storage.url)
        else:
            await _there(storage, config.storage.url)
        is_right = await check.with_storage(storage) or is_right
        async with archive_lock(storage, owner, times=pace.lease) as lock:
            await storage.clear_parts()
            archive_id = await own_id(storage)
            path = catalog_path(config, archive_id, state_folder)
            async with closed_at_the_end(await Catalog.open(path, archive_id)) as catalog:
                ledger = Ledger(storage, archive_id, lease=pace.lease)
                archive = Archive(storage, archive_id, ledger, catalog, pace=pace, lock=lock)
                head = await archive.catch_up()
                if not is_right:
                    await check.with_ledger(archive)
                if await ledger.claim_left(head):
                    await archive.catch_up()
                await archive.publish()
                yield archive


@asynccontextmanager
async def watched_archive(
    config: Config, *, state_folder: Path, pace: Pace = REAL_PACE
) -> "AsyncIterator[Archive]":
    """The archive as it is, for reading only, even during a run.

    Nothing is locked or created. The catalog is a copy of the one on this machine, if any, brought
    up to date with the ledger; changes to it are discarded afterwards. Raises NoArchive if there is
    none.
    """
    from archiver.archive.archive import Archive  # brings the catalog along
    from archiver.catalog.catalog import Catalog

    async with existing_archive(config) as (storage, archive_id):
        path = catalog_path(config, archive_id, state_folder)
        async with scratch_folder() as folder:
            copy = folder / "catalog.sqlite"
            async with closed_at_the_end(
                await Catalog.open_copy(path, copy, archive_id)
            ) as catalog:
                ledger = Ledger(storage, archive_id)
                archive = Archive(storage, archive_id, ledger, catalog, pace=pace, is_watched=True)
                await archive.catch_up()
                yield archive


@asynccontextmanager
async def announcing_archive(
    config: Config,
    *,
    state_folder: Path,
    clock: Clock,
    others: OtherClocks,
    pace: Pace = REAL_PACE,
) -> "AsyncIterator[Archive]":
    """The same, for a command that announces something under this clock without the lock.

    Raises UsageError for a clock that `others`, the storage or the ledger contradict.
    """
    check = ClockCheck(clock, others, pace.clocks_apart)
    is_right = check.with_api()
    async with watched_archive(config, state_folder=state_folder, pace=pace) as archive:
        if not (await check.with_storage(archive.storage) or is_right):
            await check.with_ledger(archive)
        yield archive


@asynccontextmanager
async def existing_storage(config: Config) -> AsyncIterator[Storage]:
    """The configured storage, whatever it contains. NoArchive if its folder is missing."""
    async with closed_at_the_end(await _open_existing(config)) as storage:
        yield storage


@asynccontextmanager
async def existing_archive(config: Config) -> AsyncIterator[tuple[Storage, str]]:
    """The storage of the archive, and its id, without lock or catalog. NoArchive if there is
    none."""
    async with existing_storage(config) as storage:
        yield storage, await _there(storage, config.storage.url)


@asynccontextmanager
async def empty_archive() -> "AsyncIterator[Archive]":
    """An empty, temporary archive: what a dry run sees before the first run."""
    from archiver.archive.archive import Archive  # brings the catalog along
    from archiver.catalog.catalog import Catalog

    storage, archive_id = MemoryStorage(), str(uuid.uuid4())
    async with scratch_folder() as folder:
        path = folder / "catalog.sqlite"
        async with closed_at_the_end(await Catalog.open(path, archive_id)) as catalog:
            ledger = Ledger(storage, archive_id)
            yield Archive(storage, archive_id, ledger, catalog, is_watched=True)


def _open(config: Config, pace: Pace, *, create: bool = False) -> Storage:
    return open_storage(config.storage, create=create, syncing=pace.syncing, retry=pace.storage)


async def _open_or_make(config: Config, pace: Pace) -> Storage:
    return await to_thread.run_sync(partial(_open, config, pace, create=True))


async def _open_existing(config: Config, pace: Pace = REAL_PACE) -> Storage:
    try:
        return await to_thread.run_sync(_open, config, pace)
    except StorageRefused as error:  # the folder is not there; S3 is not asked yet
        raise NoArchive(str(error), hint=error.hint) from None


async def _there(storage: Storage, url: str) -> str:
    try:
        return await read_id(storage)
    except KeyMissing:
        raise NoArchive(
            f"no archive found in {url}",
            hint="check storage.url; `archiver run` creates an archive",
        ) from None


async def _refuse_foreign(storage: Storage, url: str) -> None:
    """A location with anything but an archive is rejected."""
    async for info in storage.list():
        if info.key.startswith(TMP_PREFIX):
            continue
        try:
            await storage.stat(FORMAT_KEY)
        except KeyMissing:
            raise UsageError(
                f"{url} is not empty, but is not an archive (it contains {info.key[:80]})",
                hint="point storage.url to an archive, or to an empty location for a new one",
            ) from None
        return


def catalog_path(config: Config, archive_id: str, state_folder: Path) -> Path:
    """The path of that archive's catalog on this machine."""
    return config.catalog.path or state_folder / f"{archive_id}.sqlite"
