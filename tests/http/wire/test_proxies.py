"""Through a proxy requests arrive as without it, and where one stands in the way, that is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from archiver.http.proxies import configured
from archiver.http.transport import GuardedTransport
from archiver.http.wire.dialling import TlsRefused
from archiver.http.wire.tunnel import ProxyFailed
from tests.http.wire.asking import Anywhere, fetch
from tests.liner.fake import OWN_AUTHORITY, Asked, serving, tls
from tests.support.proxies import asking, needs_tinyproxy, refusing, tinyproxy

pytestmark = pytest.mark.anyio

BODY = bytes(range(256)) * 3_000


def through(proxy: str, environ: dict[str, str] | None = None) -> GuardedTransport:
    return GuardedTransport(Anywhere(), proxies=configured(proxy, environ or {}))


async def ok(asked: Asked) -> None:
    await asked.reply(BODY)


@needs_tinyproxy
async def test_plain_requests_reach_the_origin_with_their_address_untouched(tmp_path: Path) -> None:
    with tinyproxy(tmp_path) as proxy:
        async with serving(ok) as fake, through(proxy.url) as transport:
            for _ in range(2):
                _, body = await fetch(transport, f"{fake.url}/a%2Fb/c?d=%20&e")
                assert body == BODY
        assert [asked.target for asked in fake.asked] == ["/a%2Fb/c?d=%20&e"] * 2
        assert proxy.requests("GET") == 2


@needs_tinyproxy
async def test_https_goes_through_a_tunnel_that_is_kept_for_the_next_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(OWN_AUTHORITY))
    with tinyproxy(tmp_path, asking()) as proxy:
        async with serving(ok, tls=tls()) as fake, through(proxy.with_password) as transport:
            for _ in range(3):
                assert (await fetch(transport, fake.url))[1] == BODY
        assert proxy.requests("CONNECT") == 1
    assert "Proxy-Authorization" not in str(fake.asked[0].headers)


@needs_tinyproxy
async def test_user_and_password_are_told_to_the_proxy_and_to_nobody_else(tmp_path: Path) -> None:
    with tinyproxy(tmp_path, asking()) as proxy:
        async with serving(ok) as fake, through(proxy.with_password) as transport:
            assert (await fetch(transport, fake.url))[1] == BODY
    assert "proxy-authorization" not in str(fake.asked[0].headers).lower()


async def test_what_no_proxy_names_is_asked_directly() -> None:
    async with serving(ok) as fake:
        nobody = through("http://127.0.0.1:9", {"NO_PROXY": "127.0.0.1"})
        async with nobody as transport:
            assert (await fetch(transport, fake.url))[1] == BODY


@needs_tinyproxy
async def test_a_proxy_that_wants_a_password_says_so_and_where_to_put_it(tmp_path: Path) -> None:
    with tinyproxy(tmp_path, asking()) as proxy:
        wrong = f"http://anna:wrong@127.0.0.1:{proxy.port}"
        for given, scheme, said in (
            (proxy.url, "http", "requires a user name"),
            (proxy.url, "https", "requires a user name"),
            (wrong, "https", "rejected the user name"),
        ):
            async with through(given) as transport:
                with pytest.raises(ProxyFailed, match=f"the proxy {said}") as caught:
                    await fetch(transport, f"{scheme}://files.example.org/")
            error = caught.value
            assert error.is_refusal
            assert error.hint == f"Set http.proxy to http://user:password@127.0.0.1:{proxy.port}."
            assert "wrong" not in f"{error} {error.hint}"


@needs_tinyproxy
async def test_a_proxy_that_refuses_a_host_is_told_with_its_status(tmp_path: Path) -> None:
    with tinyproxy(tmp_path, refusing(tmp_path)) as proxy:
        async with through(proxy.url) as transport:
            with pytest.raises(ProxyFailed, match=r"refuses the connection \(403\)") as caught:
                await fetch(transport, "https://files.example.org/")
    assert str(caught.value).startswith(
        f"https://files.example.org through the proxy 127.0.0.1:{proxy.port}: "
    )
    assert caught.value.is_refusal
    assert "files.example.org" in caught.value.hint


@needs_tinyproxy
async def test_a_host_that_the_proxy_cannot_reach_may_be_there_later(tmp_path: Path) -> None:
    with tinyproxy(tmp_path) as proxy:
        async with through(proxy.url) as transport:
            with pytest.raises(ProxyFailed, match="cannot connect to the host") as caught:
                await fetch(transport, "https://127.0.0.1:9/")
    assert not caught.value.is_refusal


@asynccontextmanager
async def saying(answer: bytes) -> AsyncIterator[str]:
    """What calls itself a proxy, and says the same to everybody."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 14\r\n\r\n<h1>Login</h1>"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (PAGE, "a page of its own"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://login.example\r\n\r\n", r"refuses .* \(302\)"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "not that of an HTTP proxy"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5_000, "not that of an HTTP proxy"),
        (b"", "not that of an HTTP proxy"),
    ],
)
async def test_what_is_no_proxy_is_told_as_such(answer: bytes, said: str) -> None:
    async with saying(answer) as address, through(address) as transport:
        with pytest.raises(ProxyFailed, match=said) as caught:
            await fetch(transport, "https://files.example.org/")
    assert caught.value.hint


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_is_not_there_is_told_as_such(scheme: str) -> None:
    async with through("http://127.0.0.1:9") as transport:
        with pytest.raises(ProxyFailed, match="the proxy cannot be reached") as caught:
            await fetch(transport, f"{scheme}://files.example.org/")
    assert caught.value.hint == "Check http.proxy."
    assert not caught.value.is_refusal


@needs_tinyproxy
async def test_a_certificate_that_nobody_trusts_is_refused_behind_a_proxy_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with tinyproxy(tmp_path) as proxy:
        async with serving(ok, tls=tls()) as fake, through(proxy.url) as transport:
            with pytest.raises(TlsRefused, match=r"through the proxy .* not trusted"):
                await fetch(transport, fake.url)
