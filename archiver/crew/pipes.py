"""A crew of child processes on this machine, connected by standard input and output (`child`).

A child gets its first message, with the configuration, when there is work for it; it is replaced if
it dies or hangs. It acquires no lock and inherits no open file of the run, so the run's locks are
released as soon as the run is dead.
"""

import asyncio
import pickle
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import anyio
from msgspec import Struct, field

from archiver.crew.child import Start
from archiver.crew.crew import Listener
from archiver.crew.dispatch import Dispatch, Lane
from archiver.crew.frames import (
    ALIVE,
    ANSWER,
    BATCH,
    DROP,
    FAILED,
    PROGRESS,
    READY,
    START,
    Frame,
    read_frame,
)
from archiver.crew.messages import decode_failure
from archiver.crew.processes import Child, end_child, kill_child, next_child
from archiver.crew.progress import Progress, read_progress
from archiver.crew.unit import Brought, Unit
from archiver.errors import ArchiverError
from archiver.tasks.grace import Grace
from archiver.tasks.lanes import one_failure

MOST_UNITS: Final = 8
"""Units per batch: enough to spread the cost of a message, few enough for an early answer."""

_ROUNDS_AHEAD: Final = 2
"""Units sent to a child for each one it fetches, if no other process can begin with them at once.
A child answers when all units of a batch have ended, and has work until then."""

_SECONDS_AHEAD: Final = 0.25
"""What a child does in this time is sent to it whatever others can do, up to _MOST_ROUNDS_AHEAD.
A quick child waits for this process, which fetches less the more the child has; and at the end of a
run, others wait only briefly for what it has left."""

_MOST_ROUNDS_AHEAD: Final = 8

_ROUNDS_LISTED: Final = 4
"""Units listed for each one that a child fetches, however slow it is. Their addresses may be valid
for minutes only, so there are more only if the child soon needs more."""

_MOST_STARTING: Final = 60
"""Seconds until a child sends its first message; it imports its modules before."""

_MOST_FAILED_STARTS: Final = 3
"""Children that end, one after another, before any is ready."""


class _Ended(Exception):
    """The child has ended; the text says how."""


class _Link(Lane):
    """The pipes of one child, and the batches that wait for its answers."""

    def __init__(
        self,
        dispatch: Dispatch,
        process: Child,
        on_progress: Callable[[Progress], None],
    ) -> None:
        super().__init__(dispatch)
        self.process = process
        self.on_progress = on_progress
        self.answers: dict[int, tuple[asyncio.Event, list[bytes]]] = {}
        self.asked = 0
        self.is_ready = False
        self.was_heard = False

    async def send(self, frame: Frame) -> None:
        """Send a message. Raises `_Ended` if the child has closed its input."""
        writer = self.process.stdin
        if writer is None:
            raise RuntimeError("the child has no standard input")
        try:
            writer.write(frame.encode())
            await writer.drain()
        except (ConnectionError, OSError) as error:
            raise _Ended(await self.how_it_ended()) from error

    def drop(self) -> None:
        """Tell the child to fetch nothing more, if it is still alive."""
        if self.process.stdin is not None:
            self.process.stdin.write(Frame(DROP).encode())

    async def ask(self, batch: bytes) -> bytes:
        """The answer to a batch. Raises `_Ended` if the child has closed its input."""
        self.asked += 1
        number, came = self.asked, (asyncio.Event(), list[bytes]())
        self.answers[number] = came
        try:
            await self.send(Frame(BATCH, number, batch))
            await came[0].wait()
        finally:
            self.answers.pop(number, None)
        return came[1][0]

    async def read(self) -> Frame:
        """The next message. Raises `_Ended` if there is none."""
        if self.process.stdout is None:
            raise RuntimeError("the child has no standard output")
        frame = await read_frame(self.process.stdout)
        if frame is None:
            raise _Ended(await self.how_it_ended())
        self.was_heard = True
        return frame

    async def started(self) -> None:
        """Wait until the child is ready. Raises ArchiverError if it cannot be, `_Ended` if it has
        ended."""
        while (frame := await self.read()).kind in (ALIVE, PROGRESS):
            pass
        if frame.kind == FAILED:
            raise decode_failure(frame.body)
        if frame.kind != READY:
            raise _not_started("it sent an unexpected message")
        self.is_ready = True

    async def watch(self, patience: int) -> None:
        """Raise `_Ended` after `patience` seconds without a message, or as many as a start may take
        if the child is not ready yet.

        The seconds are counted one by one: if this process is suspended as well, nothing counts.
        """
        silent = 0
        while silent < (patience if self.is_ready else _MOST_STARTING):
            self.was_heard = False
            await anyio.sleep(1)
            silent = 0 if self.was_heard else silent + 1
        raise _Ended(f"a worker process gave no sign of life for {silent} s")

    async def listen(self) -> None:
        """Process the child's messages. Raises `_Ended` when it has ended."""
        while True:
            frame = await self.read()
            if frame.kind == ANSWER and (waiting := self.answers.get(frame.number)):
                waiting[1].append(frame.body)
                waiting[0].set()
            elif frame.kind == PROGRESS:
                self.on_progress(read_progress(frame.body))

    async def how_it_ended(self) -> str:
        """How the process ended, for a message."""
        code = await end_child(self.process)
        if code < 0:
            return f"a worker process was ended by signal {-code}"
        return f"a worker process ended with exit code {code}"


class Pipes(Struct):
    """A number of child processes; `start` is the first message to each. `on_ready` is called when
    one has become ready, or when it is known that none can."""

    dispatch: Dispatch
    start: Start
    processes: int
    listener: Listener
    on_ready: Callable[[], None]
    _links: set[_Link] = field(default_factory=set)
    _failed_starts: int = 0
    _is_dropped: bool = False

    @property
    def places(self) -> int:
        """The number of batches that one child has at a time."""
        return max(2, -(-_MOST_ROUNDS_AHEAD * self.dispatch.slots // MOST_UNITS))

    @property
    def couriers(self) -> int:
        """See `Crew.couriers`."""
        return self.processes * self.places * MOST_UNITS

    @property
    def is_ready(self) -> bool:
        """See `Sharing.is_ready`. If no child can be started, it can tell so at once."""
        return bool(self._links) or self.dispatch.has_failed

    @property
    def load(self) -> int:
        """See `Sharing.load`."""
        return self.dispatch.load

    @property
    def wanted(self) -> int:
        """See `Sharing.wanted`."""
        return self._in_time(1) * len(self._links) or 1

    @property
    def most(self) -> int:
        """See `Sharing.most`."""
        return self._in_time(_ROUNDS_AHEAD) * len(self._links) or 1

    def prepare(self) -> None:
        """See `Sharing.prepare`."""
        self.dispatch.expect_work()

    def _in_time(self, least: int) -> int:
        """The units that one child gets in _SECONDS_AHEAD; at least so many rounds of them."""
        rounds = _SECONDS_AHEAD / self.dispatch.round_seconds
        return int(self.dispatch.slots * min(max(least, rounds), _MOST_ROUNDS_AHEAD))

    @property
    def unfetched(self) -> int:
        """See `Crew.unfetched`."""
        return self._in_time(_ROUNDS_LISTED) * self.processes

    @property
    def has_lost_any(self) -> bool:
        """See `Crew.has_lost_any`."""
        return self.dispatch.has_lost_any

    async def bring(self, unit: Unit, on_fetched: Callable[[], None] = lambda: None) -> Brought:
        """See `Crew.bring`. The first cancellation tells the children to fetch nothing more."""
        try:
            return await self.dispatch.bring(unit)
        except anyio.get_cancelled_exc_class():
            self._drop()
            raise

    async def drain(self) -> Sequence[tuple[int, Brought]]:
        """See `Crew.drain`."""
        self._drop()
        return await self.dispatch.drain()

    def _drop(self) -> None:
        if not self._is_dropped and self.dispatch.is_under_way:
            self._is_dropped = True
            for link in self._links:
                link.drop()

    async def keep_a_child(self) -> None:
        """Keep a child running as long as there is work; start another one if it dies."""
        while True:
            await self.dispatch.worker_needed()
            try:
                await self._lead_a_child()
            except _Ended:
                continue  # its units are sent to the next one
            except ArchiverError as error:
                self.dispatch.fail(error)
                self.on_ready()
                return

    async def _lead_a_child(self) -> None:
        """Run one child. Raises `_Ended` if it dies or hangs, ArchiverError if it cannot work.

        One that ends before it is ready may have been killed; if several do, no child can work.
        """
        async with self._child() as link:
            try:
                with one_failure():
                    async with anyio.create_task_group() as group:
                        group.start_soon(link.watch, self.start.pace.hung)
                        await link.send(Frame(START, body=pickle.dumps(self.start)))
                        await link.started()
                        self._links.add(link)
                        self._failed_starts = 0
                        self.on_ready()
                        group.start_soon(link.listen)
                        for _ in range(self.places):
                            group.start_soon(link.keep_busy)
            except _Ended as error:
                self._failed_starts += not link.is_ready
                if self._failed_starts < _MOST_FAILED_STARTS or self._links:
                    raise
                raise _not_started(str(error)) from error
            finally:
                self._links.discard(link)

    @asynccontextmanager
    async def _child(self) -> AsyncIterator[_Link]:
        """A child process, which has ended when the context is left. One that is not ready yet is
        killed: it has nothing to finish, and the run may have ended without it."""
        try:
            process = await next_child()
        except OSError as error:
            raise _not_started(error.strerror or str(error)) from error
        link = _Link(self.dispatch, process, self._tell)
        try:
            yield link
        finally:
            with anyio.CancelScope(shield=True):
                await (end_child(process) if link.is_ready else kill_child(process))

    def _tell(self, news: Progress) -> None:
        if news.received:
            self.listener.on_bytes(news.received)
        for scheduled in news.retries:
            self.listener.on_retry(self.dispatch.call_of(scheduled.record_id), scheduled)


@asynccontextmanager
async def child_processes(
    start: Start,
    *,
    archive_id: str,
    processes: int,
    slots: int,
    grace: Grace,
    listener: Listener,
    on_ready: Callable[[], None],
) -> AsyncIterator[Pipes]:
    """At most this many child processes, all of which have ended when the context is left."""
    dispatch = Dispatch(archive_id, start.run_id, most=MOST_UNITS, slots=slots, grace=grace)
    crew = Pipes(dispatch, start, processes, listener, on_ready)
    with one_failure():
        async with anyio.create_task_group() as group:
            for _ in range(processes):
                group.start_soon(crew.keep_a_child)
            yield crew
            group.cancel_scope.cancel()


def _not_started(why: str) -> ArchiverError:
    return ArchiverError(
        f"a worker process cannot be started: {why}",
        hint="set download.processes to 1; if that helps, report it with what was printed above",
    )
