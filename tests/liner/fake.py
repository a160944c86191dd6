"""A small HTTP server on a loopback socket that says exactly what a test tells it to."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from archiver.sandbox.closing import close_servers


@dataclass
class Asked:
    """One request as it arrived; `say` answers it, byte for byte where a test wants that."""

    target: str
    headers: list[tuple[str, str]]
    writer: asyncio.StreamWriter

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    def number(self, name: str, default: int = 0) -> int:
        return int(dict(self.query).get(name, default))

    def header(self, name: str) -> str | None:
        return next((v for k, v in self.headers if k.lower() == name.lower()), None)

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def reply(
        self, body: bytes, status: int = 200, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        lines = [f"HTTP/1.1 {status} Told", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers]
        await self.say("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    async def json(
        self, value: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        await self.reply(json.dumps(value).encode(), status, headers)

    async def data(self, data: Any) -> None:
        await self.json({"success": True, "message": "", "data": data})

    async def refuse(self, status: int, message: str = "", **headers: str) -> None:
        named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        await self.json({"success": False, "message": message}, status, named)

    def hang_up(self) -> None:
        self.writer.close()


Route = Callable[[Asked], Awaitable[None]]


@dataclass
class Fake:
    """Answers by `route`; `asked` keeps every request."""

    route: Route
    scheme: str = "http"
    port: int = 0
    asked: list[Asked] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def targets(self) -> list[str]:
        return [one.target for one in self.asked]

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *rest = head.removesuffix("\r\n\r\n").split("\r\n")
                headers = [(k, v.strip()) for k, _, v in (line.partition(":") for line in rest)]
                asked = Asked(first.split(" ")[1], headers, writer)
                self.asked.append(asked)
                await self.route(asked)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


OWN_AUTHORITY = Path(__file__).with_name("own_authority.pem")
"""A certificate for 127.0.0.1 that nobody vouches for but itself, and its key."""


def tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(OWN_AUTHORITY)
    return context


@asynccontextmanager
async def serving(route: Route, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Fake]:
    """A server on a free port, gone with everything it held at the end."""
    fake = Fake(route, "http" if tls is None else "https")
    held: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if server.is_serving():
            held[asyncio.ensure_future(fake.handle(reader, writer))] = writer
        else:
            writer.transport.abort()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    fake.port = server.sockets[0].getsockname()[1]
    try:
        yield fake
    finally:
        await close_servers([server], held)
