"""An API that refuses, throttles, breaks and dies: what a run makes of it."""

import resource
from pathlib import Path
from typing import Any

import pytest

from archiver.errors import ArchiverError, RequestError, SourceRefused, SourceUnreachable
from archiver.sandbox.exchange import LISTINGS, Route
from archiver.sandbox.faults import (
    Body,
    Data,
    Delay,
    DepthLimit,
    Drip,
    Fault,
    HangUp,
    Happens,
    HugeJson,
    LastNext,
    LastPage,
    Member,
    NotSuccess,
    PageCap,
    Shift,
    Silence,
    Status,
    html,
)
from archiver.sandbox.world import World
from tests.run.test_lists import many, some
from tests.support.world import bench, reasons, told

pytestmark = pytest.mark.anyio


REFUSED = [
    (Status(401), SourceRefused),
    (Status(403), RequestError),
    (Status(500), ArchiverError),
    (html(), ArchiverError),
    (NotSuccess(), ArchiverError),
    (Body(b"", None), ArchiverError),
    (HangUp(), ArchiverError),
    (Status(429, retry_after=9999), ArchiverError),
    (Data(None), ArchiverError),
]


@pytest.mark.parametrize(("effect", "error"), REFUSED, ids=lambda one: str(one)[:30])
async def test_an_api_that_refuses_at_the_start_ends_the_run_with_5(
    tmp_path: Path, effect: Any, error: type[ArchiverError]
) -> None:
    async with bench(tmp_path, many(), some(effect, None)) as night:
        with pytest.raises(error) as failure:
            await night.run()
        assert failure.value.exit_code == 5
        assert str(failure.value)
        night.sandbox.faults.clear()
        assert (await night.run()).exit_code == 0
        night.check_archive()


async def test_a_wrong_key_makes_no_archive(tmp_path: Path) -> None:
    async with bench(tmp_path, many()) as night:
        with pytest.raises(SourceRefused):
            await night.run(settings={"liner": {"api_key": "wrong-and-secret"}})
        assert not (tmp_path / "archive").exists()


@pytest.mark.parametrize("route", [Route.CALLS, Route.RECORDINGS])
@pytest.mark.parametrize(
    ("effect", "error"),
    [(Status(401), SourceRefused), (HangUp(), SourceUnreachable), (html(503), SourceUnreachable)],
    ids=lambda one: str(one)[:12],
)
async def test_an_api_that_dies_stops_the_run_and_the_next_completes_it(
    tmp_path: Path, route: Route, effect: Any, error: type[ArchiverError]
) -> None:
    world = World()
    for number in range(120):
        world.call(order=number % 30 + 1).recording()
    async with bench(tmp_path, world) as night:
        dies = Happens(lambda: night.sandbox.faults.add(Fault(None, effect)))
        after = 0 if route is Route.CALLS else 30
        night.sandbox.faults.add(Fault(route, dies, after=after, times=1))
        with pytest.raises(error) as failure:
            await night.run()
        assert failure.value.exit_code == 5
        before = {event["recordId"] for event in night.archive.events("stored")}
        night.sandbox.faults.clear()
        night.sandbox.forget()
        assert (await night.run()).exit_code == 0
        night.check_archive()
        assert not before & {one.id for one in night.sandbox.requests if one.route is Route.FILE}


async def test_calls_that_were_admitted_are_handed_over_though_their_list_fails(
    tmp_path: Path,
) -> None:
    """One page of an order is refused while the others are handed over, slowly: one worker."""
    world = World()
    for _ in range(230):
        world.call().recording()
    settings = {"download": {"workers": 1}}
    refused = some(DepthLimit(100))
    async with bench(tmp_path, world, refused, settings=settings) as night:
        report = await night.run()
        assert "unfinished" not in report.as_json()
        night.sandbox.faults.clear()
        night.clock.advance(days=60)
        await night.run()
        night.check_archive()


async def test_twelve_calls_that_always_fail_stop_no_run(tmp_path: Path) -> None:
    world = World()
    for _ in range(60):
        world.call().recording()
    bad = Fault(Route.RECORDINGS, Status(500), where=lambda r: (r.id or 0) <= 40)
    async with bench(tmp_path, world, bad) as night:
        report = await night.run()
        assert told(report) == {"failed": 40, "archived": 20}
        assert set(reasons(report).values()) == {"list-failed"}
        night.check_archive(whole=False)


async def test_an_answer_of_400_mb_is_refused_in_little_memory(tmp_path: Path) -> None:
    world = World().call(1).recording(11).call(2).recording(21)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with bench(tmp_path, world, some(HugeJson(), Route.RECORDINGS, id=1)) as night:
        report = await night.run()
        assert reasons(report) == {None: "list-failed"}
        assert set(night.archive.recordings()) == {21}
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 300 * 1024


async def test_an_answer_that_drips_is_given_up_after_the_time_out(tmp_path: Path) -> None:
    world = World().call(1).recording(11).call(2).recording(21).call(3).recording(31)
    async with bench(
        tmp_path,
        world,
        some(Drip(1, 0.05), Route.RECORDINGS, id=1),
        some(Silence(), Route.RECORDINGS, id=2),
        some(Delay(60), Route.RECORDINGS, id=3, times=1),
        settings={"liner": {"timeout": "0.2s"}},
    ) as night:
        report = await night.run()
        assert told(report) == {"failed": 2, "archived": 1}


async def test_names_are_null_where_the_key_may_not_read_them(tmp_path: Path) -> None:
    world = World().user(101).call(1).recording(11).call(2, user_id=102).recording(21)
    nobody = some(Status(403), frozenset({Route.USERS, Route.USER}))
    async with bench(tmp_path, world, nobody) as night:
        report = await night.run()
        assert report.exit_code == 0
        assert night.archive.sidecar(11)["userName"] is None
        assert report.as_json()["notes"]


async def test_blocked_users_have_names_as_well(tmp_path: Path) -> None:
    world = World().user(101).user(102, "Tom", "Baker", active=False)
    world.call(1).recording(11).call(2, user_id=102).recording(21).call(3, user_id=999).recording(
        31
    )
    async with bench(tmp_path, world) as night:
        await night.run()
        names = [night.archive.sidecar(one)["userName"] for one in (11, 21, 31)]
        assert names == ["Anna Price", "Tom Baker", None]


async def test_recordings_in_pages_that_misbehave_all_come(tmp_path: Path) -> None:
    world = World().call(1)
    for _ in range(120):
        world.recording()
    faults = [
        some(PageCap(50), LISTINGS),
        some(LastPage(LastNext.SAME), Route.RECORDINGS),
        some(Shift(2), Route.RECORDINGS, after=1),
    ]
    async with bench(tmp_path, world, faults) as night:
        assert (await night.run()).exit_code == 0
        night.check_archive()


async def test_a_list_of_recordings_that_comes_short_leaves_the_call_open(tmp_path: Path) -> None:
    world = World().call(1).recording(11).call(2, has_records=False)
    more = some(Member("total", lambda total: total + 1), Route.RECORDINGS)
    async with bench(tmp_path, world, more) as night:
        report = await night.run()
        assert told(report) == {"failed": 2}
        assert set(reasons(report).values()) == {"list-incomplete"}
        night.sandbox.faults.clear()
        assert told(await night.run()) == {"archived": 1, "none": 1}
        night.check_archive()
