"""The many sidecars of a first index are read in a separate process, where they are in a folder."""

import hashlib
import json
import os
import signal
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from archiver.config import StorageConfig
from archiver.desk.index import reading
from archiver.desk.index.batches import Batch
from archiver.desk.index.processes import PROCESSES
from archiver.desk.index.reading import CardReader
from archiver.desk.index.sidecars import Card
from archiver.desk.index.staging import prepare, stage
from archiver.desk.index.store import Unread
from archiver.errors import StorageError
from archiver.sandbox.world import World
from archiver.storage.base import Reading
from archiver.storage.local.folder import LocalStorage
from tests.support.processes import children
from tests.support.world import bench

pytestmark = pytest.mark.anyio

CALLS = 4


async def test_a_separate_process_reads_the_same_from_sidecars_sound_or_not(tmp_path: Path) -> None:
    wanted = await _archived(tmp_path)
    (tmp_path / "archive" / wanted[0].key).with_suffix(".json").unlink()
    wanted[1] = wanted[1]._replace(sha256="5" * 64)
    wanted[2] = wanted[2]._replace(key="../../etc/passwd")
    here, there = [
        await _read(_reader(tmp_path, worth_a_process=few), wanted) for few in (CALLS + 1, 1)
    ]
    assert here == there
    assert [bool(one.trouble) for one in here] == [True, True, True, False]
    assert here[3].summary == "Summary number 4."


class Counted(LocalStorage):
    """A folder that knows how many were reading from it at a time."""

    under_way = most = 0

    async def readings(
        self, keys: Sequence[str], *, keep: int = 0
    ) -> Sequence[Reading | StorageError]:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            return await super().readings(keys, keep=keep)
        finally:
            self.under_way -= 1


@pytest.mark.parametrize(("blocks_a_file", "at_a_time"), [(0, 1), (8, CALLS - 1)])
async def test_several_read_at_a_time_once_the_disk_has_to_be_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blocks_a_file: int, at_a_time: int
) -> None:
    wanted = await _archived(tmp_path)
    monkeypatch.setattr(reading, "_FROM_DISK", 1)
    monkeypatch.setattr(reading, "_blocks_read", count(0, blocks_a_file).__next__)
    storage = Counted(tmp_path / "archive")
    cards = await reading.cards_in_folder(storage, wanted)
    assert sorted(cards) == sorted(await reading.cards_of(storage, wanted))
    assert storage.most == at_a_time


@pytest.mark.nightly
async def test_a_reading_process_that_is_killed_costs_an_error_of_the_storage_at_most(
    tmp_path: Path,
) -> None:
    wanted = await _archived(tmp_path)
    reader = _reader(tmp_path, worth_a_process=1)
    before, killed = children(), set[int]()

    async def keep(batch: Batch) -> None:
        for one in children() - before if not killed else ():
            os.kill(one, signal.SIGKILL)
            killed.add(one)

    errors = list[str]()
    for _ in range(PROCESSES + 1):
        try:
            await reader.read(wanted, keep)
        except StorageError as error:
            errors.append(str(error))
    assert killed
    assert len(errors) <= len(killed) <= PROCESSES
    assert all("ended unexpectedly" in error for error in errors)
    assert [one.summary for one in await _read(reader, wanted)] == [
        f"Summary number {number}." for number in range(1, CALLS + 1)
    ]


async def _archived(folder: Path) -> list[Unread]:
    """The sidecars of an archive of a few recordings."""
    world = World()
    for number in range(1, CALLS + 1):
        world.call(number).recording(summary=f"Summary number {number}.")
    async with bench(folder, world) as night:
        await night.run()
    found = []
    for path in (folder / "archive").glob("[0-9]*/*/*.json"):
        data = path.read_bytes()
        told = json.loads(data)
        digest = hashlib.sha256(data).hexdigest()
        found.append(Unread(told["recordId"], told["audio"]["key"], 1, len(data), digest))
    return sorted(found)


def _reader(folder: Path, *, worth_a_process: int) -> CardReader:
    root = folder / "archive"
    config = StorageConfig(url=str(root))
    return CardReader(LocalStorage(root), config, worth_a_process=worth_a_process, a_piece=1)


async def _read(reader: CardReader, wanted: Sequence[Unread]) -> list[Card]:
    """The cards as the batches have them, which is without names."""
    kept: list[Card] = []

    async def keep(batch: Batch) -> None:
        with closing(sqlite3.connect(":memory:")) as db:
            prepare(db)
            stage(db, batch.image)
            kept.extend(Card(*row) for row in db.execute("SELECT * FROM staged.cards"))

    await reader.read(wanted, keep)
    return sorted(kept)
