"""Kinds of a selection narrow each other, and the API is asked for no more than it needs."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from archiver.desk.file import desk_data, open_desk_file
from archiver.desk.review.tags import recordings_with
from archiver.errors import NothingToExport, UsageError
from archiver.export.selection import Named
from archiver.sandbox.cues import Fault
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Status
from archiver.sandbox.world import World
from tests.export.packages import LEAD, PHONE, Package, exported, left_in
from tests.support.world import Night, bench

pytestmark = pytest.mark.anyio

OCTOBER, NOVEMBER = "2026-10-05T10:00:00Z", "2026-11-01T10:00:00Z"
OTHER = "+79995554433"
AUTUMN = {"window": {"since": "2026-10-01"}}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def office() -> World:
    """Two leads, two orders, two users, two months, and calls that nobody answered."""
    world = (
        World().order(1, "Sales").order(2, "Care").user(7, "Anna", "Price").user(8, "Tom", "Ash")
    )
    world.call(1, order=1, lead=10, user_id=7, at=OCTOBER, phone=PHONE).recording(11, user_id=7)
    world.call(2, order=2, lead=10, user_id=8, at=NOVEMBER, phone=OTHER).recording(12, user_id=8)
    world.call(3, order=1, lead=20, user_id=8, at=NOVEMBER, phone=PHONE)
    world.recording(13, user_id=8).recording(14, user_id=7)
    missed = {"talk": 0, "phone": OTHER}
    world.call(4, order=1, lead=20, at=NOVEMBER, status="no-answer", user_id=7, **missed)
    return world.call(5, order=2, lead=20, at=OCTOBER, status="busy", **missed)


async def chosen(night: Night, target: Path, **selection: Any) -> dict[int, set[int]]:
    """The calls that were packed, with their recordings."""
    report = await exported(night, target, **selection)
    found: dict[int, set[int]] = {}
    for row in Package(target).rows():
        found.setdefault(int(row["callId"]), set()).update(
            map(int, filter(None, [row["recordId"]]))
        )
    assert report.contents.recordings == len(Package(target).audio())
    return found


@pytest.mark.parametrize(
    ("selection", "calls"),
    [
        ({"leads": (10, 20), "users": (7,)}, {1, 3, 4}),
        ({"leads": (10,), "orders": (1,)}, {1}),
        ({"phones": (PHONE,), "leads": (20,)}, {3}),
        ({"phones": (PHONE,), "users": (7,), "until": moment(NOVEMBER)}, {1}),
        ({"since": moment(OCTOBER), "until": moment(NOVEMBER), "orders": (1, 2)}, {1, 5}),
        ({"since": moment(NOVEMBER)}, {2, 3, 4}),
        ({"statuses": ("no-answer", "busy")}, {4, 5}),
        ({"statuses": ("answered",), "users": (8,)}, {2, 3}),
        ({"calls": (1, 2, 4), "leads": (20,)}, {4}),
    ],
)
async def test_kinds_narrow_and_values_of_a_kind_widen(
    tmp_path: Path, selection: dict[str, Any], calls: set[int]
) -> None:
    async with bench(tmp_path, office(), settings=AUTUMN) as night:
        await night.run()
        found = await chosen(night, tmp_path / "some", **selection)
        assert found.keys() == calls


async def test_a_list_takes_single_recordings_and_whole_calls(tmp_path: Path) -> None:
    async with bench(tmp_path, office(), settings=AUTUMN) as night:
        await night.run()
        before = night.sandbox.count(Route.CALLS)
        listed = Named(frozenset({13}), frozenset({1}))
        assert await chosen(night, tmp_path / "some", listed=listed) == {1: {11}, 3: {13}}
        assert night.sandbox.count(Route.CALLS) == before
        custody = Package(tmp_path / "some").custody
        assert custody["request"]["listedRecordings"] == [13]
        both: dict[str, Any] = {
            "tags": ("x",),
            "tagged": Named(frozenset({14, 12})),
            "listed": listed,
        }
        with pytest.raises(
            NothingToExport, match="no call matches all of: tag x, a list with 2 entries"
        ):
            await exported(night, tmp_path / "none", **both)
        with pytest.raises(NothingToExport, match="a list with 1 entry in"):
            await exported(night, tmp_path / "none", listed=Named(frozenset({4711})))
        assert left_in(tmp_path) == ["some"]


async def test_a_listed_recording_that_the_archive_does_not_know_is_named(tmp_path: Path) -> None:
    async with bench(tmp_path, office(), settings=AUTUMN) as night:
        await night.run()
        report = await exported(night, tmp_path / "some", listed=Named(frozenset({11, 999})))
        assert (report.exit_code, list(report.chosen.not_found)) == (3, ["recording 999"])


async def test_a_lead_with_two_calls_costs_one_request_for_its_list(tmp_path: Path) -> None:
    world = World().call(1, lead=LEAD, at="2011-05-01T10:00:00Z").recording(11)
    world.call(2, lead=LEAD, at=NOVEMBER).recording(12)
    async with bench(tmp_path, world) as night:
        await exported(night, tmp_path / "lead", leads=(LEAD,))
        assert night.sandbox.count(Route.CALLS) == 1
        assert len(Package(tmp_path / "lead").audio()) == 2


async def test_an_api_that_refuses_long_periods_is_asked_month_by_month(tmp_path: Path) -> None:
    world = World().call(1, lead=LEAD, at="2025-12-01T10:00:00Z").recording(11)
    async with bench(tmp_path, world) as night:
        night.sandbox.faults.add(Fault(Route.CALLS, Status(400), times=1))
        since = moment("2025-11-01T00:00:00Z")
        report = await exported(night, tmp_path / "lead", leads=(LEAD,), since=since)
        assert (report.exit_code, report.contents.recordings) == (0, 1)
        assert 12 <= night.sandbox.count(Route.CALLS) <= 14


async def test_tags_are_read_from_the_desk_of_this_machine(tmp_path: Path) -> None:
    async with bench(tmp_path, office(), settings=AUTUMN) as night:
        await night.run()
        archive_id = night.archive.format()["archiveId"]
        path = desk_data(night.config(), archive_id, night.state)
        with pytest.raises(UsageError, match="there is no desk on this machine"):
            await recordings_with(path, archive_id, ["x"])
        async with open_desk_file(path, archive_id) as file:
            await file.write(
                lambda db: db.execute("INSERT INTO tags VALUES (13, 'court', 'anna', 1)")
            )
        assert await recordings_with(path, archive_id, ["#Court ", "other"]) == {13}
