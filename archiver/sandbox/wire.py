"""HTTP/1.1 over asyncio streams, just enough of it, and able to break every rule on request.

Why not a web framework: what this server is for is to cut a chunked body, to lie about a length or
to fall silent, and a framework's purpose is to prevent all of that.
"""

import asyncio
import gzip
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple

from archiver.sandbox.exchange import Answer, Ending, Framing, refusal

PIECE = 256 * 1024
"""How much of a body is handed to the socket at a time."""
LONGEST_HEAD = 64 * 1024
"""Bytes of a request's head; a longer one is answered with 414."""


class Head(NamedTuple):
    """A request's head; header names are in lower case."""

    method: str
    target: str
    headers: dict[str, str]


Handler = Callable[[Head], Answer]


async def converse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler
) -> None:
    """Answers one request after the other until either side has had enough."""
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            try:
                head = _parse(await reader.readuntil(b"\r\n\r\n"))
                await reader.readexactly(int(head.headers.get("content-length") or 0))
            except asyncio.LimitOverrunError:
                answer, asked_to_close = refusal(414, "The address is too long."), True
            except ValueError:
                answer, asked_to_close = refusal(400, "This is not HTTP."), True
            else:
                answer = handler(head)
                asked_to_close = head.headers.get("connection", "").lower() == "close"
            ending = await _play(answer, writer, closing=asked_to_close)
            if ending is Ending.STALL:
                while await reader.read(PIECE):
                    """The client talks on; it gets nothing."""
            if ending is Ending.RESET:
                _reset(writer)
            if ending is not Ending.WHOLE:
                return


def _reset(writer: asyncio.StreamWriter) -> None:
    """Ends the connection with an RST; a plain `abort` would send a FIN."""
    connected = writer.get_extra_info("socket")
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _parse(raw: bytes) -> Head:
    first, *lines = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _version = first.split(" ")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Head(method, target, headers)


async def _play(answer: Answer, writer: asyncio.StreamWriter, *, closing: bool) -> Ending:
    """Sends the answer as it says; returns how the connection continues."""
    if answer.delay:
        await asyncio.sleep(answer.delay)
    ending = _ending(answer, closing=closing)
    if ending is Ending.RESET:
        writer.transport.set_write_buffer_limits(0)  # a reset drops what is not sent yet
    if answer.silent:
        return ending
    head = _head(answer, ending)
    if isinstance(answer.body, bytes) and len(answer.body) <= PIECE and _is_plain(answer):
        writer.write(head + answer.body)
        await writer.drain()
        return ending
    writer.write(head)
    size, pause = answer.drip or (PIECE, 0.0)
    for piece in _limited(_pieces(answer, size), answer.stop_after):
        writer.write(_chunk(piece) if _is_chunked(answer) else piece)
        await writer.drain()
        if pause:
            await asyncio.sleep(pause)
    if _is_chunked(answer) and answer.stop_after is None:
        writer.write(b"0\r\n\r\n")
    await writer.drain()
    return ending


def _ending(answer: Answer, *, closing: bool) -> Ending:
    if answer.ending is Ending.WHOLE and (closing or answer.framing is Framing.CLOSE):
        return Ending.CLOSE
    return answer.ending


def _is_plain(answer: Answer) -> bool:
    return (
        answer.framing is not Framing.CHUNKED and answer.stop_after is None and answer.drip is None
    )


def _is_chunked(answer: Answer) -> bool:
    return answer.framing is Framing.CHUNKED


def _chunk(piece: bytes | memoryview) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), bytes(piece))


def _head(answer: Answer, ending: Ending) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} {_phrase(answer.status)}"]
    own = {name.lower() for name in answer.headers}
    if "date" not in own:
        lines.append(f"Date: {_date(int(time.time()))}")
    lines.extend(f"{name}: {value}" for name, value in answer.headers.items())
    if answer.framing is Framing.CHUNKED:
        lines.append("Transfer-Encoding: chunked")
    elif answer.framing is Framing.LENGTH and "content-length" not in own:
        length = len(answer.body) if not callable(answer.body) else len(answer.content())
        lines.append(f"Content-Length: {length if answer.declared is None else answer.declared}")
    if ending is Ending.CLOSE and answer.framing is Framing.CLOSE:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


@lru_cache(maxsize=4)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _pieces(answer: Answer, size: int) -> Iterator[bytes | memoryview]:
    if callable(answer.body):
        yield from answer.body()
        return
    whole = memoryview(answer.body)
    for start in range(0, len(whole), size):
        yield whole[start : start + size]


def _limited(
    pieces: Iterator[bytes | memoryview], limit: int | None
) -> Iterator[bytes | memoryview]:
    if limit is None:
        yield from pieces
        return
    for piece in pieces:
        if limit <= 0:
            return
        yield piece[:limit]
        limit -= len(piece)


def gzipped(body: bytes) -> bytes:
    """The body compressed, the same bytes for the same body."""
    return gzip.compress(body, mtime=0)
