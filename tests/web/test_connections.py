"""Which deadline a connection of the desk has, told by the timers that it sets."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from archiver.web.connections import Crowd, Deadlines, DeskConnection


class Timer:
    def __init__(self, seconds: float, call: Callable[[], None]) -> None:
        self.seconds, self.call, self.is_set = seconds, call, True

    def cancel(self) -> None:
        self.is_set = False


class Loop:
    """An event loop whose timers go off when a test says so."""

    def __init__(self) -> None:
        self.timers: list[Timer] = []

    def call_later(self, seconds: float, call: Callable[[], None]) -> Timer:
        self.timers.append(Timer(seconds, call))
        return self.timers[-1]

    def create_task(self, work: Coroutine[Any, Any, None], **_: Any) -> "Loop":
        """Serve nothing: what asked stays unanswered."""
        work.close()
        return self

    def add_done_callback(self, call: Callable[..., None]) -> None:
        """What is never done calls nobody."""

    @property
    def waits(self) -> list[float]:
        return [timer.seconds for timer in self.timers if timer.is_set]


class Line(asyncio.Transport):
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written, self.is_aborted = b"", False

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def abort(self) -> None:
        self.is_aborted = True

    def close(self) -> None:
        self.is_aborted = True

    def is_closing(self) -> bool:
        return self.is_aborted


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def crowd() -> Crowd:
    crowd = Crowd(Deadlines(head=1, body=2, reader=3))
    crowd.most = 2
    return crowd


def connected(loop: Loop, crowd: Crowd) -> tuple[DeskConnection, Line]:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        """Answers nothing."""

    config, line = uvicorn.Config(app, log_config=None), Line()
    given: Any = loop
    one = DeskConnection(config, ServerState(), {}, given, crowd=crowd)
    one.connection_made(line)
    return one, line


def test_a_connection_waits_for_a_head_until_it_ends(loop: Loop, crowd: Crowd) -> None:
    one, line = connected(loop, crowd)
    one.data_received(b"GET / HTTP/1.1\r\n")
    assert loop.waits == [1]
    one.connection_lost(ConnectionResetError())
    assert (loop.waits, crowd.open, crowd.waiting) == ([], 0, {})
    assert not line.is_aborted


def test_the_deadline_of_a_head_ends_the_connection(loop: Loop, crowd: Crowd) -> None:
    _, line = connected(loop, crowd)
    loop.timers[0].call()
    assert line.is_aborted
    assert (loop.waits, crowd.open) == ([], 0)


def test_a_reader_that_catches_up_is_no_longer_timed(loop: Loop, crowd: Crowd) -> None:
    one, _ = connected(loop, crowd)
    one.data_received(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert loop.waits == []
    one.pause_writing()
    assert loop.waits == [3]
    one.resume_writing()
    assert loop.waits == []


def test_beyond_the_limit_the_oldest_that_waits_makes_room(loop: Loop, crowd: Crowd) -> None:
    lines = [connected(loop, crowd)[1] for _ in range(4)]
    assert [line.is_aborted for line in lines] == [True, True, False, False]
    assert crowd.open == 2


def test_where_all_are_being_served_the_newest_is_refused(loop: Loop, crowd: Crowd) -> None:
    served = [connected(loop, crowd) for _ in range(2)]
    for one, _ in served:
        one.pause_writing()
    _, line = connected(loop, crowd)
    assert line.written.startswith(b"HTTP/1.1 503 ")
    assert not any(other.is_aborted for _, other in served)
