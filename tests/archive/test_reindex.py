"""`reindex`: a catalog out of the ledger alone, equal to the one that was lost."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from archiver.archive.reindex import Reindexed, reindex
from archiver.catalog.rebuild import Rebuilding
from archiver.errors import ArchiveDamaged, ArchiveLocked, NoArchive
from archiver.sandbox.cues import Fault
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Status
from archiver.sandbox.world import World
from archiver.storage.local.folder import LocalStorage
from archiver.storage.lock import archive_lock
from tests.support.world import Night, bench
from tests.verify.archives import config_of

pytestmark = pytest.mark.anyio

OF_THIS_MACHINE = {"outbox", "rows", "head", "sqlite_sequence"}


def rows(catalog: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every table that the ledger fills, row for row, and the schema with its indexes."""
    with closing(sqlite3.connect(catalog)) as db:
        tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        schema = {
            "sqlite_master": sorted(db.execute("SELECT name, sql FROM sqlite_master"), key=repr)
        }
        return schema | {
            name: sorted(db.execute(f"SELECT * FROM {name}").fetchall(), key=repr)
            for (name,) in tables
            if name not in OF_THIS_MACHINE
        }


def world() -> World:
    """Calls in every state: archived, revised later, none, waiting, failed."""
    made = World().user(101)
    made.call(1).recording(11, summary=None).recording(12)
    made.call(2, has_records=False, talk=0)
    made.call(3, has_records=True)
    made.call(4).recording(41)
    return made.call(5, lead=None).recording(51, lead_id=None)


async def three_nights(night: Night) -> None:
    night.sandbox.faults.add(Fault(Route.FILE, Status(404), id=41))
    await night.run()
    night.clock.advance(days=1)
    night.world.change_recording(11, summary="Late, but there.")
    await night.nights(2)


async def rebuilt(night: Night) -> Reindexed:
    return await reindex(night.config(), state_folder=night.state, clock=night.clock)


async def test_it_equals_the_lost_one_row_for_row(tmp_path: Path) -> None:
    async with bench(tmp_path, world()) as night:
        await three_nights(night)
        before = rows(night.catalog)
        assert {"calls", "recordings", "revisions", "links", "orders", "cursors", "runs"} <= {
            name for name, found in before.items() if found
        }
        night.forget_catalog()
        done = await rebuilt(night)
        assert rows(night.catalog) == before
        assert done.head.digest == night.archive.head()
        assert done.counts["recordings"] == len(before["recordings"])
        assert [path.name for path in night.state.iterdir()] == [night.catalog.name]


async def test_the_next_run_fetches_nothing(tmp_path: Path) -> None:
    async with bench(tmp_path, world()) as night:
        await three_nights(night)
        night.forget_catalog()
        await rebuilt(night)
        fetched = [night.files(one) for one in (11, 12, 51)]
        await night.run()
        assert [night.files(one) for one in (11, 12, 51)] == fetched


async def test_a_catalog_that_is_wrong_is_replaced(tmp_path: Path) -> None:
    async with bench(tmp_path, world()) as night:
        await three_nights(night)
        before = rows(night.catalog)
        with closing(sqlite3.connect(night.catalog)) as db, db:
            db.execute("DELETE FROM recordings")
            db.execute("UPDATE calls SET state = 'none'")
        await rebuilt(night)
        assert rows(night.catalog) == before


async def test_events_that_no_run_has_published_are_taken_over(tmp_path: Path) -> None:
    async with bench(tmp_path, world()) as night:
        await three_nights(night)
        line = b'{"what":"order-seen","at":"2026-11-03T01:00:00Z","run":"r","orderIds":[77]}'
        with closing(sqlite3.connect(night.catalog)) as db, db:
            db.execute("INSERT INTO outbox (line) VALUES (?)", (line,))
        done = await rebuilt(night)
        assert done.counts["takenOver"] == 1
        await night.run()
        assert [77] in [event["orderIds"] for event in night.archive.events("order-seen")]


async def test_events_that_the_ledger_tells_already_are_not_taken_over(tmp_path: Path) -> None:
    async with bench(tmp_path, world()) as night:
        await three_nights(night)
        newest = night.archive.segments()[-1].split(b"\n")[1]
        with closing(sqlite3.connect(night.catalog)) as db, db:
            db.execute("INSERT INTO outbox (line) VALUES (?)", (newest,))
        assert (await rebuilt(night)).counts["takenOver"] == 0


async def test_a_failure_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(tmp_path, world()) as night:
        await three_nights(night)
        before = rows(night.catalog)

        def fail(self: Rebuilding) -> dict[str, int]:
            raise ArchiveDamaged("on the way")

        monkeypatch.setattr(Rebuilding, "install", fail)
        with pytest.raises(ArchiveDamaged):
            await rebuilt(night)
        assert rows(night.catalog) == before
        assert list(night.state.glob("*.new*")) == []


async def test_a_broken_ledger_is_no_source_of_a_catalog(tmp_path: Path) -> None:
    async with bench(tmp_path, world()) as night:
        await three_nights(night)
        path = min((tmp_path / "archive/_archive/ledger").iterdir())
        path.write_bytes(path.read_bytes().replace(b"order", b"0rder"))
        with pytest.raises(ArchiveDamaged, match=path.name):
            await rebuilt(night)


async def test_a_ledger_that_was_cut_off_does_not_replace_the_catalog_that_knows(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, world()) as night:
        await three_nights(night)
        before = rows(night.catalog)
        max((tmp_path / "archive/_archive/ledger").iterdir()).unlink()
        with pytest.raises(ArchiveDamaged, match="is missing from the ledger"):
            await rebuilt(night)
        assert rows(night.catalog) == before
        assert "tail-cut" in {one.name for one in await night.findings()}
        night.forget_catalog()
        await rebuilt(night)


async def test_it_waits_for_no_run(tmp_path: Path) -> None:
    async with bench(tmp_path, world()) as night:
        await three_nights(night)
        async with archive_lock(LocalStorage(tmp_path / "archive"), "run 1"):
            with pytest.raises(ArchiveLocked, match="run 1"):
                await rebuilt(night)


async def test_without_an_archive_there_is_nothing_to_index(tmp_path: Path) -> None:
    with pytest.raises(NoArchive):
        await reindex(config_of(tmp_path), state_folder=tmp_path)
    (tmp_path / "archive").mkdir()
    with pytest.raises(NoArchive):
        await reindex(config_of(tmp_path), state_folder=tmp_path)
