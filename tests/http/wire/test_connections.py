"""Connections are kept where that is safe, closed where it is not, and limited."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from typing import TypeAlias

import anyio
import httpx
import pytest

from archiver.http.transport import GuardedTransport
from tests.http.wire.asking import Anywhere, fetch
from tests.liner.fake import Asked, serving

pytestmark = pytest.mark.anyio

Get: TypeAlias = Callable[..., Coroutine[object, object, tuple[int, bytes]]]


def through(transport: GuardedTransport) -> Get:
    async def get(url: str, method: str = "GET", **limits: float) -> tuple[int, bytes]:
        limits = {"read": 5, "connect": 5, **limits}
        response, body = await fetch(transport, url, None, method=method, **limits)
        return response.status_code, body

    return get


@pytest.fixture
async def get() -> AsyncIterator[Get]:
    async with GuardedTransport(Anywhere()) as transport:
        yield through(transport)


async def ok(asked: Asked) -> None:
    await asked.reply(b"fine")


def connections(asked: list[Asked]) -> int:
    return len({id(one.writer) for one in asked})


async def test_a_kept_connection_that_the_server_closes_is_replaced_unnoticed(get: Get) -> None:
    async def route(asked: Asked) -> None:
        if len([one for one in fake.asked if one.writer is asked.writer]) == 1:
            await ok(asked)
        else:
            asked.hang_up()  # in place of the second answer

    async with serving(route) as fake:
        for _ in range(3):
            assert await get(fake.url) == (200, b"fine")
    assert len(fake.asked) == 5
    assert connections(fake.asked) == 3


async def test_a_new_connection_that_the_server_closes_is_an_error(get: Get) -> None:
    async def route(asked: Asked) -> None:
        asked.hang_up()

    async with serving(route) as fake:
        with pytest.raises(httpx.RemoteProtocolError, match="without a response"):
            await get(fake.url)
    assert len(fake.asked) == 1


async def test_what_is_no_question_is_asked_once_and_over_a_new_connection(get: Get) -> None:
    async with serving(ok) as fake:
        await get(fake.url)
        await get(fake.url, "POST")
    assert connections(fake.asked) == 2


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nfine",
        b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nfine",
        b"HTTP/1.1 101 Switch\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n",
    ],
    ids=["close", "1.0", "switched"],
)
async def test_a_connection_that_cannot_be_trusted_with_another_request_is_closed(
    get: Get, said: bytes
) -> None:
    async def route(asked: Asked) -> None:
        await asked.say(said)

    async with serving(route) as fake:
        first = await get(fake.url)
        assert await get(fake.url) == first
    assert connections(fake.asked) == 2


async def test_a_server_that_speaks_unasked_is_not_listened_to(get: Get) -> None:
    async with serving(ok) as fake:
        await get(fake.url)
        await fake.asked[0].say(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
        with suppress(ConnectionError):
            await fake.asked[0].writer.wait_closed()
        assert await get(fake.url) == (200, b"fine")
    assert connections(fake.asked) == 2


async def test_a_connection_with_a_question_half_sent_is_not_used_again(get: Get) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Enough\r\nContent-Length: 0\r\n\r\n")
        with suppress(ConnectionError):
            await writer.drain()
            await hung_up.wait()
        writer.close()

    hung_up = anyio.Event()
    async with (
        await asyncio.start_server(answer, "127.0.0.1", 0) as server,
        GuardedTransport(Anywhere()) as transport,
    ):
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        large = httpx.Request("POST", url, content=bytes(16 * 2**20))
        response = await transport.handle_async_request(large)
        assert await response.aread() == b""
        await response.aclose()
        assert await through(transport)(url, read=1) == (413, b"")
        hung_up.set()


@pytest.mark.parametrize(("kept_seconds", "opened"), [(60.0, 1), (-1.0, 3)])
async def test_a_connection_that_was_idle_for_too_long_is_not_used_again(
    kept_seconds: float, opened: int
) -> None:
    async with (
        serving(ok) as fake,
        GuardedTransport(Anywhere(), kept_seconds=kept_seconds) as transport,
    ):
        for _ in range(3):
            await through(transport)(fake.url)
    assert connections(fake.asked) == opened


async def test_no_more_connections_are_used_at_a_time_than_allowed() -> None:
    gate = anyio.Event()
    full = anyio.Event()
    under_way = most = 0

    async def route(asked: Asked) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        if under_way == 2:
            full.set()
        await gate.wait()
        under_way -= 1
        await ok(asked)

    async with serving(route) as fake, GuardedTransport(Anywhere(), limit=2) as transport:
        get = through(transport)
        async with anyio.create_task_group() as crew:
            for _ in range(6):
                crew.start_soon(get, fake.url)
            await full.wait()
            with pytest.raises(httpx.PoolTimeout):
                await get(fake.url, pool=0)
            gate.set()
    assert most == 2
    assert len(fake.asked) == 6


async def test_idle_connections_to_many_origins_are_not_all_kept() -> None:
    async with serving(ok) as one, serving(ok) as other, serving(ok) as third:
        async with GuardedTransport(Anywhere(), limit=2) as transport:
            get = through(transport)
            for fake in (one, other, third, third, one):
                await get(fake.url)
        assert [connections(fake.asked) for fake in (one, other, third)] == [2, 1, 1]


async def test_a_slow_reader_holds_the_server_back() -> None:
    sent = 0
    stuck = anyio.Event()

    async def route(asked: Asked) -> None:
        nonlocal sent
        await asked.say(b"HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n")
        for _ in range(64):
            with anyio.move_on_after(0.2) as patience:
                await asked.say(bytes(2**20))
                sent += 1
            if patience.cancelled_caught:
                stuck.set()
                await anyio.sleep_forever()

    async with serving(route) as fake, GuardedTransport(Anywhere()) as transport:
        response = await transport.handle_async_request(httpx.Request("GET", fake.url))
        await stuck.wait()
        await response.aclose()
    assert sent < 32


async def test_an_answer_that_has_failed_is_received_no_further() -> None:
    sent = 0
    stuck = anyio.Event()

    async def route(asked: Asked) -> None:
        nonlocal sent
        await asked.say(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\nX: "
        )
        for _ in range(64):
            with anyio.move_on_after(0.2) as patience:
                await asked.say(b"y" * 2**20)
                sent += 1
            if patience.cancelled_caught:
                break
        stuck.set()
        await anyio.sleep_forever()

    async with serving(route) as fake, GuardedTransport(Anywhere()) as transport:
        response = await transport.handle_async_request(httpx.Request("GET", fake.url))
        await stuck.wait()
        with pytest.raises(httpx.RemoteProtocolError, match="do not end"):
            await response.aread()
        await response.aclose()
    assert sent < 32


async def test_reading_slowly_is_no_silence_of_the_server(get: Get) -> None:
    body = bytes(4 * 2**20)

    async def route(asked: Asked) -> None:
        await asked.reply(body)

    async with serving(route) as fake, GuardedTransport(Anywhere()) as transport:
        request = httpx.Request("GET", fake.url, extensions={"timeout": {"read": 0.05}})
        response = await transport.handle_async_request(request)
        await anyio.sleep(0.15)
        assert len(b"".join([one async for one in response.aiter_raw()])) == len(body)


@pytest.mark.parametrize(
    "begun",
    [
        b"HTTP/1.1 200 OK\r\nX: ",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\nX: ",
    ],
    ids=["head", "chunk", "trailer"],
)
async def test_dripping_what_is_no_body_is_as_bad_as_silence(get: Get, begun: bytes) -> None:
    async def route(asked: Asked) -> None:
        await asked.say(begun)
        while True:
            await asked.say(b"y")
            await anyio.sleep(0.01)

    async with serving(route) as fake:
        with anyio.fail_after(5), pytest.raises(httpx.ReadTimeout):
            await get(fake.url, read=0.1)


async def test_closing_the_transport_ends_what_is_under_way() -> None:
    async def route(asked: Asked) -> None:
        await transport.aclose()

    async with serving(route) as fake, GuardedTransport(Anywhere()) as transport:
        with pytest.raises(httpx.TransportError):
            await through(transport)(fake.url)


async def test_a_transport_that_was_closed_keeps_nothing() -> None:
    async with serving(ok) as fake, GuardedTransport(Anywhere()) as transport:
        get = through(transport)
        under_way = await transport.handle_async_request(httpx.Request("GET", fake.url))
        await transport.aclose()
        await under_way.aclose()
        for _ in range(2):
            assert await get(fake.url) == (200, b"fine")
    assert connections(fake.asked) == 3
