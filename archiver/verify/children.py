"""The processes that parse a ledger and check stretches: children of this one, or this one itself.

Both are bound by the processor, and threads share one interpreter; so a large archive in a folder
is verified by several processes (`child`). Whatever becomes of a child (killed, out of memory, not
started at all), its work is done here.
"""

import asyncio
import os
import pickle
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

import anyio
import anyio.to_thread
import msgspec
from anyio.abc import TaskGroup

from archiver.crew.frames import START, Frame, read_frame
from archiver.storage.base import Reader
from archiver.tasks.children import child_command
from archiver.tasks.lanes import one_failure
from archiver.verify.child import LINES, STRETCH
from archiver.verify.parsing import Parsed
from archiver.verify.stretch import Doubts, Outcome, Stretch, check_stretch

MOST_PROCESSES: Final = 4
"""This process lists what is expected, which takes a sixth of the time of reading it (measured)."""

PAYS_FROM: Final = 10_000
"""Objects to be read from which the start of child processes pays off."""

_LINE_BYTES: Final = 500
"""Of a line of the ledger, or more. Of two lines, one adds a recording, with two objects."""

_AHEAD: Final = 2
"""Requests sent to a child, so that it has work while an answer is on its way."""


def cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True)
class Effort:
    """How an archive in a folder is read: by at most so many processes, if at least `pays_from`
    objects are to be read; and the greatest number of objects, and of bytes, in a stretch."""

    processes: int = field(default_factory=lambda: min(cores(), MOST_PROCESSES))
    pays_from: int = PAYS_FROM
    objects: int = 512
    bytes: int = 8 * 1024 * 1024

    def children(self, objects: int) -> int:
        """The number of child processes for so many objects; 0 if this process reads them."""
        return self.processes if self.processes > 1 and objects >= self.pays_from else 0


@dataclass(slots=True, eq=False)
class _Child:
    """A child process, and the answers that it owes, in the order in which they will come."""

    process: asyncio.subprocess.Process
    owed: deque[asyncio.Future[bytes]] = field(default_factory=deque)
    has_ended: bool = False

    async def ask(self, request: Frame) -> bytes:
        """The answer; empty if there is none."""
        if self.has_ended or self.process.stdin is None:
            return b""
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.owed.append(answer)
        self.process.stdin.write(request.encode())
        with suppress(OSError):  # it has ended, as `listen` is about to find out
            await self.process.stdin.drain()
        return await answer

    async def listen(self) -> None:
        """Hand over its answers until it ends; what it still owes then is empty."""
        while self.process.stdout is not None:
            frame = await read_frame(self.process.stdout)
            if frame is None or not self.owed:
                break
            _give(self.owed.popleft(), frame.body)
        self.has_ended = True
        while self.owed:
            _give(self.owed.popleft(), b"")


@dataclass(slots=True)
class Processes:
    """All that work on one verification; `lanes` is the number of things that they do at a time.

    Without `reader` there is nothing for children to read.
    """

    reader: Reader | None
    effort: Effort
    _group: TaskGroup
    _children: list[_Child] = field(default_factory=list)
    _are_over: bool = False
    _starting: anyio.Lock = field(default_factory=anyio.Lock)

    @property
    def lanes(self) -> int:
        """How many stretches, or segments, may be given to them at a time."""
        alone = self.reader is None or self.effort.processes == 1
        return 1 if alone else _AHEAD * self.effort.processes

    async def expect_lines(self, size: int) -> None:
        """As `expect`, for what so many bytes of the ledger name."""
        async with self._starting:
            await self.expect(size // _LINE_BYTES)

    async def expect(self, objects: int) -> None:
        """Start children, if there are none yet and they pay for so many objects."""
        if self.reader is None or self._children or self._are_over:
            return
        for _ in range(self.effort.children(objects)):
            child = await _start(self.reader)
            if child is None:
                return
            self._children.append(child)
            self._group.start_soon(child.listen)

    async def parse(self, lines: Sequence[bytes]) -> Parsed | None:
        """Parse events, if there is a child to do it."""
        if not lines:
            return None
        answer = await self._ask(LINES, lambda: b"\n".join(lines))
        return _PARSED.decode(answer) if answer else None

    async def check(self, reader: Reader, stretch: Stretch) -> tuple[Outcome, Doubts]:
        """Check it, by a child if there is one."""
        answer = await self._ask(STRETCH, lambda: msgspec.msgpack.encode(stretch))
        if answer:
            return _OUTCOMES.decode(answer), Doubts()
        doubts = Doubts()
        return await anyio.to_thread.run_sync(check_stretch, reader, stretch, doubts), doubts

    async def _ask(self, kind: bytes, body: Callable[[], bytes]) -> bytes:
        """The answer of the child with the least to do; empty if there is none."""
        alive = [child for child in self._children if not child.has_ended]
        if not alive:
            return b""
        child = min(alive, key=lambda one: len(one.owed))
        return await child.ask(Frame(kind, body=body()))

    async def end(self) -> None:
        """End the children; what comes later is done here."""
        children, self._children, self._are_over = self._children, [], True
        for child in children:
            await _end(child.process)


@asynccontextmanager
async def processes(reader: Reader | None, effort: Effort) -> AsyncIterator[Processes]:
    """This process and its children, all of which have ended when the context is left."""
    with one_failure():
        async with anyio.create_task_group() as group:
            those = Processes(reader, effort, group)
            try:
                yield those
            finally:
                with anyio.CancelScope(shield=True):
                    await those.end()
            group.cancel_scope.cancel()


async def _start(reader: Reader) -> _Child | None:
    """A child; None if the system does not allow another process."""
    try:
        process = await asyncio.create_subprocess_exec(
            *child_command("archiver.verify.child"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return None
    if process.stdin is not None:
        process.stdin.write(Frame(START, body=pickle.dumps(reader)).encode())
    return _Child(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """It only reads: there is nothing that it would have to put in order."""
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def _give(answer: "asyncio.Future[bytes]", body: bytes) -> None:
    if not answer.done():  # the task that asked may have been cancelled
        answer.set_result(body)


_OUTCOMES = msgspec.msgpack.Decoder(Outcome)
_PARSED = msgspec.msgpack.Decoder(Parsed)
