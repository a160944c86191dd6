"""Over TLS all is as without it, and where there is none to be trusted, that is told."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import anyio
import httpx
import pytest

from archiver.http.transport import GuardedTransport
from archiver.http.wire.connection import Connection
from archiver.http.wire.dialling import TlsRefused
from tests.http.wire.asking import Anywhere, fetch
from tests.liner.fake import OWN_AUTHORITY, Asked, serving, tls

pytestmark = pytest.mark.anyio


@pytest.fixture
async def transport() -> AsyncIterator[GuardedTransport]:
    async with GuardedTransport(Anywhere()) as transport:
        yield transport


async def ok(asked: Asked) -> None:
    await asked.reply(b"fine")


async def test_bodies_come_whole_over_tls_and_its_connections_are_kept(
    transport: GuardedTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(OWN_AUTHORITY))
    body = bytes(range(256)) * 12_000
    agreed = set()

    async def route(asked: Asked) -> None:
        agreed.add(asked.writer.get_extra_info("ssl_object").selected_alpn_protocol())
        await asked.reply(body)

    context = tls()
    context.set_alpn_protocols(["h2", "http/1.1"])
    async with serving(route, tls=context) as fake:
        for _ in range(3):
            assert (await fetch(transport, fake.url))[1] == body
    assert len({id(asked.writer) for asked in fake.asked}) == 1
    assert agreed == {"http/1.1"}


async def test_a_body_that_is_cut_within_tls_is_an_error(
    transport: GuardedTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(OWN_AUTHORITY))

    async def route(asked: Asked) -> None:
        await asked.say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        asked.hang_up()

    async with serving(route, tls=tls()) as fake:
        with pytest.raises(httpx.TransportError):
            await fetch(transport, fake.url)


async def hung_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def test_a_server_without_tls_is_told_as_such(transport: GuardedTransport) -> None:
    left = anyio.Event()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.com ESMTP\r\n")
        await reader.read()
        await hung_up(writer)
        left.set()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(
            TlsRefused, match=f"^https://127.0.0.1:{port}: the TLS handshake failed"
        ):
            await fetch(transport, f"https://127.0.0.1:{port}/", connect=5)
        await left.wait()


async def test_a_certificate_that_nobody_vouches_for_is_refused_unless_it_is_named(
    transport: GuardedTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(ok, tls=tls()) as fake:
        with pytest.raises(TlsRefused, match="certificate is not trusted: self-signed"):
            await fetch(transport, fake.url)
        assert fake.asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(OWN_AUTHORITY))
        async with GuardedTransport(Anywhere()) as another:
            assert (await fetch(another, fake.url))[1] == b"fine"


async def test_certificates_that_cannot_be_read_are_told_as_such(
    transport: GuardedTransport, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "empty.pem").touch()
    async with serving(ok, tls=tls()) as fake:
        for name in ("empty.pem", "missing.pem"):
            monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / name))
            with pytest.raises(TlsRefused, match="check SSL_CERT_FILE"):
                await fetch(transport, fake.url)


async def test_a_server_is_told_its_name_without_the_dot_behind_and_no_address(
    transport: GuardedTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = socket.getaddrinfo("127.0.0.1", 1, type=socket.SOCK_STREAM)

    def found(host: str, port: int, **kind: int) -> list[object]:
        return [(*one[:4], ("127.0.0.1", port)) for one in here]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    told: list[str | None] = []
    context = tls()
    context.sni_callback = lambda connection, name, context: told.append(name)
    async with serving(ok, tls=context) as fake:
        for host in ("localhost", "localhost.", "127.0.0.1"):
            with pytest.raises(TlsRefused, match="not trusted"):
                await fetch(transport, f"https://{host}:{fake.port}/")
    assert told == ["localhost", "localhost", None]


async def test_a_server_that_leaves_before_there_is_tls_is_a_connect_error(
    transport: GuardedTransport,
) -> None:
    left = anyio.Event()

    async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        await hung_up(writer)
        left.set()

    async with await asyncio.start_server(leave, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(httpx.ConnectError, match="TLS"):
            await fetch(transport, f"https://127.0.0.1:{port}/", connect=5)
        await left.wait()


async def test_a_server_that_never_comes_to_tls_is_a_connect_timeout_and_is_left_alone(
    transport: GuardedTransport,
) -> None:
    left = anyio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while await reader.read(1000):
                pass
        await hung_up(writer)
        left.set()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(httpx.ConnectTimeout, match="TLS handshake"):
            await fetch(transport, f"https://127.0.0.1:{port}/", connect=0.05)
        await left.wait()


async def test_giving_up_just_when_there_is_tls_leaves_nothing_in_the_way_of_the_next(
    transport: GuardedTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(OWN_AUTHORITY))
    made = Connection.connection_made
    scope = anyio.CancelScope()

    def give_up(connection: Connection, carrier: asyncio.BaseTransport) -> None:
        made(connection, carrier)
        scope.cancel()

    async with serving(ok, tls=tls()) as fake:
        with scope, monkeypatch.context() as patch:
            patch.setattr(Connection, "connection_made", give_up)
            await fetch(transport, fake.url)
        assert scope.cancelled_caught
        for _ in range(3):
            assert (await fetch(transport, fake.url, method="POST", connect=5))[1] == b"fine"
