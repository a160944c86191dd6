"""The connections of the desk: idle and slow clients cannot block it.

uvicorn waits without limit for the rest of a request head, and for a client that reads nothing.
Here each of these has a timeout, and the number of connections is limited below the process's limit
of open files: beyond it, the connection that has waited longest for its request is closed; a new
one is rejected only if all are being served.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from archiver.monitoring.rejected import Turned, room_for

_MOST: Final = 500
_REFUSED: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\n"
    b"Content-Type: text/plain\r\nContent-Length: 16\r\n\r\ntoo many at once"
)


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Timeouts in seconds: for a request head, from the connection or the last response on; for the
    body of a request, forms of a few KiB; and for a client to read the 48 KiB that wait for it (1
    KiB/s: a player that is paused for longer requests the rest again)."""

    head: float = 10.0
    body: float = 60.0
    reader: float = 60.0


class Crowd:
    """All connections of one desk, those that have waited longest for a head first."""

    def __init__(self, deadlines: Deadlines) -> None:
        self.most = room_for(_MOST)
        self.deadlines = deadlines
        self.turned = Turned("the desk")
        self.waiting: dict[DeskConnection, None] = {}
        self.open = 0

    def make_room(self) -> bool:
        """Whether there is room for the connection that was made last."""
        if self.open <= self.most:
            return True
        for oldest in self.waiting:
            oldest.turn_away("too many idle connections")
            return True
        self.turned.away("too many connections")
        return False


class DeskConnection(H11Protocol):
    """One connection, with a deadline for whatever it waits for."""

    def __init__(self, *given: Any, crowd: Crowd, **named: Any) -> None:
        super().__init__(*given, **named)
        self._crowd = crowd
        self._deadline: asyncio.TimerHandle | None = None
        self._phase = ""
        self._is_open = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head, if there is room."""
        super().connection_made(transport)
        self._is_open = True
        self._crowd.open += 1
        if not self._crowd.make_room():
            transport.write(_REFUSED)
            transport.close()
        else:
            self._follow()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place up."""
        self._leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some of a request."""
        if not self.transport.is_closing():
            super().data_received(data)
            self._follow()

    def on_response_complete(self) -> None:
        """Begin to wait for the next head."""
        super().on_response_complete()
        self._follow()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
        self._crowd.turned.away("they did not send HTTP")
        super().send_400_response(msg)

    def pause_writing(self) -> None:
        """The reader is slow."""
        super().pause_writing()
        self._await("reader", self._crowd.deadlines.reader, "they did not read the response")

    def resume_writing(self) -> None:
        """The reader has caught up."""
        super().resume_writing()
        self._await("", 0, "")
        self._follow()

    def turn_away(self, why: str) -> None:
        """End it at once."""
        self._crowd.turned.away(why)
        self._leave()
        self.transport.abort()

    def _follow(self) -> None:
        """Wait for what the request lacks now: its head, its body, or nothing."""
        theirs = self.conn.their_state
        if not self._is_open or self.flow.write_paused:
            return
        if theirs is h11.IDLE:
            self._await("head", self._crowd.deadlines.head, "no complete request arrived in time")
        elif theirs is h11.SEND_BODY:
            self._await("body", self._crowd.deadlines.body, "a request body arrived too slowly")
        else:
            self._await("", 0, "")

    def _await(self, phase: str, seconds: float, why: str) -> None:
        if phase == self._phase:
            return
        self._phase = phase
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if phase == "head":
            self._crowd.waiting[self] = None
        else:
            self._crowd.waiting.pop(self, None)
        if phase:
            late: Callable[[], None] = lambda: self.turn_away(why)  # noqa: E731 - a name for a timer
            self._deadline = self.loop.call_later(seconds, late)

    def _leave(self) -> None:
        if self._is_open:
            self._await("", 0, "")
            self._is_open = False
            self._crowd.open -= 1
