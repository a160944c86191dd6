"""What a run stores last is stored while the ledger is being locked, and before its segment."""

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from archiver.archive.archive import Archive
from archiver.catalog.catalog import Catalog
from archiver.clock import system_clock
from archiver.errors import KeyExists, StorageRefused
from archiver.ledger.events import RunEnded
from archiver.ledger.log import Ledger
from archiver.ledger.segments import Head
from archiver.storage.base import Body, ObjectInfo
from archiver.storage.keys import LEDGER_LOCK_KEY, LEDGER_PREFIX
from archiver.storage.memory import MemoryStorage

pytestmark = pytest.mark.anyio

NAME = "00000000-0000-4000-8000-000000000001"
REPORT = "_archive/runs/one.json"
TOO_LONG = 30.0


class InTurn(MemoryStorage):
    """Notes what is put, and answers the put of `last` after that of `first` was begun."""

    def __init__(self, *, first: str, last: str) -> None:
        super().__init__()
        self.order = (first, last)
        self.begun = anyio.Event()
        self.stored: list[str] = []

    async def put(self, key: str, body: Body, *, replacing: str | None = None) -> ObjectInfo:
        first, last = self.order
        if key == first:
            self.begun.set()
        if key == last:
            await self.begun.wait()
        info = await super().put(key, body, replacing=replacing)
        self.stored.append(key)
        return info


@pytest.fixture
async def catalog(tmp_path: Path) -> AsyncIterator[Catalog]:
    opened = await Catalog.open(tmp_path / "catalog.sqlite", NAME)
    yield opened
    await opened.aclose()


async def keys(storage: MemoryStorage) -> set[str]:
    return {info.key async for info in storage.list()}


@pytest.mark.parametrize("first", [REPORT, LEDGER_LOCK_KEY])
async def test_the_report_is_stored_while_the_ledger_is_locked_and_before_its_segment(
    catalog: Catalog, first: str
) -> None:
    last = LEDGER_LOCK_KEY if first == REPORT else REPORT
    storage = InTurn(first=first, last=last)
    archive = Archive(storage, NAME, Ledger(storage, NAME), catalog)

    async def store() -> None:
        body = Body.of(b"{}", "application/json")
        await storage.put(REPORT, body)
        ended = RunEnded(report_key=REPORT, report_sha256=body.sha256, complete=True)
        await catalog.record([ended], at=system_clock(), run="one")

    with anyio.fail_after(TOO_LONG):
        head = await archive.publish_after(store)
    assert head.number == 1
    segment = next(key for key in storage.stored if key.startswith(LEDGER_PREFIX))
    assert storage.stored.index(REPORT) < storage.stored.index(segment)
    assert LEDGER_LOCK_KEY not in await keys(storage)
    assert await archive.catch_up() == head


class Contended(MemoryStorage):
    """Says when somebody met the lock of the ledger."""

    def __init__(self) -> None:
        super().__init__()
        self.met = anyio.Event()

    async def put(self, key: str, body: Body, *, replacing: str | None = None) -> ObjectInfo:
        try:
            return await super().put(key, body, replacing=replacing)
        except KeyExists:
            if key == LEDGER_LOCK_KEY:
                self.met.set()
            raise


async def test_another_task_waits_until_the_ledger_is_unlocked() -> None:
    storage = Contended()
    ledger = Ledger(storage, NAME)

    async def append() -> None:
        await ledger.append([b"{}"], after=Head())

    with anyio.fail_after(TOO_LONG):
        async with anyio.create_task_group() as group, ledger.locked():
            group.start_soon(append)
            await storage.met.wait()
            assert await keys(storage) == {LEDGER_LOCK_KEY}
        assert len(await keys(storage)) == 2


async def test_if_the_report_cannot_be_stored_the_ledger_is_unchanged_and_unlocked(
    catalog: Catalog,
) -> None:
    storage = MemoryStorage()
    archive = Archive(storage, NAME, Ledger(storage, NAME), catalog)

    async def store() -> None:
        raise StorageRefused("no room", key=REPORT)

    with pytest.raises(StorageRefused, match="no room"):
        await archive.publish_after(store)
    assert await keys(storage) == set()
