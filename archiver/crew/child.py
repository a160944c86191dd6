"""A child process that fetches and stores for its parent's run.

All its input, including secrets, arrives on standard input, and none on the command line. It
ignores signals: a terminal or service manager sends them to the whole process group, and the
parent then shuts down its children in order. When standard input is closed, the child exits at
once, whatever it is doing: the run has ended or died, and the next one finds what was stored. So no
child outlives its run.
"""

import asyncio
import os
import pickle
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import anyio
from msgspec import Struct

from archiver.archive.pace import Pace
from archiver.clock import Clock
from archiver.config import Config
from archiver.crew.frames import (
    ALIVE,
    ANSWER,
    BATCH,
    DROP,
    FAILED,
    PROGRESS,
    READ_AHEAD,
    READY,
    START,
    Frame,
    read_frame,
)
from archiver.crew.messages import encode_failure
from archiver.crew.progress import Progress
from archiver.crew.worker import Worker, working
from archiver.errors import ArchiverError
from archiver.tasks.event_loop import FASTEST_LOOP, collect_rarely
from archiver.tasks.freed_memory import keep_freed_memory

_TOLD_EVERY: Final = 0.2
"""Seconds between two progress messages, which are also the child's signs of life."""

IGNORED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_INPUT, _OUTPUT, _ERRORS = range(3)
"""Standard input, output and error. Python's own objects for them are those of the parent in a
process that it has forked."""


@dataclass(frozen=True, slots=True)
class Start:
    """The first message to a child. `known` is what the run knows of the storage."""

    config: Config
    pace: Pace
    clock: Clock
    run_id: str
    known: Any = field(default=None, repr=False)


class _Child(Struct):
    """The two streams of this process, and its batches in progress."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    progress: Progress

    async def serve(self) -> None:
        """Process batches until the parent closes the input, then exit the process."""
        told = await read_frame(self.reader)
        if told is None or told.kind != START:
            _end()
        start: Start = pickle.loads(told.body)  # noqa: S301 - by our parent, which started us
        async with anyio.create_task_group() as group:
            group.start_soon(self._follow_parent, group, start)
            await anyio.sleep_forever()

    async def _follow_parent(self, group: anyio.abc.TaskGroup, start: Start) -> None:
        try:
            opened = working(
                start.config,
                pace=start.pace,
                clock=start.clock,
                on_bytes=self.progress.receive,
                on_retry=self.progress.retry,
                known=start.known,
            )
            group.start_soon(self._tell_progress)
            async with opened as worker:
                self._tell(Frame(READY))
                await self._listen(group, worker, start.run_id)
        except ArchiverError as error:
            await self._send(Frame(FAILED, body=encode_failure(error)))
        _end()

    async def _listen(self, group: anyio.abc.TaskGroup, worker: Worker, run_id: str) -> None:
        while (frame := await read_frame(self.reader)) is not None:
            if frame.kind == BATCH:
                group.start_soon(self._do, worker, frame)
            elif frame.kind == DROP:
                worker.drop(run_id)
        _end()

    async def _do(self, worker: Worker, frame: Frame) -> None:
        answer = await worker.bring_batch(frame.body)
        self._tell_what_came()
        await self._send(Frame(ANSWER, frame.number, answer))

    async def _tell_progress(self) -> None:
        while True:
            await anyio.sleep(_TOLD_EVERY)
            if not self._tell_what_came():
                self._tell(Frame(ALIVE))

    def _tell_what_came(self) -> bool:
        """Whether there was anything to tell."""
        if news := self.progress.take():
            self._tell(Frame(PROGRESS, body=news))
        return bool(news)

    async def _send(self, frame: Frame) -> None:
        """The same for a message of any size: waits until the parent has read enough."""
        self._tell(frame)
        try:
            await self.writer.drain()
        except ConnectionError:
            _end()

    def _tell(self, frame: Frame) -> None:
        """Send a small message. If the parent no longer listens, it is dead, and this process
        exits."""
        if self.writer.is_closing():
            _end()
        self.writer.write(frame.encode())


def ignore_signals() -> None:
    """Leave it to the parent what a signal to all its processes means."""
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)


def main() -> None:
    """Serve the parent at the other end of standard input and output."""
    ignore_signals()
    output = os.dup(_OUTPUT)
    os.dup2(_ERRORS, _OUTPUT)  # print() must not corrupt the messages
    collect_rarely()
    keep_freed_memory()
    anyio.run(_serve, output, backend_options=FASTEST_LOOP)


async def _serve(output: int) -> None:
    async with _streams(output) as child:
        await child.serve()


@asynccontextmanager
async def _streams(output: int) -> AsyncIterator[_Child]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=READ_AHEAD)
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(_INPUT, "rb")
    )
    transport, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(output, "wb")
    )
    writer = asyncio.StreamWriter(transport, protocol, reader, loop)
    yield _Child(reader, writer, Progress())


def _end() -> NoReturn:
    os._exit(0)


if __name__ == "__main__":
    main()
