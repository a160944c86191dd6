"""The processes that check stretches: children of this one (`child`), or this one itself.

Reading small files is bound by the processor, and threads share one interpreter; so a large archive
in a folder is checked by several processes. Whatever becomes of a child (killed, out of memory, not
started at all), its stretches are checked here.
"""

import asyncio
import os
import pickle
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

import anyio
import anyio.to_thread
import msgspec

from archiver.crew.frames import BATCH, START, Frame, read_frame
from archiver.storage.base import Reader
from archiver.tasks.children import child_command
from archiver.tasks.lanes import one_failure
from archiver.verify.stretch import Doubts, Outcome, Stretch, check_stretch

MOST_PROCESSES: Final = 4
"""This process lists what is expected, which takes a sixth of the time of reading it (measured)."""

PAYS_FROM: Final = 10_000
"""Objects to be read from which the start of child processes pays off."""

_AHEAD: Final = 2
"""Stretches sent to a child, so that it has work while an answer is on its way."""


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
class Readers:
    """All that check stretches; `lanes` is the number of stretches that they check at a time."""

    reader: Reader
    lanes: int
    _children: list[_Child] = field(default_factory=list)

    async def check(self, stretch: Stretch) -> tuple[Outcome, Doubts]:
        """Check it, by a child if there is one."""
        alive = [child for child in self._children if not child.has_ended]
        if alive:
            child = min(alive, key=lambda one: len(one.owed))
            answer = await child.ask(Frame(BATCH, body=msgspec.msgpack.encode(stretch)))
            if answer:
                return _OUTCOMES.decode(answer), Doubts()
        doubts = Doubts()
        return await anyio.to_thread.run_sync(check_stretch, self.reader, stretch, doubts), doubts


@asynccontextmanager
async def readers(reader: Reader, children: int) -> AsyncIterator[Readers]:
    """So many child processes, all of which have ended when the context is left; without any,
    threads of this process."""
    started = [child for _ in range(children) if (child := await _start(reader)) is not None]
    try:
        with one_failure():
            async with anyio.create_task_group() as group:
                for child in started:
                    group.start_soon(child.listen)
                yield Readers(reader, _AHEAD * len(started) or cores(), started)
                group.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            for child in started:
                await _end(child.process)


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
