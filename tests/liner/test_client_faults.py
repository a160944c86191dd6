"""The client survives what servers do, keeps the key at home, and gives up where nobody lives."""

import gc
import weakref

import anyio
import httpx
import pytest

from archiver.archive.pace import API_RETRY
from archiver.config import LinerConfig
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
from archiver.http.origins import OriginPolicy
from archiver.http.transport import GuardedTransport
from archiver.http.wire.dialling import TlsRefused
from archiver.liner.client import LinerClient
from archiver.secrets import Secret
from archiver.tasks.retry import RetryPolicy, RetryScheduled
from tests.liner.fake import Asked, Route, serving, tls
from tests.liner.talking import (
    KEY,
    ORDERS,
    RECORDING,
    Waits,
    by_path,
    in_turn,
    listing,
    raw,
    refusing,
    saying,
    talking,
)

pytestmark = pytest.mark.anyio


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
        with pytest.raises(RequestUnanswered, match=r"no complete response from .* within 0.1 s"):
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


async def test_a_cookie_of_a_redirect_goes_back_within_its_chain_only() -> None:
    async def route(asked: Asked) -> None:
        if asked.header("cookie") is None:
            await asked.reply(b"", 302, (("Location", asked.target), ("Set-Cookie", "a=b; Path=/")))
        else:
            await asked.data({"id": 5})

    async with talking(route) as (client, fake):
        for _ in range(2):
            assert (await client.recording(5)).id == 5
        assert [one.header("cookie") for one in fake.asked] == [None, "a=b"] * 2


@pytest.mark.parametrize(
    "lines",
    ["no colon\r\nContent-Length: {n}", "Content-Length: {n}\r\nContent-Length: {n}, {n}",
     "Content-Encoding: utf-8\r\nContent-Length: {n}", "Имя: x\r\nContent-Length: {n}"],
)  # fmt: skip
async def test_header_lines_that_browsers_put_up_with_keep_no_answer_out(lines: str) -> None:
    async def route(asked: Asked) -> None:
        body = b'{"success":true,"message":"","data":{"id":5}}'
        head = f"HTTP/1.1 200 OK\r\n{lines.format(n=len(body))}\r\n\r\n"
        await asked.say(head.encode() + body)

    async with talking(route) as (client, _):
        assert (await client.recording(5)).id == 5


async def test_an_answer_with_two_lengths_is_refused() -> None:
    async def route(asked: Asked) -> None:
        await asked.say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Length: 8\r\n\r\n{}")
        asked.hang_up()

    async with talking(route) as (client, _):
        with pytest.raises(RequestUnanswered, match="not HTTP"):
            await client.recording(5)


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
        async with LinerClient(config, transport, retry=API_RETRY, sleep=waits) as client:
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
                raise TlsRefused("https://a.example: the TLS handshake failed")
            return await super().handle_async_request(request)

    async with serving(saying(listing([]))) as fake:
        transport = Faltering(OriginPolicy(fake.url))
        config = LinerConfig(fake.url, Secret(KEY))
        async with LinerClient(config, transport, retry=API_RETRY, sleep=Waits()) as client:
            await client.recordings(1)
            assert (await client.recordings(2)).found == ()
    assert transport.sent == 3


@pytest.mark.parametrize("key", ["", " ", "ключ", "a\nb"])
async def test_a_key_that_no_header_can_carry_is_a_configuration_error(key: str) -> None:
    with pytest.raises(ConfigError, match="api_key") as caught:
        config = LinerConfig("https://a.example", Secret(key))
        LinerClient(config, httpx.MockTransport(_never), retry=API_RETRY)
    assert not key.strip() or key not in str(caught.value)


def _never(request: httpx.Request) -> httpx.Response:
    raise AssertionError(request)
