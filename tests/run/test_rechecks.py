"""Late recordings, late summaries, and how little is asked for what is settled."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import ABSENT, Fault, Status, without
from archiver.sandbox.world import World
from tests.support.world import FIRST_NIGHT, Night, bench, told

pytestmark = pytest.mark.anyio

RECHECKS = 3


async def asked_each_night(night: Night, calls: range, nights: int) -> list[list[int]]:
    """How often each call's recordings were asked for, night by night."""
    found = []
    for _ in range(nights):
        before = {one: night.lists(one) for one in calls}
        report = await night.run()
        assert report.exit_code == 0
        found.append([night.lists(one) - before[one] for one in calls])
        night.clock.advance(days=1)
    return found


async def test_a_call_is_listed_again_three_times_and_then_never(tmp_path: Path) -> None:
    """1, 3 and 7 days after it was created; calls of a whole day, over ten nights."""
    world = World()
    for hour in range(24):
        world.call(hour + 1, at=FIRST_NIGHT - timedelta(hours=hour, minutes=20))
        world.recording(100 + hour, summary=None if hour % 2 else "Said.")
    async with bench(tmp_path, world) as night:
        asked = await asked_each_night(night, range(1, 25), 10)
        for call, times in enumerate(zip(*asked, strict=True), start=1):
            age = timedelta(hours=call - 1, minutes=20)
            nights = [age + timedelta(days=n) for n in range(10)]
            due = [next(n for n, at in enumerate(nights) if at.days >= day) for day in (1, 3, 7)]
            assert [n for n, count in enumerate(times) if count] == sorted({0, *due})
            assert max(times) == 1
            assert night.lists(call) == 1 + RECHECKS
        assert night.sandbox.count(Route.FILE) == 24


async def test_calls_without_a_recording_settle_as_well(tmp_path: Path) -> None:
    """Flag absent: rechecked three times; flag and talk say no: never asked."""
    world = (
        World().call(1, fields={"hasRecords": ABSENT}).call(2, talk=0).call(3, has_records=False)
    )
    async with bench(tmp_path, world) as night:
        await night.nights(10)
        assert [night.lists(one) for one in (1, 2, 3)] == [1 + RECHECKS, 0, 1]


async def test_a_night_with_nothing_new_asks_for_lists_of_calls_only(tmp_path: Path) -> None:
    world = World()
    for _ in range(150):
        world.call().recording()
    async with bench(tmp_path, world, settings={"window": {"lookback": "20d"}}) as night:
        await night.run()
        night.clock.advance(days=8)
        await night.run()
        night.sandbox.forget()
        report = await night.run()
        routes = {one.route for one in night.sandbox.requests}
        assert routes == {Route.ORDERS, Route.USERS, Route.STATUSES, Route.CALLS}
        assert told(report) == {"archived": 150}
        assert told(report, of="recordings") == {"already": 150}
        night.clock.advance(days=30)
        await night.run()
        report = await night.run()
        assert report.listed == 0
        assert night.sandbox.count(Route.RECORDINGS) == 0


async def test_calls_without_a_time_settle_too(tmp_path: Path) -> None:
    """Their rechecks count from when they were first asked for."""
    world = World()
    for number, created in enumerate((ABSENT, None, "no time"), start=1):
        world.call(number, fields={"createdAt": created}).recording(number, summary=None)
    async with bench(tmp_path, world) as night:
        reports = await night.nights(10)
        assert max(night.lists(one) for one in (1, 2, 3)) <= 1 + RECHECKS
        assert reports[-1].pending_summaries == 0


async def test_a_call_that_is_found_late_is_asked_for_what_is_left(tmp_path: Path) -> None:
    """It was inserted with an old time: two days old, or beyond its last recheck."""
    world = World().call(1).recording(11)
    async with bench(tmp_path, world) as night:
        await night.run()
        night.clock.advance(days=8)
        world.call(2, at=night.clock.now - timedelta(days=2)).recording(21)
        world.call(3, at=night.clock.now - timedelta(days=7, hours=10)).recording(31)
        await night.nights(7)
        assert [night.lists(one) for one in (2, 3)] == [3, 1]
        night.check_archive()


@pytest.mark.parametrize("days", [1, 3, 7])
async def test_a_late_recording_is_found_by_a_recheck(tmp_path: Path, days: int) -> None:
    world = World().call(1).recording(11).call(2, fields={"hasRecords": ABSENT})
    async with bench(tmp_path, world) as night:
        await night.run()
        night.clock.advance(days=days)
        world.recording(12, call=1).recording(21, call=2)
        report = await night.run()
        assert told(report, of="recordings") == {"archived": 2, "already": 1}
        assert night.files(11) == 1
        night.check_archive()


@pytest.mark.parametrize("days", [1, 3, 7])
async def test_a_late_summary_becomes_a_second_revision(tmp_path: Path, days: int) -> None:
    world = World().call(1).recording(11, summary=None)
    async with bench(tmp_path, world) as night:
        report = await night.run()
        assert (report.pending_summaries, report.exit_code) == (1, 0)
        first = (night.archive.root / "50001/1/11.json").read_bytes()
        night.clock.advance(days=days)
        world.change_recording(11, summary="Late, but there.")
        report = await night.run()
        assert told(report, of="recordings") == {"already": 1, "refreshed": 1}
        assert (report.pending_summaries, report.exit_code) == (0, 0)
        sidecar = night.archive.sidecar(11)
        assert (sidecar["revision"], sidecar["recordSummary"]) == (2, "Late, but there.")
        kept = night.archive.root / "_archive/revisions/50001/1/11.1.json"
        assert kept.read_bytes() == first
        assert night.files(11) == 1
        night.check_archive()


async def test_a_summary_that_never_comes_is_final_after_the_last_recheck(tmp_path: Path) -> None:
    world = World().call(1).recording(11, summary=None)
    async with bench(tmp_path, world) as night:
        pending = [one.pending_summaries for one in await night.nights(10)]
        assert pending == [1] * 7 + [0] * 3
        assert night.archive.sidecar(11)["recordSummary"] is None
        assert night.archive.sidecar(11)["revision"] == 1


async def test_several_changes_make_several_revisions(tmp_path: Path) -> None:
    world = World().call(1).recording(11, summary=None)
    async with bench(tmp_path, world) as night:
        await night.run()
        for number, days in enumerate((1, 2, 4), start=2):
            night.clock.advance(days=days)
            world.change_recording(11, summary=f"Draft {number}.")
            await night.run()
            assert night.archive.sidecar(11)["revision"] == number
        night.check_archive()
        night.forget_catalog()
        world.change_recording(11, summary=None)
        await night.run(recheck=True, since=FIRST_NIGHT - timedelta(days=1))
        assert night.archive.sidecar(11)["revision"] == 5
        assert night.archive.sidecar(11)["recordSummary"] is None
        night.check_archive()


async def test_a_lean_row_revises_nothing_and_forgets_nothing(tmp_path: Path) -> None:
    world = World().call(1).recording(11)
    async with bench(tmp_path, world) as night:
        await night.run()
        night.sandbox.faults.add(
            Fault(Route.RECORDINGS, without("userId", "leadId", "recordSummary"))
        )
        reports = await night.nights(3)
        assert {one.tally.refreshed for one in reports} == {0}
        sidecar = night.archive.sidecar(11)
        assert (sidecar["revision"], sidecar["userId"], sidecar["leadId"]) == (1, 101, 50001)
        night.check_archive()


async def test_a_new_address_alone_is_no_revision(tmp_path: Path) -> None:
    world = World().call(1).recording(11)
    async with bench(tmp_path, world, lifetime=5000.0) as night:
        await night.run()
        night.clock.advance(days=1)
        world.change_recording(11, file_url="{origin}{path}&more=1")
        assert (await night.run()).tally.refreshed == 0
        night.check_archive()


async def test_a_recheck_that_fails_leaves_the_call_open_until_it_succeeds(tmp_path: Path) -> None:
    """The summary came meanwhile, and is not missed."""
    world = World().call(1).recording(11, summary=None)
    async with bench(tmp_path, world) as night:
        await night.run()
        night.clock.advance(days=7)
        night.sandbox.faults.add(Fault(Route.RECORDINGS, Status(500)))
        report = await night.run()
        assert (told(report), report.exit_code) == ({"failed": 1}, 3)
        night.sandbox.faults.clear()
        world.change_recording(11, summary="There.")
        night.clock.advance(days=30)
        report = await night.run()
        assert told(report, of="recordings") == {"already": 1, "refreshed": 1}
        assert report.exit_code == 0


async def test_recheck_lists_settled_calls_of_the_window_again(tmp_path: Path) -> None:
    world = World().call(1).recording(11).call(2).recording(21)
    async with bench(tmp_path, world) as night:
        await night.run()
        night.clock.advance(days=8)
        await night.run()
        night.sandbox.forget()
        world.recording(12, call=1).change_recording(21, summary="Corrected by hand.")
        assert (await night.run()).tally.recordings.total() == 0
        since = datetime.fromisoformat("2026-11-02T00:00:00Z")
        report = await night.run(since=since)
        assert night.sandbox.count(Route.RECORDINGS) == 0
        report = await night.run(since=since, recheck=True)
        assert night.sandbox.count(Route.RECORDINGS) == 2
        assert told(report, of="recordings") == {"archived": 1, "already": 2, "refreshed": 1}
        night.check_archive()


async def test_other_rechecks_are_kept_to_as_well(tmp_path: Path) -> None:
    settings = {"window": {"recheck": ["2d"], "lookback": "3d"}}
    async with bench(tmp_path, World().call(1).recording(11), settings=settings) as night:
        await night.nights(5)
        assert night.lists(1) == 2
