"""Requests leave as they are, answers arrive as they are, and errors speak httpx."""

import base64
import gc
import gzip
import socket
from collections.abc import AsyncIterator, Iterator

import anyio
import httpx
import pytest

from archiver.errors import FetchError
from archiver.http.origins import OriginPolicy
from archiver.http.transport import GuardedTransport
from archiver.reasons import Reason
from tests.http.wire.asking import Anywhere, fetch
from tests.liner.fake import Asked, Route, serving

pytestmark = pytest.mark.anyio


@pytest.fixture
async def transport() -> AsyncIterator[GuardedTransport]:
    async with GuardedTransport(Anywhere()) as transport:
        yield transport


async def ok(asked: Asked) -> None:
    await asked.reply(b"fine")


@pytest.mark.parametrize(
    "target",
    [
        "/a%2Fb%20c.mp3?X-Amz-Signature=a%2Bb%2f%3D&e=&plus=1+2",
        "/%D0%B0.mp3?q=%7E~%27'",
        "//double//slash?a=b;c=d&a=b",
        "/x?callId=1&createdAt%5B0%5D=2026-10-01T00%3A00%3A00Z",
        "/dots/%2e%2e/a?x=?",
    ],
)
async def test_an_address_goes_out_byte_for_byte(transport: GuardedTransport, target: str) -> None:
    async with serving(ok) as fake:
        await fetch(transport, fake.url + target + "#fragment")
        assert fake.targets == [target]


async def test_only_the_headers_of_the_request_go_out(transport: GuardedTransport) -> None:
    async with serving(ok) as fake:
        headers = [
            ("X-Api-Key", "k"),
            ("X-Twice", "1"),
            ("X-Twice", "2"),
            ("User-Agent", "archiver"),
        ]
        await fetch(transport, fake.url.replace("http://", "http://user:pw@") + "/", headers)
        sent = [(name.lower(), value) for name, value in fake.asked[0].headers]
    assert sorted(sent) == sorted(
        [("host", f"127.0.0.1:{fake.port}"), *((name.lower(), value) for name, value in headers)]
    )


async def test_duplicated_response_headers_are_kept(transport: GuardedTransport) -> None:
    async def route(asked: Asked) -> None:
        await asked.reply(b"x", headers=(("X-Twice", "1"), ("x-twice", "2"), ("ETag", '"\xe9"')))

    async with serving(route) as fake:
        response, _ = await fetch(transport, fake.url)
    assert response.headers.get_list("x-twice") == ["1", "2"]
    assert response.headers["content-length"] == "1"
    assert (b"ETag", '"\xe9"'.encode("latin-1")) in response.headers.raw


async def test_a_compressed_body_arrives_compressed(transport: GuardedTransport) -> None:
    body = gzip.compress(b"audio" * 100)

    async def route(asked: Asked) -> None:
        await asked.reply(body, headers=(("Content-Encoding", "gzip"),))

    async with serving(route) as fake:
        assert (await fetch(transport, fake.url))[1] == body


async def test_redirects_are_answers_and_cookies_are_forgotten(transport: GuardedTransport) -> None:
    async def route(asked: Asked) -> None:
        await asked.reply(b"", 302, (("Location", "/elsewhere"), ("Set-Cookie", "a=b")))

    async with serving(route) as fake:
        for _ in range(2):
            response, _ = await fetch(transport, fake.url + "/here")
            assert (response.status_code, response.headers["location"]) == (302, "/elsewhere")
        assert fake.targets == ["/here", "/here"]
        assert fake.asked[1].header("cookie") is None


async def test_proxies_and_passwords_of_the_environment_are_ignored(
    transport: GuardedTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with serving(ok) as fake:
        assert (await fetch(transport, fake.url))[1] == b"fine"
        assert fake.asked[0].header("authorization") is None


async def test_chunked_framing_is_visible_and_undone(transport: GuardedTransport) -> None:
    async def route(asked: Asked) -> None:
        await asked.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        await asked.say(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")

    async with serving(route) as fake:
        response, body = await fetch(transport, fake.url)
    assert (body, response.headers["transfer-encoding"]) == (b"abcde", "chunked")


async def test_connections_are_reused_after_a_whole_answer(transport: GuardedTransport) -> None:
    async with serving(ok) as fake:
        for _ in range(3):
            await fetch(transport, fake.url)
        assert len({id(asked.writer) for asked in fake.asked}) == 1


async def test_closing_an_unread_answer_closes_its_connection_at_once(
    transport: GuardedTransport,
) -> None:
    closed = anyio.Event()

    async def route(asked: Asked) -> None:
        await asked.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nstart")
        try:
            while True:
                await asked.say(b"x" * 65536)
        except ConnectionError:
            closed.set()

    async with serving(route) as fake:
        with anyio.fail_after(5):
            response = await transport.handle_async_request(httpx.Request("GET", fake.url))
            await response.aclose()
            await closed.wait()


def head(*lines: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode()


def saying(data: bytes) -> Route:
    async def route(asked: Asked) -> None:
        await asked.say(data)
        asked.hang_up()

    return route


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (head("Content-Length: 10") + b"cut", httpx.RemoteProtocolError),
        (head("Transfer-Encoding: chunked") + b"9\r\ncut", httpx.RemoteProtocolError),
        (head("Transfer-Encoding: chunked") + b"3\r\nabc\r\n", httpx.RemoteProtocolError),
        (head("Transfer-Encoding: chunked") + b"zz\r\nabc\r\n", httpx.RemoteProtocolError),
        (b"", httpx.RemoteProtocolError),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", httpx.RemoteProtocolError),
        (head("Content-Length: abc"), httpx.RemoteProtocolError),
        (head("X-Long: " + "x" * 100_000), httpx.RemoteProtocolError),
    ],
)
async def test_a_damaged_answer_is_a_protocol_error(
    transport: GuardedTransport, said: bytes, error: type[Exception]
) -> None:
    async with serving(saying(said)) as fake:
        with pytest.raises(error) as caught:
            await fetch(transport, fake.url + "/a?secret=1")
    assert "secret" not in str(caught.value)


async def test_a_body_without_any_length_ends_with_its_connection(
    transport: GuardedTransport,
) -> None:
    async with serving(saying(head() + b"who knows")) as fake:
        response, body = await fetch(transport, fake.url)
    assert body == b"who knows"
    assert not {"content-length", "transfer-encoding"} & set(response.headers)


async def test_silence_before_the_answer_is_a_read_timeout(transport: GuardedTransport) -> None:
    async def route(asked: Asked) -> None:
        await anyio.sleep_forever()

    async with serving(route) as fake:
        with pytest.raises(httpx.ReadTimeout):
            await fetch(transport, fake.url, read=0.05)


async def test_silence_within_a_body_is_a_read_timeout(transport: GuardedTransport) -> None:
    async def route(asked: Asked) -> None:
        await asked.say(head("Content-Length: 10") + b"start")
        await anyio.sleep_forever()

    async with serving(route) as fake:
        with pytest.raises(httpx.ReadTimeout):
            await fetch(transport, fake.url, read=0.05)


@pytest.fixture
def full_backlog() -> Iterator[int]:
    """A port on which connections are never accepted."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
            waiting.append(one)
        yield listener.getsockname()[1]
        for one in waiting:
            one.close()


async def test_a_host_that_accepts_nothing_is_a_connect_timeout(
    transport: GuardedTransport, full_backlog: int
) -> None:
    with pytest.raises(httpx.ConnectTimeout):
        await fetch(transport, f"http://127.0.0.1:{full_backlog}/", connect=0.05)


async def test_a_closed_port_is_a_connect_error(transport: GuardedTransport) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(httpx.ConnectError, match="refused"):
            await fetch(transport, f"http://127.0.0.1:{unused.getsockname()[1]}/")


async def test_a_header_that_no_request_can_carry_is_a_protocol_error(
    transport: GuardedTransport,
) -> None:
    async with serving(ok) as fake:
        with pytest.raises(httpx.LocalProtocolError):
            await fetch(transport, fake.url, [("X-Bad", "a\r\nX-Injected: b")])
        assert fake.asked == []


async def test_what_is_not_spoken_here_is_refused_before_it_is_sent(
    transport: GuardedTransport,
) -> None:
    async def piecemeal() -> AsyncIterator[bytes]:
        yield b"piece"

    async with serving(ok) as fake:
        for request in (
            httpx.Request("HEAD", fake.url),
            httpx.Request("POST", fake.url, content=piecemeal()),
        ):
            with pytest.raises(httpx.LocalProtocolError):
                await transport.handle_async_request(request)
        assert fake.asked == []


async def test_the_policy_is_asked_about_the_very_port_that_is_connected_to() -> None:
    asked = []

    class Curious(Anywhere):
        def admits_address(self, host: str, port: int, address: str) -> bool:
            asked.append((host, port))
            return False

    async with GuardedTransport(Curious()) as transport:
        for url in ("http://127.0.0.1/", "https://[::1]/", "https://127.0.0.1:0/"):
            with pytest.raises(FetchError):
                await fetch(transport, url)
    assert asked == [("127.0.0.1", 80), ("::1", 443), ("127.0.0.1", 0)]


async def test_a_name_that_resolves_into_a_private_network_is_refused() -> None:
    policy = OriginPolicy("https://liner.example.org")
    async with GuardedTransport(policy) as transport:
        with pytest.raises(FetchError) as caught:
            await fetch(transport, "https://localhost/a.mp3?signature=1")
    assert caught.value.reason == Reason.ADDRESS_NOT_PUBLIC
    assert "signature" not in str(caught.value)


async def test_odd_spellings_of_private_addresses_are_refused() -> None:
    async with GuardedTransport(OriginPolicy("https://liner.example.org")) as transport:
        for host in ("0x7f.1", "0x7f000001", "017700000001", "2130706433", "127.1", "[::1]"):
            with pytest.raises(FetchError) as caught:
                await fetch(transport, f"https://{host}/")
            assert caught.value.reason in {Reason.ADDRESS_NOT_PUBLIC, Reason.ADDRESS_INVALID}


async def test_the_policy_is_asked_before_any_connection() -> None:
    async with serving(ok) as fake, GuardedTransport(OriginPolicy("https://a.example")) as guarded:
        with pytest.raises(FetchError):
            await fetch(guarded, fake.url)
        assert fake.asked == []


async def test_the_apis_own_name_may_resolve_to_loopback() -> None:
    async with serving(ok) as fake:
        url = f"http://localhost:{fake.port}"
        async with GuardedTransport(OriginPolicy(url)) as transport:
            assert (await fetch(transport, url))[1] == b"fine"


async def test_cancelling_a_request_leaves_the_transport_usable(
    transport: GuardedTransport,
) -> None:
    async def route(asked: Asked) -> None:
        if asked.path == "/slow":
            await anyio.sleep_forever()
        await ok(asked)

    async with serving(route) as fake:
        with anyio.move_on_after(0.05):
            await fetch(transport, fake.url + "/slow")
        assert (await fetch(transport, fake.url + "/fast"))[1] == b"fine"


async def test_nothing_is_left_open() -> None:
    policy = Anywhere()
    async with serving(ok) as fake, GuardedTransport(policy) as transport:
        response = await transport.handle_async_request(httpx.Request("GET", fake.url))
        await response.aclose()
    del response
    gc.collect()


async def test_a_request_may_have_a_body(transport: GuardedTransport) -> None:
    seen = []

    async def route(asked: Asked) -> None:
        seen.append(asked.header("content-length"))
        await asked.reply(base64.b64encode(b"done"))
        asked.hang_up()

    async with serving(route) as fake:
        request = httpx.Request("POST", fake.url, content=b"12345")
        response = await transport.handle_async_request(request)
        assert await response.aread() == b"ZG9uZQ=="
    assert seen == ["5"]
