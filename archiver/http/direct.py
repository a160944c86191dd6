"""Requests as bytes, to servers that the configuration itself names: no policy and no proxy apply.

For whoever makes and signs every byte of a request alone. What the driver beneath raises comes out
as one error, which says what matters then: whether the request may have been read.
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
    """No answer came, or not to its end. `was_sent`: some of the request may have been read."""

    def __init__(self, error: httpx.TransportError) -> None:
        super().__init__(type(error).__name__)
        self.was_sent = not isinstance(error, _NOTHING_SENT)


class Received:
    """An answer as it arrives."""

    __slots__ = ("_answer",)

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    @property
    def status(self) -> int:
        """Its status."""
        return self._answer.status

    @property
    def headers(self) -> Sequence[tuple[bytes, bytes]]:
        """Its headers, as they came."""
        return self._answer.headers

    async def read(self) -> bytes:
        """The next bytes of its body; none at its end. Raises Unanswered."""
        try:
            return await self._answer.read()
        except httpx.TransportError as error:
            raise Unanswered(error) from error

    async def read_off(self, most: int) -> None:
        """Take in the rest of a short body, so that the connection can be kept."""
        size = 0
        while size < most and (chunk := await self.read()):
            size += len(chunk)


class Direct:
    """Carries requests within one event loop, over at most `connections` at a time.

    `trust` makes the context of TLS when it is first needed; OSError where it cannot. A connection
    is waited for `connect` seconds, and each next bit of an answer `patience`.
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
        """Send a request; its answer, whose connection is kept if it was read to its end.

        A connection that was kept may be closed in place of an answer. With `repeat` the request is
        then sent again over another: not for what must not be done twice. Raises Unanswered.
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
