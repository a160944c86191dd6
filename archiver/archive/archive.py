"""An archive as a whole: its name, its ledger and the catalog that mirrors it.

Opening one brings the catalog up to the ledger: a catalog that is new, or was left behind because
another machine wrote, replays what it has not seen; what the last run could not publish is
published now. After that both tell the same.
"""

import json
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import anyio

from archiver.archive.pace import REAL_PACE, Pace
from archiver.catalog.catalog import Catalog
from archiver.clock import Clock
from archiver.config import Config
from archiver.errors import KeyExists, KeyMissing, NoArchive, StorageRefused, UsageError
from archiver.ledger.events import Event, encode
from archiver.ledger.log import Ledger
from archiver.ledger.segments import Head, Segment
from archiver.storage.base import Body, Storage
from archiver.storage.keys import FORMAT_KEY, TMP_PREFIX
from archiver.storage.lock import AcquiredLock, archive_lock
from archiver.storage.memory import MemoryStorage
from archiver.storage.opening import open_storage
from archiver.tasks.closing import closed_at_the_end
from archiver.text.json import read_json

FORMAT = "liner-archive/1"

_MOST_FORMAT_BYTES = 64 * 1024


@dataclass(slots=True)
class Archive:
    """An open archive. Only the owner of its lock records; whoever watches may `announce`.

    `lock` tells how the last owner of the lock ended, and the next one how this one does.
    """

    storage: Storage
    archive_id: str
    ledger: Ledger
    catalog: Catalog
    is_watched: bool = False
    pace: Pace = REAL_PACE
    lock: AcquiredLock = field(default_factory=lambda: AcquiredLock(found_left=False))
    _publishing: anyio.Lock = field(default_factory=anyio.Lock)

    async def publish(self, *, least: int = 1) -> Head:
        """Write waiting events to the ledger, a segment at a time, while at least `least` wait.

        Another writer may be faster; its segments are taken in first. Returns the newest head. An
        archive that is only watched publishes nothing.
        """
        if self.is_watched:
            return await self.catalog.head()
        async with self._publishing:
            head = await self.catalog.head()
            while self.catalog.waiting_events >= least:
                last, lines = await self.catalog.outbox(self.pace.segment_events)
                if not lines:
                    break  # no segment is ever empty
                try:
                    segment = await self.ledger.append(lines, after=head)
                except KeyExists:
                    head = await self.catch_up()
                    continue
                head = segment.head
                await self.catalog.published(last, head)
            return head

    async def announce(self, events: Sequence[Event], *, at: datetime, run: str) -> Head:
        """Tell the ledger something, also without the lock: holds and exports do.

        Runs learn of it when they catch up.
        """

        async def these() -> Sequence[Event]:
            return events

        return await self.decide(these, at=at, run=run)

    async def decide(
        self, decision: Callable[[], Awaitable[Sequence[Event]]], *, at: datetime, run: str
    ) -> Head:
        """Tell the ledger what `decision` makes of everything that was told before.

        Nobody can tell anything in between: when another writer is faster, it is asked again.
        """
        await self.publish()
        while True:
            head = await self.catch_up()
            lines = [encode(at, run, event) for event in await decision()]
            if not lines:
                return head
            try:
                segment = await self.ledger.append(lines, after=head)
            except KeyExists:
                continue
            await self.catalog.replay(segment)
            return segment.head

    async def catch_up(self) -> Head:
        """Take in every segment that the catalog has not seen; the newest head."""
        head = await self.catalog.head()
        async for segment in self.ledger.read_after(head):
            if self.is_watched or not await self._wrote(segment):
                await self.catalog.replay(segment)
            head = segment.head
        return head

    async def _wrote(self, segment: Segment) -> bool:
        """Whether the segment holds our own oldest lines: written, but not yet marked as such."""
        last, lines = await self.catalog.outbox(len(segment.lines))
        if tuple(lines) != segment.lines:
            return False
        await self.catalog.published(last, segment.head)
        return True


@asynccontextmanager
async def locked_archive(
    config: Config,
    *,
    owner: str,
    state_folder: Path,
    clock: Clock,
    make: bool = True,
    pace: Pace = REAL_PACE,
) -> AsyncIterator[Archive]:
    """The archive that the configuration names, locked for writing.

    It is made if there is none, unless `make` says otherwise: then NoArchive is raised. Raises
    ArchiveLocked when another run has locked it, UsageError for a place that holds something else,
    ArchiveDamaged when its ledger does not hold, StorageRefused when its storage cannot keep the
    promise of create-only writes.
    """
    if make:
        opened = open_storage(config.storage, create=True, syncing=pace.syncing)
    else:
        opened = _open_existing(config, pace)
    async with closed_at_the_end(opened) as storage:
        if make:
            await _refuse_foreign(storage, config.storage.url)
        else:
            await _there(storage, config.storage.url)
        async with archive_lock(storage, owner, times=pace.lease) as lock:
            await storage.clear_parts()
            archive_id = await _own_id(storage)
            path = catalog_path(config, archive_id, state_folder)
            async with closed_at_the_end(await Catalog.open(path, archive_id)) as catalog:
                ledger = Ledger(storage, archive_id, lease=pace.lease)
                archive = Archive(storage, archive_id, ledger, catalog, pace=pace, lock=lock)
                await archive.catch_up()
                await archive.publish()
                yield archive


@asynccontextmanager
async def watched_archive(
    config: Config, *, state_folder: Path, pace: Pace = REAL_PACE
) -> AsyncIterator[Archive]:
    """The archive as it stands, for whoever only looks at it, also while a run is under way.

    Nothing is locked or made. The catalog is a copy of the one that runs keep on this machine, if
    there is one, brought up to the ledger; what is written to it is gone afterwards. Raises
    NoArchive where there is none.
    """
    async with existing_archive(config) as (storage, archive_id):
        path = catalog_path(config, archive_id, state_folder)
        with tempfile.TemporaryDirectory(prefix="archiver-") as folder:
            copy = Path(folder) / "catalog.sqlite"
            async with closed_at_the_end(
                await Catalog.open_copy(path, copy, archive_id)
            ) as catalog:
                ledger = Ledger(storage, archive_id)
                archive = Archive(storage, archive_id, ledger, catalog, pace=pace, is_watched=True)
                await archive.catch_up()
                yield archive


@asynccontextmanager
async def existing_storage(config: Config) -> AsyncIterator[Storage]:
    """The storage that the configuration names, whatever it holds. NoArchive without its folder."""
    async with closed_at_the_end(_open_existing(config)) as storage:
        yield storage


@asynccontextmanager
async def existing_archive(config: Config) -> AsyncIterator[tuple[Storage, str]]:
    """The storage of the archive, and its id: neither locked nor read. NoArchive without one."""
    async with existing_storage(config) as storage:
        yield storage, await _there(storage, config.storage.url)


@asynccontextmanager
async def empty_archive() -> AsyncIterator[Archive]:
    """An archive of nothing, in memory: what a dry run sees before the first run."""
    storage, archive_id = MemoryStorage(), str(uuid.uuid4())
    async with closed_at_the_end(await Catalog.open(None, archive_id)) as catalog:
        yield Archive(storage, archive_id, Ledger(storage, archive_id), catalog, is_watched=True)


def _open_existing(config: Config, pace: Pace = REAL_PACE) -> Storage:
    try:
        return open_storage(config.storage, syncing=pace.syncing)
    except StorageRefused as error:  # the folder is not there; S3 is not asked yet
        raise NoArchive(str(error), hint=error.hint) from None


async def _there(storage: Storage, url: str) -> str:
    try:
        return await read_id(storage)
    except KeyMissing:
        raise NoArchive(
            f"there is no archive in {url}", hint="`archiver run` makes one; check storage.url"
        ) from None


async def read_id(storage: Storage) -> str:
    """The id of the archive. KeyMissing where there is none; UsageError for one of another kind."""
    data = await storage.read(FORMAT_KEY, limit=_MOST_FORMAT_BYTES)
    try:
        told = read_json(data)
        kind, archive_id = told["format"], str(uuid.UUID(told["archiveId"]))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsageError(
            f"{FORMAT_KEY} is not that of an archive",
            hint="point storage.url to an archive, or to an empty place for a new one",
        ) from error
    if kind != FORMAT:
        raise UsageError(
            f"the archive has the format {str(kind)[:40]!r}, this archiver writes {FORMAT}",
            hint="use the archiver version that wrote it, or a newer one",
        )
    return archive_id


def encode_format(archive_id: str) -> bytes:
    """`_archive/format.json`, to the byte: every segment names the id, so nothing else is needed to
    tell whether the file was touched."""
    told = {"format": FORMAT, "archiveId": archive_id}
    return (json.dumps(told, indent=2) + "\n").encode("ascii")


async def _own_id(storage: Storage) -> str:
    """The id of the archive, new or old; proves on the way that create-only writes are honoured.

    The probe costs one request: a second create-only put of the same bytes must be refused. A
    storage that takes it would let two writers overwrite each other's evidence.
    """
    try:
        data = await storage.read(FORMAT_KEY, limit=_MOST_FORMAT_BYTES)
    except KeyMissing:
        data = encode_format(str(uuid.uuid4()))
        await storage.put(FORMAT_KEY, Body.of(data, "application/json"))
    archive_id = await read_id(storage)
    try:
        await storage.put(FORMAT_KEY, Body.of(data, "application/json"))
    except KeyExists:
        return archive_id
    raise StorageRefused(
        "the storage overwrites objects although it was told to create only",
        key=FORMAT_KEY,
        hint="evidence is not safe there; run `archiver doctor`, and use another S3 server",
    )


async def _refuse_foreign(storage: Storage, url: str) -> None:
    """A place that holds anything but an archive is left alone."""
    async for info in storage.list():
        if info.key.startswith(TMP_PREFIX):
            continue
        try:
            await storage.stat(FORMAT_KEY)
        except KeyMissing:
            raise UsageError(
                f"{url} is not empty and holds no archive (there is {info.key[:80]})",
                hint="point storage.url to an archive, or to an empty place for a new one",
            ) from None
        return


def catalog_path(config: Config, archive_id: str, state_folder: Path) -> Path:
    """Where the catalog of that archive lies on this machine."""
    return config.catalog.path or state_folder / f"{archive_id}.sqlite"
