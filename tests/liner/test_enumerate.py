"""Every call arrives, or its scope and window are named in a shortfall."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest
from msgspec.structs import replace

from archiver.config import LinerConfig
from archiver.errors import SourceRefused, SourceUnreachable
from archiver.http.origins import OriginPolicy
from archiver.http.transport import GuardedTransport
from archiver.liner.client import LinerClient
from archiver.liner.enumerate import Enumerator, Scope, Shortfall, Stretch, Window
from archiver.liner.fields import as_time
from archiver.liner.models import Call
from archiver.secrets import Secret
from archiver.tasks.retry import RetryPolicy
from tests.liner.fake import Asked, Fake, serving

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)
SINCE = datetime(2026, 9, 1, tzinfo=UTC)
WEEK = Window(SINCE, SINCE + 7 * DAY)
YEAR = Window(SINCE, SINCE + 365 * DAY)


def call(number: int, order: int | None, at: datetime | None, **more: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"id": number, "leadId": 1000 + number, **more}
    if order is not None:
        row["orderId"] = order
    if at is not None:
        row["createdAt"] = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return row


@dataclass
class Api:
    """A call list with habits. `refuse` may answer a request with a status instead."""

    calls: list[dict[str, Any]]
    orders: dict[int, int] = field(default_factory=dict)
    ignores_period: bool = False
    names_orders: bool = True
    hides: frozenset[int] = frozenset()
    refuse: Callable[["Question"], int | None] = lambda question: None
    longest_offset: int = 0
    asked: list["Question"] = field(default_factory=list)

    async def __call__(self, asked: Asked) -> None:
        if asked.path != "/v2/call/":
            await asked.refuse(404)
            return
        question = Question.of(asked)
        self.asked.append(question)
        status = self.refuse(question)
        if status is not None:
            await asked.refuse(status)
            return
        rows = [row for row in self.calls if self._matches(row, question)]
        page = rows[question.offset : question.offset + question.limit]
        self.longest_offset = max(self.longest_offset, question.offset)
        shown = [self._shown(row) for row in page if row["id"] not in self.hides]
        following = question.offset + question.limit
        await asked.data({"list": shown, "next": following, "total": len(rows)})

    def _matches(self, row: dict[str, Any], question: "Question") -> bool:
        order = row.get("orderId", self.orders.get(row["id"]))
        if question.orders and order not in question.orders:
            return False
        if question.leads and row["leadId"] not in question.leads:
            return False
        at = as_time(row.get("createdAt"))
        return self.ignores_period or at is None or question.since <= at <= question.until

    def _shown(self, row: dict[str, Any]) -> dict[str, Any]:
        return {k: v for k, v in row.items() if self.names_orders or k != "orderId"}


@dataclass(frozen=True)
class Question:
    orders: tuple[int, ...]
    leads: tuple[int, ...]
    since: datetime
    until: datetime
    offset: int
    limit: int
    query: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, asked: Asked) -> "Question":
        query = asked.query
        named = dict(query)
        since, until = as_time(named["createdAt[0]"]), as_time(named["createdAt[1]"])
        assert since is not None
        assert until is not None
        return cls(
            tuple(int(v) for k, v in query if k == "orderIds[]"),
            tuple(int(v) for k, v in query if k == "leadIds[]"),
            since,
            until,
            asked.number("offset"),
            asked.number("limit"),
            tuple(query),
        )

    @property
    def length(self) -> timedelta:
        return self.until - self.since


@asynccontextmanager
async def asking(api: Api, **more: Any) -> AsyncIterator[tuple[Enumerator, Fake]]:
    async def no_sleep(seconds: float) -> None:
        await anyio.lowlevel.checkpoint()

    async with serving(api) as fake:
        config = LinerConfig(fake.url, Secret("k" * 20), requests_per_second=1e6)
        transport = GuardedTransport(OriginPolicy(fake.url))
        retry = RetryPolicy(attempts=2)
        async with LinerClient(config, transport, retry=retry, sleep=no_sleep) as client:
            yield Enumerator(client, **more), fake


async def enumerated(
    api: Api, *stretches: Stretch, **more: Any
) -> tuple[dict[int, Call], tuple[Shortfall, ...]]:
    found: dict[int, Call] = {}

    async def emit(calls: list[Call]) -> None:
        assert calls
        for one in calls:
            found.setdefault(one.id, one)

    async with asking(api, **more) as (enumerator, _):
        with anyio.fail_after(30):
            return found, await enumerator.run(stretches, emit)


def of_orders(*ids: int, window: Window = WEEK) -> Stretch:
    return Stretch(tuple(Scope("order", one) for one in ids), window)


def spread(count: int, window: Window, orders: int = 1) -> list[dict[str, Any]]:
    step = (window.until - window.since) / count
    return [call(n + 1, n % orders + 1, window.since + n * step) for n in range(count)]


async def test_all_calls_of_several_orders_arrive_once_with_one_request_for_a_quiet_week() -> None:
    api = Api(spread(60, WEEK, orders=3))
    found, shortfalls = await enumerated(api, of_orders(1, 2, 3))
    assert (sorted(found), shortfalls) == (list(range(1, 61)), ())
    assert len(api.asked) == 1
    assert api.asked[0].orders == (1, 2, 3)
    assert (found[2].order_id, found[2].lead_id) == (2, 1002)


async def test_leads_are_asked_for_as_leads() -> None:
    api = Api(spread(10, WEEK))
    found, _ = await enumerated(api, Stretch((Scope("lead", 1003), Scope("lead", 1004)), WEEK))
    assert sorted(found) == [3, 4]
    assert (api.asked[0].orders, api.asked[0].leads) == ((), (1003, 1004))


async def test_a_window_is_half_open_whatever_the_api_returns() -> None:
    second = timedelta(seconds=1)
    times = [SINCE - second, SINCE, WEEK.until - second, WEEK.until]
    api = Api([call(n, 1, at) for n, at in enumerate(times, start=1)])
    found, shortfalls = await enumerated(api, of_orders(1))
    assert (sorted(found), shortfalls) == ([2, 3], ())
    assert (api.asked[0].since, api.asked[0].until) == (SINCE - second, WEEK.until)


async def test_rows_without_a_readable_time_are_kept() -> None:
    api = Api([call(1, 1, None), call(2, 1, None, createdAt="yesterday")])
    found, _ = await enumerated(api, of_orders(1))
    assert sorted(found) == [1, 2]


async def test_many_orders_are_asked_for_in_batches_of_25() -> None:
    api = Api(spread(60, WEEK, orders=60))
    found, _ = await enumerated(api, of_orders(*range(1, 61)))
    assert len(found) == 60
    assert sorted(len(one.orders) for one in api.asked) == [10, 25, 25]


async def test_a_long_window_is_asked_for_month_by_month() -> None:
    api = Api(spread(365, YEAR))
    found, shortfalls = await enumerated(api, of_orders(1, window=YEAR))
    assert (len(found), shortfalls) == (365, ())
    longest = sorted(one.length for one in api.asked)
    assert longest[-2] == 31 * DAY + timedelta(seconds=1)
    assert longest[-1] == YEAR.until - YEAR.since + timedelta(seconds=1), "once, to count them all"
    assert len(api.asked) == 13


async def test_a_full_slice_is_cut_so_that_offsets_stay_small() -> None:
    api = Api(spread(3000, WEEK))
    found, shortfalls = await enumerated(api, of_orders(1), deep=500)
    assert (len(found), shortfalls) == (3000, ())
    assert api.longest_offset < 500


async def test_a_burst_within_one_second_is_paged_through() -> None:
    api = Api([call(n, 1, SINCE + DAY) for n in range(1, 701)])
    found, shortfalls = await enumerated(api, of_orders(1), deep=200)
    assert (len(found), shortfalls) == (700, ())


@pytest.mark.parametrize(("longest", "most"), [(365 * DAY, 40), (32 * DAY, 120)])
async def test_a_server_that_ignores_the_period_is_read_as_one_list(
    longest: timedelta, most: int
) -> None:
    api = Api(spread(1500, YEAR), ignores_period=True)
    api.refuse = lambda q: 422 if q.length > longest else None
    window = Window(SINCE + 100 * DAY, SINCE + 200 * DAY)
    found, shortfalls = await enumerated(api, of_orders(1, window=window), deep=500)
    inside = [row for row in api.calls if window.holds(as_time(row["createdAt"]) or SINCE)]
    assert sorted(found) == sorted(row["id"] for row in inside)
    assert shortfalls == ()
    assert len(api.asked) <= most


async def test_a_server_that_ignores_the_period_and_tells_no_times_is_read_as_one_list() -> None:
    api = Api([call(n, 1, None) for n in range(1, 1001)])
    found, shortfalls = await enumerated(api, of_orders(1), deep=300)
    assert (len(found), shortfalls) == (1000, ())
    assert len(api.asked) < 30


async def test_rows_without_an_order_are_asked_for_order_by_order() -> None:
    api = Api(spread(90, WEEK, orders=3), names_orders=False)
    found, shortfalls = await enumerated(api, of_orders(1, 2, 3))
    assert shortfalls == ()
    assert {one.id: one.order_id for one in found.values()} == {
        row["id"]: row["orderId"] for row in api.calls
    }
    assert [len(one.orders) for one in api.asked] == [3, 1, 1, 1]
    assert "orderId" not in found[1].row


@pytest.mark.parametrize("status", [400, 403, 404, 422, 500])
async def test_one_bad_order_is_isolated_and_the_others_arrive(status: int) -> None:
    api = Api(spread(80, WEEK, orders=8), refuse=lambda q: status if 5 in q.orders else None)
    found, shortfalls = await enumerated(api, of_orders(*range(1, 9)))
    assert {one.order_id for one in found.values()} == {1, 2, 3, 4, 6, 7, 8}
    assert {scope for one in shortfalls for scope in one.scopes} == {Scope("order", 5)}
    assert all(one.retryable is (status == 500) for one in shortfalls)
    assert shortfalls[0].window.since == WEEK.since or shortfalls[-1].window.since == WEEK.since


async def test_a_lost_order_is_not_asked_for_in_every_month() -> None:
    api = Api(spread(80, YEAR, orders=2), refuse=lambda q: 404 if 2 in q.orders else None)
    found, shortfalls = await enumerated(api, of_orders(1, 2, window=YEAR))
    assert {one.order_id for one in found.values()} == {1}
    assert [(one.scopes, one.window) for one in shortfalls] == [((Scope("order", 2),), YEAR)]
    assert sum(2 in one.orders for one in api.asked) == 2


@pytest.mark.parametrize("longest", [7 * DAY, 2 * DAY, DAY])
async def test_a_server_that_takes_short_windows_only_gets_short_windows(
    longest: timedelta,
) -> None:
    limit = longest + timedelta(seconds=1)
    api = Api(spread(365, YEAR, orders=3), refuse=lambda q: 422 if q.length > limit else None)
    found, shortfalls = await enumerated(api, of_orders(1, 2, 3, window=YEAR))
    assert (len(found), shortfalls) == (365, ())
    assert sum(one.length > limit for one in api.asked) < 40


async def test_a_server_that_takes_few_ids_only_gets_few_ids() -> None:
    api = Api(spread(60, WEEK, orders=20), refuse=lambda q: 414 if len(q.orders) > 6 else None)
    found, shortfalls = await enumerated(api, of_orders(*range(1, 21)))
    assert (len(found), shortfalls) == (60, ())


async def test_a_stretch_of_time_that_is_never_answered_is_all_that_is_missing() -> None:
    bad = Window(SINCE + 3 * DAY, SINCE + 4 * DAY)

    def refuse(question: Question) -> int | None:
        return 500 if question.since < bad.until and question.until > bad.since else None

    api = Api(spread(70, WEEK), refuse=refuse)
    found, shortfalls = await enumerated(api, of_orders(1))
    assert len(found) >= 40
    missing = [row["id"] for row in api.calls if row["id"] not in found]
    for number in missing:
        at = as_time(api.calls[number - 1]["createdAt"])
        assert any(one.window.holds(at or SINCE) for one in shortfalls)


async def test_calls_that_are_counted_and_never_listed_are_a_shortfall_of_their_order() -> None:
    api = Api(spread(90, WEEK, orders=3), hides=frozenset({5}))
    found, shortfalls = await enumerated(api, of_orders(1, 2, 3))
    assert len(found) == 89
    assert [(one.scopes, one.expected, one.got) for one in shortfalls] == [
        ((Scope("order", 2),), 30, 29)
    ]
    assert "29 of 30" in shortfalls[0].error


async def test_an_api_that_refuses_everything_is_not_asked_for_every_lead() -> None:
    api = Api([], refuse=lambda q: 403)
    leads = tuple(Scope("lead", number) for number in range(1, 1001))
    _, shortfalls = await enumerated(api, Stretch(leads, WEEK))
    assert {scope for one in shortfalls for scope in one.scopes} == set(leads)
    assert len(api.asked) < 300


@pytest.mark.parametrize(("status", "kind"), [(401, SourceRefused), (502, SourceUnreachable)])
async def test_an_api_that_cannot_be_used_ends_the_enumeration(
    status: int, kind: type[Exception]
) -> None:
    api = Api([], refuse=lambda q: status)
    with pytest.raises(kind):
        await enumerated(_without_probe(api, status), of_orders(*range(1, 101)))


def _without_probe(api: Api, status: int) -> Any:
    """The same API, with its order list as broken as the rest."""

    async def route(asked: Asked) -> None:
        if asked.path == "/v2/call/":
            await api(asked)
        else:
            await asked.refuse(status)

    return route


async def test_rows_that_contradict_the_filters_are_dropped() -> None:
    rows = [
        call(1, 1, SINCE, userId=7, statusId=3),
        call(2, 1, SINCE, userId=8, statusId=3),
        call(3, 1, SINCE, userId=7, statusId=4),
        call(4, 1, SINCE),
    ]
    api = Api(rows)
    found, shortfalls = await enumerated(api, of_orders(1), users=[7], statuses=[3])
    assert (sorted(found), shortfalls) == ([1, 4], ())
    assert ("userIds[]", "7") in api.asked[0].query
    assert ("statusIds[]", "3") in api.asked[0].query


@pytest.mark.parametrize("deep", [2_000, 20], ids=["in slices", "in slices of slices"])
async def test_a_slow_receiver_holds_the_enumeration_back(deep: int) -> None:
    api = Api(spread(6_000, WEEK))
    taken, one_at_a_time = 0, anyio.Lock()

    async def emit(calls: list[Call]) -> None:
        nonlocal taken
        async with one_at_a_time:
            taken += 1
            if taken == 1:
                for _ in range(1_000):
                    await anyio.lowlevel.checkpoint()
                assert len(api.asked) < 30

    async with asking(api, deep=deep) as (enumerator, _):
        await enumerator.run([of_orders(1)], emit)
    assert taken >= 60


async def test_an_error_of_the_receiver_comes_out_as_it_is() -> None:
    async def emit(calls: list[Call]) -> None:
        raise LookupError("the receiver is gone")

    async with asking(Api(spread(500, WEEK))) as (enumerator, _):
        with pytest.raises(LookupError):
            await enumerator.run([of_orders(1)], emit)


async def test_stretches_may_come_one_by_one() -> None:
    api = Api(spread(70, WEEK, orders=2))
    found: set[int] = set()

    async def emit(calls: list[Call]) -> None:
        found.update(one.id for one in calls)

    async def stretches() -> AsyncIterator[Stretch]:
        yield of_orders(1)
        yield replace(of_orders(2), window=Window(SINCE, SINCE + DAY))

    async with asking(api) as (enumerator, _):
        assert await enumerator.run(stretches(), emit) == ()
    assert len(found) == 40


async def test_an_empty_window_asks_nothing() -> None:
    api = Api(spread(7, WEEK))
    found, shortfalls = await enumerated(api, of_orders(1, window=Window(SINCE, SINCE)))
    assert (found, shortfalls, api.asked) == ({}, (), [])
