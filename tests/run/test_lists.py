"""Lists that page, shift, lie and come short: everything comes, or the run says what did not."""

from pathlib import Path
from typing import Any

import pytest

from archiver.sandbox.exchange import API, LISTS, Route
from archiver.sandbox.faults import (
    ABSENT,
    AddressLimit,
    BatchLimit,
    Body,
    CutJson,
    Data,
    DepthLimit,
    Fault,
    Fields,
    Framed,
    Framing,
    Gzip,
    HangUp,
    Happens,
    Ignores,
    LastNext,
    LastPage,
    Member,
    NewestFirst,
    NotSuccess,
    OnlySpelling,
    PageCap,
    PluralStatuses,
    Reordered,
    Shift,
    ShortPage,
    Status,
    html,
    strict_slash,
    without,
)
from archiver.sandbox.world import World
from tests.support.world import bench, reasons

pytestmark = pytest.mark.anyio

CALLS = 230


def many(orders: int = 3, recorded: int = 40) -> World:
    """Three pages of calls, a few of them with a recording, one with a page of recordings."""
    world = World()
    for number in range(1, CALLS + 1):
        world.call(number, order=number % orders + 1, talk=20 if number % recorded == 0 else 0)
        if number % recorded == 0:
            world.recording()
    world.call(CALLS + 1)
    for _ in range(3):
        world.recording()
    return world


def some(effect: Any, route: Any = Route.CALLS, **cue: Any) -> Fault:
    return Fault(route, effect, **cue)


LISTED: dict[str, list[Fault]] = {
    **{f"last next {one.name}": [some(LastPage(one), LISTS)] for one in LastNext},
    "next absent on every page": [some(Member("next", ABSENT), LISTS)],
    "next null on every page": [some(Member("next", None), LISTS)],
    "next stands still": [some(Member("next", 0), LISTS)],
    "next and total as text": [some(Member("next", str), LISTS), some(Member("total", str), LISTS)],
    "total absent": [some(Member("total", ABSENT), LISTS)],
    "total null": [some(Member("total", None), LISTS)],
    "total zero": [some(Member("total", 0), LISTS)],
    "cap": [some(PageCap(30), LISTS)],
    "cap of one": [some(PageCap(1), frozenset({Route.RECORDINGS, Route.ORDERS}))],
    "cap, false next": [some(PageCap(30, honest_next=False), LISTS)],
    "cap, no next": [some(PageCap(30)), some(Member("next", ABSENT))],
    "a page comes short once": [some(ShortPage(60), times=1)],
    "a page comes empty once": [some(ShortPage(0), times=1, after=1)],
    "newest first": [some(NewestFirst())],
    "shuffled pages": [some(Reordered(lambda row: row["id"] * 7919 % 101))],
    "rows come twice": [some(Shift(3), after=1)],
    "rows are skipped": [some(Shift(-3), after=1)],
    "offset ignored, yet periods are short": [some(Ignores("offset"))],
    "period ignored": [some(Ignores("createdAt"))],
    "batches refused": [some(BatchLimit(1))],
    "batches too long": [some(AddressLimit(160))],
    "deep offsets refused": [some(DepthLimit(100))],
    "indexed arrays only": [some(OnlySpelling(indexed=False))],
    "no order in rows": [some(without("orderId", "hasRecords", "statusId"))],
    "chunked": [some(Framed(Framing.CHUNKED), API)],
    "until the end": [some(Framed(Framing.CLOSE), API)],
    "gzip unasked": [some(Gzip(), API)],
    "redirected to the slash": [*strict_slash(Route.CALL), *strict_slash(Route.RECORDING)],
    "plural statuses": [some(PluralStatuses(), Route.STATUSES)],
    "statuses forbidden": [some(Status(403), Route.STATUSES)],
    "users forbidden": [some(Status(403), frozenset({Route.USERS, Route.USER}))],
    "users broken": [some(html(502), frozenset({Route.USERS, Route.USER}))],
    "no order list v2": [some(Status(404), Route.ORDERS)],
    "order list v2 forbidden": [some(Status(403), Route.ORDERS)],
    "order list v2 of another shape": [some(Data([]), Route.ORDERS)],
    "a passing 500": [some(Status(500), API, times=2)],
    "a passing 429": [some(Status(429, retry_after=0), API, times=2)],
    "a passing 429 with a date": [some(Status(429, retry_after=0, as_date=True), API, times=2)],
    "a passing 503": [some(Status(503, retry_after=0), API, times=2)],
    "a passing gateway page": [some(html(502), API, times=2)],
    "a passing page with 200": [some(html(), API, times=2)],
    "a passing failure": [some(NotSuccess(), API, times=2)],
    "passing cut JSON": [some(CutJson(), API, times=2)],
    "passing hang-ups": [some(HangUp(reset=True), API, times=2)],
    "a byte-order mark": [some(Body(b"\xef\xbb\xbf{}"), Route.HEALTH)],
}


@pytest.mark.parametrize("faults", LISTED.values(), ids=LISTED.keys())
async def test_everything_is_listed_whatever_the_manners_of_the_api(
    tmp_path: Path, faults: list[Fault]
) -> None:
    async with bench(tmp_path, many(), faults) as night:
        report = await night.run()
        assert report.exit_code == 0, report.as_json()["problems"]
        assert report.listed == CALLS + 1
        night.check_archive()


SHORT: dict[str, list[Fault]] = {
    "more are counted than come": [some(Member("total", lambda total: total + 2))],
    "a row without an id": [some(Fields({"id": None}, only=7))],
    "refused for one order": [some(Status(422), where=lambda r: "2" in r.array("orderIds"))],
    "forbidden for one order": [some(Status(403), where=lambda r: "2" in r.array("orderIds"))],
    "unknown for one order": [some(Status(404), where=lambda r: "2" in r.array("orderIds"))],
    "broken for one order": [some(Status(500), where=lambda r: "2" in r.array("orderIds"))],
    "no success for one order": [some(NotSuccess(), where=lambda r: "2" in r.array("orderIds"))],
    "orders are counted that do not come": [
        some(Member("total", lambda total: total + 1), Route.ORDERS)
    ],
    "an order without an id": [some(Fields({"id": "x"}, only=2), Route.ORDERS)],
}


@pytest.mark.parametrize("faults", SHORT.values(), ids=SHORT.keys())
async def test_what_was_not_listed_is_said_and_comes_with_the_next_run(
    tmp_path: Path, faults: list[Fault]
) -> None:
    async with bench(tmp_path, many(), faults) as night:
        report = await night.run()
        assert report.exit_code == 3
        assert report.complete is False
        night.check_archive(whole=False)
        night.sandbox.faults.clear()
        night.clock.advance(days=40)
        assert (await night.run()).exit_code == 0
        night.check_archive()


async def test_a_list_that_never_moves_on_is_said_to_be_short(tmp_path: Path) -> None:
    world = World()
    for _ in range(150):
        world.call(at="2026-11-02T09:00:00Z", talk=0)
    async with bench(tmp_path, world, some(Ignores("offset"))) as night:
        report = await night.run()
        assert report.exit_code == 3
        assert reasons(report) == {None: "calls-not-listed"}
        assert night.cursors() == {}


async def test_calls_that_appear_while_the_list_is_read_are_no_shortfall(tmp_path: Path) -> None:
    world = many(orders=1)
    appear = Happens(lambda: world.call(at="2026-11-02T08:00:00Z", talk=0))
    async with bench(tmp_path, world, some(appear, times=5)) as night:
        assert (await night.run()).exit_code == 0
        night.sandbox.faults.clear()
        report = await night.run()
        assert report.listed == len(world._calls) > CALLS + 2
        night.check_archive()


async def test_calls_that_vanish_while_the_list_is_read_hide_no_other(tmp_path: Path) -> None:
    world = many(orders=1)
    victims = iter(range(1, 20))
    vanish = Happens(lambda: world.remove_call(next(victims)))
    async with bench(tmp_path, world, some(vanish, times=3)) as night:
        await night.run()
        assert (await night.run()).exit_code == 0
        night.check_archive()
