"""Connections kept for the next request to the same origin."""

import asyncio
from typing import Final

import httpx
from msgspec import Struct

from archiver.http.origins import Origin
from archiver.http.wire.connection import Answer, Connection, Disconnected
from archiver.http.wire.dialling import Dialler


class Limits(Struct, frozen=True):
    """The timeouts of one exchange, in seconds; None is unlimited. `connect`: for a connection,
    including TLS; `answer`: see `Connection.ask`; `room`: while all connections are in use."""

    connect: float | None = None
    answer: float | None = None
    room: float | None = None


KEPT_SECONDS: Final = 15.0
"""How long an idle connection is kept: shorter than common servers and load balancers do."""


class Pool:
    """At most `limit` connections in use at a time, and as many idle ones, for `kept_seconds`."""

    def __init__(self, dialler: Dialler, *, limit: int, kept_seconds: float = KEPT_SECONDS) -> None:
        self._dialler = dialler
        self._kept = limit
        self._kept_seconds = kept_seconds
        self._room = asyncio.Semaphore(limit)
        self._used: dict[Connection, Origin] = {}
        self._idle: list[tuple[Origin, Connection]] = []  # least recently used first

    async def ask(
        self,
        origin: Origin,
        request: bytes,
        body: bytes = b"",
        *,
        limits: Limits,
        fresh: bool = False,
        repeat: bool = True,
    ) -> tuple[Connection, Answer]:
        """Send a request over a kept connection, or over a new one (always, if `fresh`).

        A server may close a kept connection at any time. If it does so instead of responding, it
        has most likely not read the request (RFC 9112, section 9.3.1), and with `repeat` the next
        connection is tried. The connection must be returned. Raises httpx.PoolTimeout, and the
        errors of `Dialler.dial` and `Connection.ask`.
        """
        while True:
            connection, is_used = await self._take(origin, fresh=fresh, limits=limits)
            try:
                return connection, await connection.ask(request, body, patience=limits.answer)
            except BaseException as error:
                self.give_back(connection)
                if not (is_used and repeat and isinstance(error, Disconnected)):
                    raise

    async def _take(
        self, origin: Origin, *, fresh: bool, limits: Limits
    ) -> tuple[Connection, bool]:
        """A connection for one exchange, and whether it was used before."""
        if self._room.locked():
            await self._wait_for_room(limits.room)
        else:
            await self._room.acquire()
        try:
            kept = None if fresh else self._kept_for(origin)
            connection = kept or await self._dialler.dial(origin, within=limits.connect)
        except BaseException:
            self._room.release()
            raise
        self._used[connection] = origin
        return connection, kept is not None

    async def _wait_for_room(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._room.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout("timed out waiting for a free connection") from None

    def give_back(self, connection: Connection) -> None:
        """Return it after its exchange, or after giving up; can be called twice."""
        origin = self._used.pop(connection, None)
        if origin is None:
            return
        self._room.release()
        if connection.put_aside():
            self._idle.append((origin, connection))
        self._let_go(len(self._idle) - self._kept)

    def close(self) -> None:
        """Close all connections, including those in use. Connections opened later are not kept."""
        self._kept = 0
        for connection in self._used:
            connection.close()
        self._let_go(len(self._idle))

    def _kept_for(self, origin: Origin) -> Connection | None:
        """The most recently used one: the server is most likely to have kept it, too."""
        self._let_go(0)
        for place in range(len(self._idle) - 1, -1, -1):
            if self._idle[place][0] == origin:
                connection = self._idle.pop(place)[1]
                if connection.is_open:
                    return connection
        return None

    def _let_go(self, least: int) -> None:
        """Close the `least` oldest, and all that have been idle for too long."""
        old = asyncio.get_running_loop().time() - self._kept_seconds
        while self._idle and (least > 0 or self._idle[0][1].idle_since < old):
            self._idle.pop(0)[1].close()
            least -= 1
