"""The client asks politely, survives what servers do, and keeps the key at home."""

import gc
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import httpx
import pytest

from archiver.config import LinerConfig, Secret
from archiver.errors import (
    AnswerMalformed,
    ConfigError,
    RequestForbidden,
    RequestNotFound,
    RequestRejected,
    RequestThrottled,
    RequestUnanswered,
    SourceRefused,
    SourceUnreachable,
    SourceUntrusted,
)
from archiver.liner.budget import Budget
from archiver.liner.client import LinerClient
from archiver.liner.scope import Scope, Window
from archiver.origins import OriginPolicy
from archiver.retry import RetryPolicy, RetryScheduled
from archiver.transport import GuardedTransport
from archiver.wire.dialling import TlsRefused
from tests.liner.fake import Asked, Fake, Route, serving, tls

pytestmark = pytest.mark.anyio

KEY = "a-key-of-the-tests"
NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)


class Waits(list[float]):
    """Stands in for sleep."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)
        await anyio.lowlevel.checkpoint()


@asynccontextmanager
async def talking(
    route: Route, *, attempts: int = 3, timeout: float = 5.0, **more: Any
) -> AsyncIterator[tuple[LinerClient, Fake]]:
    async with serving(route) as fake:
        config = LinerConfig(fake.url, Secret(KEY), requests_per_second=1e6, timeout=timeout)
        more.setdefault("sleep", Waits())
        client = LinerClient(
            config,
            GuardedTransport(OriginPolicy(fake.url)),
            retry=RetryPolicy(attempts=attempts),
            clock=lambda: NOW,
            **more,
        )
        async with client:
            yield client, fake


def listing(rows: list[dict[str, Any]], total: Any = ..., following: Any = 50) -> dict[str, Any]:
    data: dict[str, Any] = {"list": rows, "next": following}
    if total is not None:
        data["total"] = len(rows) if total is ... else total
    return data


def saying(data: Any) -> Route:
    return lambda asked: asked.data(data)


def refusing(status: int, message: str = "", **headers: str) -> Route:
    return lambda asked: asked.refuse(status, message, **headers)


def in_turn(*routes: Route) -> Route:
    """One route after the other; the last one for all that follow."""
    left = list(routes)

    async def route(asked: Asked) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(asked)

    return route


def by_path(**routes: Route) -> Route:
    """Routes by the first word of a path after the version; 404 for all others."""

    async def route(asked: Asked) -> None:
        name = asked.path.strip("/").replace("/", "_").replace("-", "_")
        await routes.get(name, refusing(404))(asked)

    return route


def raw(data: bytes) -> Route:
    async def route(asked: Asked) -> None:
        await asked.say(data)
        asked.hang_up()

    return route


RECORDING = {"id": 456, "fileUrl": "https://example.com/record.mp3", "recordSummary": None}


async def test_recordings_of_a_call_take_one_request_with_the_documented_headers() -> None:
    async with talking(saying(listing([RECORDING]))) as (client, fake):
        recordings = (await client.recordings(123)).found
        asked = fake.asked[0]
    assert [(one.id, one.file_url) for one in recordings] == [(456, RECORDING["fileUrl"])]
    assert fake.targets == ["/v2/call-record/?callId=123&offset=0&limit=100"]
    assert asked.header("x-api-key") == KEY
    assert asked.header("content-type") == asked.header("accept") == "application/json"
    assert asked.header("accept-encoding") == "identity"
    assert (asked.header("user-agent") or "").startswith("liner-archiver/")
    assert (client.requests, client.throttled) == (1, 0)


@pytest.mark.parametrize("count", [0, 1, 2, 100])
@pytest.mark.parametrize("total", ["number", "string"])
async def test_no_second_request_when_the_total_says_all_arrived(count: int, total: str) -> None:
    rows = [{"id": number} for number in range(1, count + 1)]
    said = str(count) if total == "string" else count
    async with talking(saying(listing(rows, said))) as (client, _):
        listed = await client.recordings(1)
        assert (len(listed.found), listed.problem) == (count, "")
        assert client.requests == 1


async def test_long_lists_of_recordings_are_read_to_the_end_without_duplicates() -> None:
    async def route(asked: Asked) -> None:
        offset = asked.number("offset")
        rows = [{"id": number} for number in range(offset + 1, min(offset + 51, 121))]
        await asked.data(listing(rows + rows[:1] if not offset else rows, 120, offset + 50))

    async with talking(route) as (client, _):
        recordings = (await client.recordings(1)).found
    assert [one.id for one in recordings] == list(range(1, 121))


async def test_recordings_that_are_counted_and_never_listed_are_told() -> None:
    async def route(asked: Asked) -> None:
        await asked.data(listing([] if asked.number("offset") else [RECORDING], 3))

    async with talking(route) as (client, _):
        listed = await client.recordings(9)
    assert ([one.id for one in listed.found], listed.problem) == ([456], "1 of 3 rows arrived")


async def test_an_empty_list_that_counts_something_is_not_empty() -> None:
    async with talking(saying(listing([], 2))) as (client, _):
        assert (await client.recordings(9)).problem == "0 of 2 rows arrived"


@pytest.mark.parametrize(
    "route",
    [
        lambda asked: asked.json({"success": False, "message": "No such call", "data": []}),
        lambda asked: asked.json({"success": True, "data": None}),
        lambda asked: asked.json({"success": True, "data": []}),
        lambda asked: asked.reply(b"<html>maintenance</html>"),
        lambda asked: asked.reply(b'{"success": true, "data": {"list": ['),
        lambda asked: asked.reply(b""),
        lambda asked: asked.reply(b"", 204),
    ],
)
async def test_only_a_well_formed_empty_list_means_none(route: Route) -> None:
    waits = Waits()
    async with talking(route, sleep=waits) as (client, _):
        with pytest.raises(AnswerMalformed):
            await client.recordings(1)
        assert (client.requests, len(waits)) == (3, 2)


@pytest.mark.parametrize(
    ("status", "kind", "requests"),
    [
        (401, SourceRefused, 1), (403, RequestForbidden, 1), (404, RequestNotFound, 1),
        (410, RequestNotFound, 1), (400, RequestRejected, 1), (422, RequestRejected, 1),
        (408, RequestUnanswered, 3), (500, RequestUnanswered, 3), (502, RequestUnanswered, 3),
        (429, RequestThrottled, 3),
    ],
)  # fmt: skip
async def test_a_refusal_is_retried_only_where_that_may_help(
    status: int, kind: type[Exception], requests: int
) -> None:
    async with talking(refusing(status, f"why {KEY}")) as (client, _):
        with pytest.raises(kind) as caught:
            await client.recordings(1)
        assert client.requests == requests
    assert KEY not in str(caught.value)
    assert "why [redacted]" in str(caught.value)


@pytest.mark.parametrize(
    "broken",
    [
        raw(b""),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
        raw(b"not http at all\r\n\r\n"),
        refusing(503),
        lambda asked: asked.reply(b"{"),
    ],
)
async def test_a_fault_that_passes_is_not_noticed_but_announced(broken: Route) -> None:
    heard: list[RetryScheduled] = []
    route = in_turn(broken, broken, saying(listing([RECORDING])))
    async with talking(route, on_retry=heard.append) as (client, _):
        assert len((await client.recordings(1)).found) == 1
    assert heard


async def test_an_answer_that_takes_too_long_in_all_is_unanswered() -> None:
    async def drip(asked: Asked) -> None:
        await asked.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not asked.writer.is_closing():
            await asked.say(b" ")
            await anyio.sleep(0.01)

    async with talking(drip, attempts=1, timeout=0.1) as (client, _):
        with pytest.raises(RequestUnanswered, match=r"no whole answer from .* within 0.1 s"):
            await client.recordings(1)


async def test_a_429_with_retry_after_is_waited_out() -> None:
    waits = Waits()
    route = in_turn(refusing(429, Retry_After="7"), saying(listing([RECORDING])))
    async with talking(route, sleep=waits) as (client, _):
        await client.recordings(1)
        assert client.throttled == 1
    assert waits[0] == 7.0


async def test_a_429_that_asks_for_an_hour_is_given_up() -> None:
    async with talking(refusing(429, Retry_After="3600")) as (client, _):
        with pytest.raises(RequestThrottled) as caught:
            await client.recordings(1)
        assert client.requests == 1
    assert caught.value.retry_after == 3600.0


async def test_an_answer_that_is_announced_too_large_is_refused_unread() -> None:
    route = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
    async with talking(route, attempts=1) as (client, _):
        with pytest.raises(AnswerMalformed, match="larger than 32 MiB"):
            await client.recordings(1)


async def test_an_answer_that_grows_too_large_is_refused_while_it_grows() -> None:
    async def route(asked: Asked) -> None:
        await asked.say(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await asked.say(b" " * 2**20)

    async with talking(route, attempts=1) as (client, _):
        with pytest.raises(AnswerMalformed, match="larger than 32 MiB"):
            await client.recordings(1)


async def test_a_refused_answer_is_forgotten_at_once() -> None:
    async def route(asked: Asked) -> None:
        await asked.say(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await asked.say(b" " * 2**20)

    async with talking(route, attempts=1) as (client, _):
        gc.disable()  # a run looks for cycles of rubbish rarely
        try:
            await client.recordings(1)
        except AnswerMalformed as refused:
            refusal = weakref.ref(refused)
        finally:
            gc.enable()
        assert refusal() is None


async def test_the_key_never_comes_back_in_a_row() -> None:
    row = {"id": 1, "fileUrl": f"https://files.example.com/a?key={KEY}", "note": [KEY]}
    async with talking(saying(listing([row]))) as (client, _):
        recording = (await client.recordings(1)).found[0]
    assert KEY not in repr(recording)
    assert recording.row["note"] == ["[redacted]"]


async def test_redirects_within_the_origin_keep_the_key() -> None:
    async def route(asked: Asked) -> None:
        if asked.path.endswith("/"):
            await asked.reply(b"", 301, (("Location", asked.path.rstrip("/")),))
        else:
            await asked.data({"id": 5})

    async with talking(route) as (client, fake):
        assert (await client.recording(5)).id == 5
        assert fake.asked[1].header("x-api-key") == KEY
        assert [one.path for one in fake.asked] == [
            "/v2/call-record/detail/5/",
            "/v2/call-record/detail/5",
        ]


async def test_a_redirect_to_another_origin_is_never_followed() -> None:
    async with serving(saying({"id": 5})) as other:
        route: Route = lambda asked: asked.reply(b"", 302, (("Location", other.url + "/x"),))  # noqa: E731
        async with talking(route) as (client, _):
            with pytest.raises(RequestRejected, match="redirected away"):
                await client.recording(5)
        assert other.asked == []


async def test_a_redirect_loop_ends() -> None:
    route: Route = lambda asked: asked.reply(b"", 308, (("Location", asked.target),))  # noqa: E731
    async with talking(route) as (client, fake):
        with pytest.raises(RequestRejected, match="too many times"):
            await client.recording(5)
        assert len(fake.asked) == 4


ORDERS = listing([{"id": 1, "title": "One"}, {"id": 2, "serviceTitle": "two"}])


async def test_orders_come_from_the_second_version_of_the_list() -> None:
    async with talking(by_path(v2_order=saying(ORDERS))) as (client, _):
        orders = await client.orders()
        assert client.orders_version == 2
    assert [(one.id, one.title) for one in orders] == [(1, "One"), (2, "two")]


@pytest.mark.parametrize(
    "broken", [refusing(404), refusing(403), refusing(405), saying([]), saying(None)]
)
async def test_orders_fall_back_to_the_first_version(broken: Route) -> None:
    old = saying([{"id": 3, "title": "Three", "code": "c", "callsAllowed": True}])
    async with talking(by_path(v2_order=broken, v1_order_list=old)) as (client, _):
        orders = await client.orders()
        assert client.orders_version == 1
    assert [(one.id, one.title) for one in orders] == [(3, "Three")]


async def test_orders_that_are_counted_and_not_listed_are_told() -> None:
    async with talking(by_path(v2_order=saying(listing([{"id": 1}], 3)))) as (client, _):
        assert len(await client.orders()) == 1
        assert client.orders_missing == 2


@pytest.mark.parametrize("path", ["v2_call_status", "v2_call_statuses"])
async def test_statuses_are_found_under_either_path(path: str) -> None:
    async with talking(by_path(**{path: saying([{"id": 7, "code": "answered"}])})) as (client, _):
        statuses = await client.statuses()
    assert [(one.id, one.code) for one in statuses] == [(7, "answered")]


async def test_details_are_asked_by_the_declared_path() -> None:
    async def route(asked: Asked) -> None:
        await asked.data({"id": asked.path.rstrip("/").rsplit("/", 1)[1], "name": "Anna"})

    async with talking(route) as (client, fake):
        assert (await client.call(123)).id == 123
        assert (await client.user(101)).name == "Anna"
        assert fake.targets == ["/v2/call/detail/123/", "/v2/user/detail/101/"]


async def test_a_detail_about_something_else_is_malformed() -> None:
    async with talking(saying({"id": 6})) as (client, _):
        with pytest.raises(AnswerMalformed, match="another id"):
            await client.recording(5)


async def test_a_page_of_calls_is_asked_for_as_documented() -> None:
    window = Window(NOW, NOW + timedelta(hours=1))
    async with talking(saying(listing([{"id": 5, "orderId": 1}], 9))) as (client, fake):
        page = await client.calls_page([Scope("order", 1)], window, 200, users=[5])
        assert (page.rows[0].order_id, page.total, page.next) == (1, 9, 50)
        assert fake.asked[0].query == [
            ("createdAt[0]", "2026-10-01T11:59:59Z"),
            ("createdAt[1]", "2026-10-01T13:00:00Z"),
            ("orderIds[]", "1"),
            ("userIds[]", "5"),
            ("offset", "200"),
            ("limit", "100"),
        ]


async def test_the_health_of_components_is_told_and_judged_by_nobody() -> None:
    parts = {"a": {"success": True}, "b": {"success": False, "message": "down"}, "c": None}
    async with talking(by_path(v1_health_check=saying(parts))) as (client, _):
        assert await client.health() == {"a": True, "b": False, "c": False}


async def test_the_clock_of_the_api_is_told_by_its_date() -> None:
    async def route(asked: Asked) -> None:
        body = b'{"success": true, "data": {"list": [], "total": 0}}'
        await asked.reply(body, headers=(("Date", "Thu, 01 Oct 2026 12:00:42 GMT"),))

    async with talking(route) as (client, _):
        assert client.server_time is None
        await client.recordings(1)
        assert client.clock_offset == timedelta(seconds=42)
        assert client.server_time == NOW + timedelta(seconds=42)


async def test_an_api_that_died_stops_the_run() -> None:
    async with talking(refusing(502), attempts=2) as (client, _):
        for number in range(2):
            with pytest.raises(RequestUnanswered):
                await client.recordings(number + 1)
        with pytest.raises(SourceUnreachable):
            await client.recordings(3)


async def test_many_poisoned_calls_do_not_stop_a_run_whose_api_lives() -> None:
    route = by_path(v2_call_record=refusing(500), v2_order=saying(ORDERS))
    async with talking(route, attempts=1) as (client, _):
        for number in range(30):
            with pytest.raises(RequestUnanswered):
                await client.recordings(number + 1)


async def test_answers_that_report_no_success_show_that_the_api_lives() -> None:
    route: Route = lambda asked: asked.json({"success": False, "message": "no"})  # noqa: E731
    async with talking(route, attempts=1) as (client, _):
        for number in range(30):
            with pytest.raises(AnswerMalformed):
                await client.recordings(number + 1)


async def test_a_closed_port_is_unanswered_and_names_no_query() -> None:
    config = LinerConfig("http://127.0.0.1:1", Secret(KEY))
    transport = GuardedTransport(OriginPolicy(config.url))
    async with LinerClient(config, transport, retry=RetryPolicy(attempts=1)) as client:
        with pytest.raises(RequestUnanswered, match="Connection refused") as caught:
            await client.recordings(1)
    assert "limit" not in str(caught.value)


async def test_an_api_without_a_tls_to_be_trusted_is_told_at_once_and_by_name() -> None:
    waits = Waits()
    async with serving(saying(listing([])), tls=tls()) as fake:
        config = LinerConfig(fake.url, Secret(KEY))
        transport = GuardedTransport(OriginPolicy(fake.url))
        async with LinerClient(config, transport, sleep=waits) as client:
            with pytest.raises(SourceUntrusted, match=f"^{fake.url}: the certificate") as caught:
                await client.orders()
    assert caught.value.exit_code == 5
    assert "SSL_CERT_FILE" in caught.value.hint
    assert waits == []


async def test_tls_that_fails_an_api_which_has_answered_is_a_fault_that_may_pass() -> None:
    class Faltering(GuardedTransport):
        sent = 0

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            self.sent += 1
            if self.sent == 2:
                raise TlsRefused("https://a.example: no TLS can be agreed on")
            return await super().handle_async_request(request)

    async with serving(saying(listing([]))) as fake:
        transport = Faltering(OriginPolicy(fake.url))
        config = LinerConfig(fake.url, Secret(KEY))
        async with LinerClient(config, transport, sleep=Waits()) as client:
            await client.recordings(1)
            assert (await client.recordings(2)).found == ()
    assert transport.sent == 3


@pytest.mark.parametrize("key", ["", " ", "ключ", "a\nb"])
async def test_a_key_that_no_header_can_carry_is_a_configuration_error(key: str) -> None:
    with pytest.raises(ConfigError, match="api_key") as caught:
        LinerClient(LinerConfig("https://a.example", Secret(key)), httpx.MockTransport(_never))
    assert not key.strip() or key not in str(caught.value)


def _never(request: httpx.Request) -> httpx.Response:
    raise AssertionError(request)


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


async def spend(budget: Budget, clock: Callable[[], float], count: int) -> float:
    started = clock()
    for _ in range(count):
        await budget.take()
    return clock() - started


async def test_a_budget_gives_out_its_rate_and_no_more() -> None:
    clock = Clock()
    budget = Budget(20.0, clock=clock, sleep=clock.sleep)
    assert await spend(budget, clock, 101) == pytest.approx(5.0)


async def test_a_budget_lets_a_second_of_rest_be_spent_at_once() -> None:
    clock = Clock()
    budget = Budget(20.0, clock=clock, sleep=clock.sleep)
    clock.now += 60
    assert await spend(budget, clock, 20) == 0.0
    assert await spend(budget, clock, 20) == pytest.approx(1.0)


async def test_a_paused_budget_lets_nobody_go() -> None:
    clock = Clock()
    budget = Budget(20.0, clock=clock, sleep=clock.sleep)
    budget.pause(30.0)
    assert await spend(budget, clock, 1) == pytest.approx(30.0)
    assert await spend(budget, clock, 20) == pytest.approx(1.0)


async def test_one_throttled_request_pauses_all_requests() -> None:
    waits = Waits()
    async with talking(refusing(429, Retry_After="9"), attempts=1, sleep=waits) as (client, _):
        with pytest.raises(RequestThrottled):
            await client.recordings(1)
        with pytest.raises(RequestThrottled):
            await client.recordings(2)
    assert len(waits) == 1
    assert waits[0] == pytest.approx(9.0, abs=0.5)


def test_a_budget_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Budget(0.0)
