"""A relay in front of an S3 server, which notes the requests, and spoils answers on cue."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

Spoil = Callable[[bytes], bytes | None]
"""An answer of the server and what goes out in its place; None closes the connection instead."""


@dataclass(slots=True)
class Heard:
    """One request as it came, without its body."""

    line: str
    headers: dict[str, str]

    @property
    def is_direct(self) -> bool:
        """Whether it was sent past boto3, which numbers its invocations."""
        return "amz-sdk-invocation-id" not in self.headers


@dataclass(slots=True)
class Relay:
    """Listens at `endpoint`; `spoil` is asked once and forgotten."""

    endpoint: str = ""
    heard: list[Heard] = field(default_factory=list)
    spoil: Spoil | None = None
    connections: int = 0

    def of(self, method: str) -> list[Heard]:
        """The requests with that method."""
        return [one for one in self.heard if one.line.startswith(f"{method} ")]

    def spoilt(self, answer: bytes) -> bytes | None:
        spoil, self.spoil = self.spoil, None
        return answer if spoil is None else spoil(answer)


@asynccontextmanager
async def relaying(upstream: str, tls: ssl.SSLContext | None = None) -> AsyncIterator[Relay]:
    """A relay in front of the server at `upstream`, one connection there for each here."""
    relay, target = Relay(), urlsplit(upstream)
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        relay.connections += 1
        there, back = await asyncio.open_connection(target.hostname, target.port)
        writers.update((writer, back))
        try:
            while await _exchange(relay, reader, there, writer, back):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            for one in (writer, back):
                one.close()
                writers.discard(one)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls, limit=1 << 20)
    port = server.sockets[0].getsockname()[1]
    relay.endpoint = f"{'http' if tls is None else 'https'}://127.0.0.1:{port}"
    async with server:
        yield relay
        for one in list(writers):
            one.transport.abort()


async def _exchange(
    relay: Relay,
    reader: asyncio.StreamReader,
    there: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    back: asyncio.StreamWriter,
) -> bool:
    """Carry one request and its answer; whether there may be another."""
    head = await reader.readuntil(b"\r\n\r\n")
    asked = _parsed(head)
    relay.heard.append(asked)
    if asked.headers.pop("expect", None):
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        head = head.replace(b"Expect: 100-continue\r\n", b"")
    back.write(head + await reader.readexactly(int(asked.headers.get("content-length", 0))))
    answer = await there.readuntil(b"\r\n\r\n")
    given = _parsed(answer)
    if not asked.line.startswith("HEAD "):
        answer += await there.readexactly(int(given.headers.get("content-length", 0)))
    spoilt = relay.spoilt(answer)
    if spoilt is None:
        return False
    writer.write(spoilt)
    await writer.drain()
    return spoilt == answer


def _parsed(head: bytes) -> Heard:
    line, *rest = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    pairs = (one.split(": ", 1) for one in rest)
    return Heard(line, {name.lower(): value for name, value in pairs})
