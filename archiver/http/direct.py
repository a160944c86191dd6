"""Requests as bytes, to servers named in the configuration: no policy and no proxy apply.

For callers that build and sign every byte of a request themselves. All errors of the driver are
raised as one error, which says what matters: whether the request may have been read.
"""

import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import httpx

from archiver.http.origins import Origin
from archiver.http.wire.connection import Answer
from archiver.http.wire.dialling import Dialler
from archiver.http.wire.pool import Limits, Pool

_NOTHING_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Unanswered(Exception):
    """No response, or an incomplete one. `was_sent`: some of the request may have been read."""

    def __init__(self, error: httpx.TransportError) -> None:
        super().__init__(type(error).__name__)
        self.was_sent = not isinstance(error, _NOTHING_SENT)


class Received:
    """A response as it arrives."""

    __slots__ = ("_answer",)

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    @property
    def status(self) -> int:
        """Its status."""
        return self._answer.status

    @property
    def headers(self) -> Sequence[tuple[bytes, bytes]]:
        """Its headers, unchanged."""
        return self._answer.headers

    async def read(self) -> bytes:
        """The next bytes of its body; none at its end. Raises Unanswered."""
        try:
            return await self._answer.read()
        except httpx.TransportError as error:
            raise Unanswered(error) from error

    async def read_off(self, most: int) -> None:
        """Read the rest of a short body, so that the connection can be kept."""
        size = 0
        while size < most and (chunk := await self.read()):
            size += len(chunk)


class Direct:
    """Sends requests within one event loop, over at most `connections` connections.

    `trust` creates the TLS context when it is first needed; it raises OSError if it cannot.
    `connect` is the timeout of a connection in seconds, `patience` that of each read.
    """

    def __init__(
        self,
        trust: Callable[[], ssl.SSLContext],
        *,
        connections: int,
        connect: float,
        patience: float,
    ) -> None:
        dialler = Dialler(lambda host, port, address: True, trust)
        self._pool = Pool(dialler, limit=connections)
        self._limits = Limits(connect, patience)

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    @asynccontextmanager
    async def asked(
        self, origin: Origin, head: bytes, body: bytes = b"", *, repeat: bool = True
    ) -> AsyncIterator[Received]:
        """Send a request; returns the response, whose connection is kept if it is read to its end.

        A kept connection may be closed instead of a response. With `repeat` the request is then
        sent again over another one: not for requests that must not be executed twice. Raises
        Unanswered.
        """
        try:
            connection, answer = await self._pool.ask(
                origin, head, body, limits=self._limits, repeat=repeat
            )
        except httpx.TransportError as error:
            raise Unanswered(error) from error
        try:
            yield Received(answer)
        finally:
            self._pool.give_back(connection)
