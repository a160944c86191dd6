"""A catalog that is lost, or lies on another machine: rebuilt from the ledger, nothing twice."""

import sqlite3
import uuid
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from archiver.catalog.catalog import Catalog
from archiver.errors import StorageRefused
from archiver.ledger.events import Stored
from archiver.ledger.log import Ledger
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import ABSENT, Fault, FileUrl, Status
from archiver.sandbox.world import World
from tests.support.world import FIRST_NIGHT, Night, bench, told

pytestmark = pytest.mark.anyio

DISPOSABLE = {"head", "outbox", "rows", "sqlite_sequence"}
FILLED = ("calls", "recordings", "links", "orders", "cursors", "runs")


def tables(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table that the ledger can fill."""
    with closing(sqlite3.connect(path)) as db:
        names = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type='table'")}
        return {
            name: sorted(db.execute(f"SELECT * FROM {name}").fetchall(), key=repr)
            for name in names - DISPOSABLE
        }


def eventful() -> World:
    """Every state of a call and of a recording."""
    world = World().call(1, order=2).recording(11).recording(12, is_transfer=True)
    world.call(2, talk=0, order=1).call(3, has_records=True).call(4, has_records=False)
    world.call(5, lead=None).recording(51, lead_id=None, user_id=None, summary=None)
    world.call(6).recording(61, file_url=None).recording(62)
    world.call(7, fields={"hasRecords": ABSENT, "createdAt": "2026-11-02T12:00:00.75+03:00"})
    world.call(8).recording(81).call(9).recording(81)
    world.call(10).recording(101, duration=7.5)
    return world.call(11, user_id=None).recording(111, file_url="file:///etc/passwd")


async def lived(night: Night) -> None:
    """A few nights in which things fail, come late, and go."""
    night.sandbox.faults.add(
        Fault(Route.FILE, Status(404), id=62),
        Fault(Route.FILE, Status(500), id=101, times=6),
    )
    await night.nights(2)
    night.world.change_recording(51, summary="Late.", lead_id=9)
    night.world.order(77, "New").call(12, order=77, at=night.clock.now - timedelta(hours=3))
    await night.nights(3)


async def test_a_lost_catalog_is_rebuilt_row_for_row(tmp_path: Path) -> None:
    async with bench(tmp_path, eventful()) as night:
        await lived(night)
        before = tables(night.catalog)
        assert all(before[name] for name in FILLED)
        night.forget_catalog()
        await night.run(until=night.clock.now - timedelta(days=400), calls=(2,))
        after = tables(night.catalog)
        assert after.pop("runs")[: len(before["runs"])] == before.pop("runs")
        assert after == before


async def test_a_lost_catalog_makes_nothing_be_fetched_twice(tmp_path: Path) -> None:
    async with bench(tmp_path, eventful()) as night:
        await lived(night)
        night.sandbox.forget()
        night.forget_catalog()
        report = await night.run()
        fetched = {one.id for one in night.sandbox.requests if one.route is Route.FILE}
        assert fetched <= {62}
        assert told(report, of="recordings")["already"] == 5
        night.archive.check()


async def test_another_machine_goes_on_where_the_first_ended(tmp_path: Path) -> None:
    async with bench(tmp_path, eventful()) as night:
        await lived(night)
        await night.run(state=tmp_path / "elsewhere")
        night.clock.advance(days=1)
        await night.run()
        here = tables(night.catalog)
        await night.run(state=tmp_path / "elsewhere", calls=(2,))
        (elsewhere,) = (tmp_path / "elsewhere").glob("*.sqlite")
        there = tables(elsewhere)
        assert {k: v for k, v in there.items() if k != "runs"} == {
            k: v for k, v in here.items() if k != "runs"
        }
        night.archive.check()


async def test_what_a_machine_could_not_publish_is_no_news_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It died with failures in its outbox; another machine archived what had failed."""
    async with bench(tmp_path, World().call(1).recording(11)) as night:
        night.sandbox.faults.add(Fault(Route.FILE, Status(500)))

        async def refused(*_: object, **__: object) -> None:
            raise StorageRefused("no")

        with monkeypatch.context() as patch:
            patch.setattr(Ledger, "append", refused)
            with pytest.raises(StorageRefused):
                await night.run()
        night.sandbox.faults.clear()
        night.clock.advance(days=1)
        assert (await night.run(state=tmp_path / "other")).exit_code == 0
        night.clock.advance(days=1)
        assert (await night.run()).exit_code == 0
        night.clock.advance(days=1)
        assert (await night.run(state=tmp_path / "third")).exit_code == 0
        night.check_archive()


async def test_a_sidecar_says_all_of_its_call_though_the_catalog_was_lost(tmp_path: Path) -> None:
    """The call waited for its recording until its list was read no more."""
    world = World().call(1, has_records=True)
    async with bench(tmp_path, world) as night:
        await night.run()
        night.forget_catalog()
        night.clock.advance(days=20)
        world.recording(11)
        report = await night.run()
        assert told(report, of="recordings") == {"archived": 1}
        sidecar = night.archive.sidecar(11)
        assert sidecar["call"] == world.call_row(1)
        assert sidecar["statusCode"] == "answered"


async def test_a_catalog_of_garbage_is_set_aside_and_rebuilt(tmp_path: Path) -> None:
    async with bench(tmp_path, World().call(1).recording(11)) as night:
        await night.run()
        night.catalog.write_bytes(b"this is no database, and was none" * 1000)
        night.clock.advance(days=1)
        report = await night.run()
        assert report.exit_code == 0
        assert night.files(11) == 1
        night.check_archive()


async def test_expired_addresses_of_a_lost_catalog_do_no_harm(tmp_path: Path) -> None:
    world = World().call(1).recording(11).call(2).recording(21)
    async with bench(tmp_path, world) as night:
        await night.run()
        night.sandbox.faults.add(Fault(Route.RECORDINGS, FileUrl("{origin}/nowhere")))
        night.forget_catalog()
        night.clock.advance(days=1)
        assert (await night.run(recheck=True)).exit_code == 0
        night.check_archive()


@pytest.mark.parametrize("revisions", [(1, 2), (2, 1)])
async def test_the_highest_revision_counts_whichever_machine_tells_it_first(
    tmp_path: Path, revisions: tuple[int, int]
) -> None:
    """Both stored the recording, each after the death of the other."""
    catalog = await Catalog.open(tmp_path / "one.sqlite", str(uuid.uuid4()))
    for revision in revisions:
        stored = Stored(
            record_id=11,
            call_id=1,
            key="5/1/11.wav",
            bytes=9,
            sha256="a" * 64,
            content_type="audio/wav",
            sidecar_bytes=9,
            sidecar_sha256=f"{revision}" * 64,
            metadata_sha256=f"{revision}" * 64,
            has_summary=True,
            revision=revision,
        )
        await catalog.record([stored], at=FIRST_NIGHT, run="run")
    assert catalog.known([11])[11].sidecar_sha256 == "2" * 64
    await catalog.aclose()
