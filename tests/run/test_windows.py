"""Windows, cursors, named scopes, dry runs: what is read, and what is remembered of it."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from archiver.errors import UsageError
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Fault, Member, Status, UnknownRefused
from archiver.sandbox.world import World
from tests.support.world import FIRST_NIGHT, bench, reasons, told, tree

pytestmark = pytest.mark.anyio

UNTIL = "2026-11-03T00:50:00Z"
DAY = timedelta(days=1)


def two_orders() -> World:
    return World().call(1, order=1, lead=5).recording(11).call(2, order=2, lead=6).recording(21)


async def test_a_complete_run_moves_the_cursor_of_every_order_to_its_end(tmp_path: Path) -> None:
    async with bench(tmp_path, two_orders().order(3)) as night:
        report = await night.run()
        assert night.cursors() == {("order", one): UNTIL for one in (1, 2, 3)}
        assert report.as_json()["window"] == {"since": "2026-11-01T00:00:00Z", "until": UNTIL}


async def test_a_cursor_moves_though_calls_of_its_order_are_open(tmp_path: Path) -> None:
    """They are on the waiting list, durably."""
    async with bench(tmp_path, two_orders(), Fault(Route.FILE, Status(500), id=11)) as night:
        assert (await night.run()).exit_code == 3
        assert night.cursors() == {("order", one): UNTIL for one in (1, 2)}
        night.forget_catalog()
        night.sandbox.faults.clear()
        night.clock.advance(days=60)
        assert (await night.run()).exit_code == 0
        night.check_archive()


async def test_a_shortfall_holds_back_the_cursor_of_its_order_alone(tmp_path: Path) -> None:
    def asks_for_one(request: Any) -> bool:
        return "1" in request.array("orderIds")

    short = Fault(Route.CALLS, Member("total", lambda total: total + 1), where=asks_for_one)
    async with bench(tmp_path, two_orders(), short) as night:
        report = await night.run()
        assert report.exit_code == 3
        assert night.cursors() == {("order", 2): UNTIL}
        assert reasons(report) == {None: "calls-not-listed"}
        assert report.as_json()["problems"][0]["scopes"] == ["order 1"]
        night.check_archive()
        night.sandbox.faults.clear()
        night.world.call(9, order=1, at="2026-11-01T08:00:00Z").recording(91)
        night.clock.advance(days=60)
        assert (await night.run()).exit_code == 0
        night.check_archive()


async def test_a_new_order_starts_at_the_first_day(tmp_path: Path) -> None:
    async with bench(tmp_path, two_orders()) as night:
        await night.run()
        night.clock.advance(days=60)
        await night.run()
        night.world.call(3, order=3, at="2026-11-01T00:00:00Z").recording(31)
        night.world.call(4, order=3, at="2026-10-31T23:59:59Z").recording(41)
        report = await night.run()
        assert told(report) == {"archived": 1}
        assert set(night.archive.recordings()) == {11, 21, 31}


async def test_an_order_that_is_listed_no_more_is_still_asked_for_and_named(tmp_path: Path) -> None:
    async with bench(tmp_path, two_orders()) as night:
        await night.run()
        night.world.order(2, listed=False)
        night.clock.advance(days=1)
        night.world.call(3, order=2, at=night.clock.now - timedelta(hours=1)).recording(31)
        report = await night.run()
        assert report.as_json()["unreachable"]["ordersNoLongerListed"] == [2]
        assert report.exit_code == 0
        night.check_archive()


async def test_an_order_that_the_api_denies_spoils_no_other(tmp_path: Path) -> None:
    async with bench(tmp_path, two_orders(), Fault(Route.CALLS, UnknownRefused())) as night:
        await night.run()
        del night.world.orders[2]
        night.clock.advance(days=1)
        night.world.call(3, order=1, at=night.clock.now - timedelta(hours=1)).recording(31)
        report = await night.run()
        assert report.exit_code == 3
        assert set(night.archive.recordings()) == {11, 21, 31}
        assert night.cursors()["order", 1] == "2026-11-04T00:50:00Z"
        assert night.cursors()["order", 2] == UNTIL


async def test_after_a_long_pause_the_whole_pause_is_read(tmp_path: Path) -> None:
    async with bench(tmp_path, two_orders()) as night:
        await night.run()
        night.clock.advance(days=100)
        for day in range(0, 100, 9):
            night.world.call(order=1, at=FIRST_NIGHT + day * DAY).recording()
        report = await night.run()
        assert report.exit_code == 0
        night.check_archive()


async def test_a_call_that_was_inserted_late_is_found_within_the_lookback(tmp_path: Path) -> None:
    async with bench(tmp_path, two_orders()) as night:
        await night.nights(9)
        now = night.clock.now
        night.world.call(3, order=1, at=now - timedelta(days=8)).recording(31)
        night.world.call(4, order=1, at=now - timedelta(days=9, hours=1)).recording(41)
        await night.run()
        assert set(night.archive.recordings()) == {11, 21, 31}


async def test_a_call_that_was_inserted_late_is_found_although_runs_paused(
    tmp_path: Path,
) -> None:
    """It came an hour late, just after the last complete run; the next one is ten days later."""
    async with bench(tmp_path, two_orders()) as night:
        await night.run()
        night.world.call(3, order=1, at=night.clock.now - timedelta(hours=1)).recording(31)
        night.clock.advance(days=10)
        assert (await night.run()).exit_code == 0
        night.check_archive()


async def test_a_window_that_begins_earlier_than_before_is_listed_from_there_on_once(
    tmp_path: Path,
) -> None:
    world = two_orders().call(3, order=1, at=FIRST_NIGHT - 20 * DAY).recording(31)
    async with bench(tmp_path, world) as night:
        await night.run()
        assert set(night.archive.recordings()) == {11, 21}
        earlier = {"window": {"since": "2026-10-01"}}
        report = await night.run(settings=earlier)
        assert (report.exit_code, report.as_json()["calls"]["listed"]) == (0, 3)
        night.check_archive()
        night.clock.advance(days=1)
        assert (await night.run(settings=earlier)).as_json()["calls"]["listed"] == 2


@pytest.mark.parametrize(
    "named",
    [
        {"since": FIRST_NIGHT - DAY},
        {"until": FIRST_NIGHT - timedelta(hours=1)},
        {"leads": (5,)},
        {"orders": (1,)},
        {"calls": (1,)},
    ],
    ids=lambda named: next(iter(named)),
)
async def test_a_run_about_something_named_moves_no_cursor(
    tmp_path: Path, named: dict[str, Any]
) -> None:
    async with bench(tmp_path, two_orders()) as night:
        report = await night.run(**named)
        assert report.exit_code == 0
        assert 11 in night.archive.recordings()
        assert night.cursors() == {}
        await night.run()
        before = night.cursors()
        night.clock.advance(days=1)
        await night.run(**named)
        assert night.cursors() == before
        night.check_archive()


async def test_named_scopes_bring_what_they_name_and_nothing_else(tmp_path: Path) -> None:
    world = two_orders().call(3, order=2, lead=7).recording(31).call(4, lead=8).recording(41)
    async with bench(tmp_path, world) as night:
        await night.run(leads=(5, 7, 999))
        assert set(night.archive.recordings()) == {11, 31}
        await night.run(orders=(2,), calls=(4,))
        night.check_archive()
        assert night.cursors() == {}


async def test_a_window_is_half_open_whatever_the_api_thinks(tmp_path: Path) -> None:
    since, until = FIRST_NIGHT - 2 * timedelta(hours=1), FIRST_NIGHT - timedelta(hours=1)
    world = World()
    for number, at in enumerate((since - timedelta(seconds=1), since, until, until), start=1):
        world.call(number, at=at).recording(number)
    world.call(5, at=until - timedelta(seconds=1)).recording(5)
    async with bench(tmp_path, world) as night:
        await night.run(since=since, until=until)
        assert set(night.archive.recordings()) == {2, 5}


async def test_a_call_is_as_fresh_as_settle_allows(tmp_path: Path) -> None:
    world = World().call(1, at=FIRST_NIGHT - timedelta(hours=2)).recording(11)
    settings = {"window": {"settle": "2h"}}
    async with bench(tmp_path, world, settings=settings) as night:
        assert (await night.run()).listed == 0
        night.clock.advance(seconds=1)
        assert (await night.run()).listed == 1


async def test_without_a_beginning_nothing_is_made_and_the_user_is_told(tmp_path: Path) -> None:
    async with bench(tmp_path, two_orders(), settings={"window": {"since": None}}) as night:
        with pytest.raises(UsageError, match=r"window\.since"):
            await night.run()
        assert (await night.run(since=FIRST_NIGHT - DAY)).exit_code == 0
        night.check_archive()


async def test_a_call_that_the_api_does_not_know_is_named(tmp_path: Path) -> None:
    async with bench(tmp_path, two_orders()) as night:
        report = await night.run(calls=(1, 777))
        assert report.exit_code == 3
        (problem,) = report.as_json()["problems"]
        assert (problem["callId"], problem["reason"]) == (777, "call-not-read")
        assert not problem["retryable"]  # no run asks for it by itself
        assert set(night.archive.recordings()) == {11}


async def test_a_dry_run_says_what_it_could_not_list_and_nothing_of_what_is_open(
    tmp_path: Path,
) -> None:
    denied = Fault(Route.CALLS, Status(404), where=lambda asked: "2" in asked.array("orderIds"))
    async with bench(tmp_path, two_orders().change_call(1, has_records=True)) as night:
        night.sandbox.faults.add(Fault(Route.FILE, Status(503)))
        assert (await night.run()).exit_code == 3
        assert (await night.run(dry_run=True)).exit_code == 0
        night.sandbox.faults.add(denied)
        report = await night.run(dry_run=True)
        assert (report.exit_code, reasons(report)) == (3, {None: "calls-not-listed"})
        report = await night.run(dry_run=True, calls=(777,))
        assert (report.exit_code, reasons(report)) == (3, {None: "call-not-read"})


async def test_calls_are_listed_by_the_leads_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "leads.txt").write_text("5 # the first\n\n999\n")
    settings = {"scope": {"leads": "leads.txt"}}
    async with bench(tmp_path, two_orders(), settings=settings) as night:
        assert (await night.run()).exit_code == 0
        assert set(night.archive.recordings()) == {11}
        assert night.cursors() == {("lead", 5): UNTIL, ("lead", 999): UNTIL}


async def test_a_wider_filter_reads_from_the_first_day_again(tmp_path: Path) -> None:
    world = World().call(1, user_id=101).recording(11).call(2, user_id=102).recording(21)
    async with bench(tmp_path, world, settings={"scope": {"users": [101]}}) as night:
        await night.run()
        assert set(night.archive.recordings()) == {11}
        night.clock.advance(days=60)
        night.settings.clear()
        await night.run()
        night.check_archive()


@pytest.mark.parametrize("lived", [False, True])
async def test_a_dry_run_changes_nothing_at_all(tmp_path: Path, lived: bool) -> None:
    faults = (Fault(Route.FILE, Status(500), id=21),)
    async with bench(tmp_path, two_orders(), *faults) as night:
        if lived:
            await night.run()
            night.world.call(3).recording(31).order(9, "New")
            night.clock.advance(days=3)
        before, names = tree(tmp_path), sorted(tmp_path.rglob("*"))
        report = await night.run(dry_run=True)
        assert tree(tmp_path) == before
        assert sorted(tmp_path.rglob("*")) == names
        estimate = report.as_json()["estimate"]
        assert estimate["recordings"] == 2
        assert report.exit_code == 0
        assert night.sandbox.count(Route.FILE) == (4 if lived else 0)


async def test_a_dry_run_needs_no_lock_and_no_right_to_write(tmp_path: Path) -> None:
    async with bench(tmp_path, two_orders()) as night:
        await night.run()
        for path in (night.archive.root, *night.archive.root.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        try:
            report = await night.run(dry_run=True)
        finally:
            for path in (night.archive.root, *night.archive.root.rglob("*")):
                path.chmod(0o755 if path.is_dir() else 0o644)
        assert report.as_json()["estimate"]["recordings"] == 0


async def test_since_before_the_first_day_of_the_configuration_is_obeyed(tmp_path: Path) -> None:
    world = World().call(1, at="2026-10-01T12:00:00Z").recording(11)
    async with bench(tmp_path, world) as night:
        assert (await night.run()).listed == 0
        await night.run(since=datetime.fromisoformat("2026-10-01T00:00:00Z"))
        night.check_archive()
