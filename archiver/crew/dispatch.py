"""Assigns units to workers that may die, and collects their results: the run's half of a crew.

A worker with free capacity takes all waiting units, up to the size of a batch. There is no timer:
an idle worker gets a unit within one turn of the event loop, and busy ones get many together. If a
worker dies, each of its units becomes suspect and is sent to another worker alone. This isolates a
unit that crashes every worker, and only this unit fails.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import anyio
from msgspec import Struct

from archiver.crew.messages import decode_answer, encode_batch, encode_unit
from archiver.crew.unit import Brought, Unit
from archiver.errors import ArchiverError
from archiver.reasons import Reason
from archiver.tasks.grace import GRACE_SECONDS, Grace

MOST_BATCH_BYTES: Final = 32 * 1024 * 1024

_MOST_DEATHS: Final = 2
"""Deaths of workers that had only this unit. One of them may be a coincidence."""


class WorkerLost(Exception):
    """There will be no answer to a batch. `is_its_fault`: the batch may have killed the worker."""

    def __init__(self, how: str, *, is_its_fault: bool = True) -> None:
        super().__init__(how)
        self.is_its_fault = is_its_fault


class Sent(Struct, eq=False):
    """A unit in progress. `is_suspect`: one of its workers died; `deaths`: how many of its workers
    died while they had no other unit.

    `ended` is asyncio's event: anyio's takes seven times as long to create, for every recording.
    """

    unit: Unit
    data: bytes
    ended: asyncio.Event
    brought: Brought | None = None
    is_given_up: bool = False
    was_sent: bool = False
    is_suspect: bool = False
    deaths: int = 0


class Dispatch:
    """Assigns units to workers in batches of at most `most` units.

    `slots` is the number of units that each worker fetches at a time. Both may change during a run.
    `round_seconds` is how long a worker took lately for one unit in each of its slots.
    """

    def __init__(
        self, archive_id: str, run_id: str, *, most: int, slots: int, grace: Grace
    ) -> None:
        self.slots = slots
        self.most = most
        self.has_lost_any = False
        self.round_seconds = float("inf")
        self._names = (archive_id, run_id)
        self._grace = grace
        self._waiting: deque[Sent] = deque()
        self._under_way: set[Sent] = set()
        self._late: list[tuple[int, Brought]] = []
        self._there = anyio.Event()
        self._all_back = anyio.Event()
        self._failure: ArchiverError | None = None
        self._is_expecting = False

    async def bring(self, unit: Unit) -> Brought:
        """See `Crew.bring`."""
        if self._failure is not None:
            return Brought(failure=self._failure, left=unit.orphan)
        sent = Sent(unit, encode_unit(unit), asyncio.Event())
        self._waiting.append(sent)
        self._there.set()
        try:
            await sent.ended.wait()
        except BaseException:
            sent.is_given_up = True
            if sent in self._waiting:
                self._waiting.remove(sent)
                self._grace.has_ended |= sent.was_sent  # its worker may have left objects
            if sent.brought is not None:
                self._late.append((unit.recording.id, sent.brought))
            raise
        if sent.brought is None:
            raise RuntimeError("a unit ended without a result")
        return sent.brought

    async def work_to_do(self) -> None:
        """Wait until there is a unit to assign. Everyone who waits is woken, so that all have work
        if there is enough."""
        while not self._waiting:
            await self._news()

    def expect_work(self) -> None:
        """There will be units as soon as there is a worker."""
        self._is_expecting = True
        self._there.set()

    async def worker_needed(self) -> None:
        """Wait until there is a unit to assign, or is expected. Everyone who waits is woken."""
        while not self._waiting and not self._is_expecting:
            await self._news()

    async def take(self) -> list[Sent]:
        """Wait for the next batch. It is in progress until `answer` or `lose` is called."""
        await self.work_to_do()
        # Units often come one right after another: one turn of the event loop makes them one batch.
        await asyncio.sleep(0)
        await self.work_to_do()  # another worker may have taken them meanwhile
        self._is_expecting = False
        batch = [self._waiting.popleft()]
        size = len(batch[0].data)
        while self._waiting and len(batch) < self.most:
            following = self._waiting[0]
            size += len(following.data)
            if batch[0].is_suspect or following.is_suspect or size > MOST_BATCH_BYTES:
                break
            batch.append(self._waiting.popleft())
        for sent in batch:
            sent.was_sent = True
        self._under_way.update(batch)
        return batch

    def encode(self, batch: Sequence[Sent]) -> bytes:
        """The batch as bytes, for `decode_batch`."""
        return encode_batch(*self._names, self.slots, [sent.data for sent in batch])

    def answer(self, batch: Sequence[Sent], data: bytes) -> None:
        """Record a worker's answer. Raises ValueError if it is invalid, and UsageError if the
        worker has another version of archiver; in both cases the batch stays in progress."""
        for sent, brought in zip(batch, decode_answer(data, len(batch)), strict=True):
            self._end(sent, brought)

    def lose(self, batch: Sequence[Sent], how: str, *, is_its_fault: bool = True) -> None:
        """The batch's worker has died: reassign its units, or let those fail that it happened to
        before."""
        self.has_lost_any = True
        for sent in reversed(batch):
            if sent not in self._under_way:
                continue
            if is_its_fault:
                sent.deaths += sent.is_suspect
                sent.is_suspect = True
            if sent.deaths >= _MOST_DEATHS or sent.is_given_up:
                self._grace.has_ended = True  # it may have left objects: the next run looks
                self._end(sent, Brought(reason=Reason.WORKER_LOST, detail=how))
            else:
                self._under_way.discard(sent)
                self._waiting.appendleft(sent)
        self._there.set()

    def fail(self, error: ArchiverError) -> None:
        """No worker is available: end all units with this error, including later ones."""
        self._failure = error
        while self._waiting:
            sent = self._waiting.popleft()
            self._grace.has_ended |= sent.was_sent
            self._end(sent, Brought(failure=error, left=sent.unit.orphan))

    async def drain(self) -> list[tuple[int, Brought]]:
        """See `Crew.drain`. Call it after telling the workers to stop."""
        with anyio.move_on_after(GRACE_SECONDS, shield=True):
            while self._under_way:
                self._all_back = anyio.Event()
                await self._all_back.wait()
        if self._under_way:
            self._grace.has_ended = True
        late, self._late = self._late, []
        return late

    def call_of(self, record_id: int | None) -> int | None:
        """The call of a recording in progress; None if no worker has the recording."""
        for sent in self._under_way:
            if sent.unit.recording.id == record_id:
                return sent.unit.call.id
        return None

    @property
    def load(self) -> int:
        """The number of units that are waiting or in progress."""
        return len(self._waiting) + len(self._under_way)

    @property
    def has_failed(self) -> bool:
        """Whether no worker is available, so that all units end with an error."""
        return self._failure is not None

    @property
    def is_under_way(self) -> bool:
        """Whether any worker has a batch."""
        return bool(self._under_way)

    async def _news(self) -> None:
        if self._there.is_set():
            self._there = anyio.Event()
        await self._there.wait()

    def _end(self, sent: Sent, brought: Brought) -> None:
        self._under_way.discard(sent)
        if sent.is_given_up:
            self._late.append((sent.unit.recording.id, brought))
        else:
            sent.brought = brought
            sent.ended.set()
        if not self._under_way:
            self._all_back.set()


@dataclass(slots=True, eq=False)
class Lane(ABC):
    """A connection to one worker, or to several that share it, for some batches at a time."""

    dispatch: Dispatch
    _units: int = 0
    _turn: anyio.Lock = field(default_factory=anyio.Lock)
    _rest: anyio.Event = field(default_factory=anyio.Event)

    @abstractmethod
    async def ask(self, batch: bytes) -> bytes:
        """The answer to a batch. Raises `WorkerLost` if there will be none."""

    async def keep_busy(self) -> None:
        """Have batches processed one after another. Called once for each batch that the lane
        takes at a time."""
        while True:
            async with self._turn:
                batch = await self.dispatch.take()
                if batch[0].is_suspect:  # it must not harm other units, nor be blamed for theirs
                    with self._accounted_for(batch):
                        await self._rests()
                        await self._do(batch)
                    continue
                self._units += len(batch)
            try:
                with self._accounted_for(batch):
                    await self._do(batch)
            finally:
                self._units -= len(batch)
                self._rest.set()

    async def _rests(self) -> None:
        while self._units:
            self._rest = anyio.Event()
            await self._rest.wait()

    async def _do(self, batch: Sequence[Sent]) -> None:
        # They are fetched in their order, so the answer takes as long as all that the worker has.
        begun, rounds = time.monotonic(), max(1.0, self._units / self.dispatch.slots)
        answer = await self.ask(self.dispatch.encode(batch))
        self.dispatch.round_seconds = (time.monotonic() - begun) / rounds
        self.dispatch.answer(batch, answer)

    @contextmanager
    def _accounted_for(self, batch: Sequence[Sent]) -> Iterator[None]:
        """Ensure that the batch is answered or lost however the body ends; suppress WorkerLost."""
        try:
            yield
        except WorkerLost as error:
            self.dispatch.lose(batch, str(error), is_its_fault=error.is_its_fault)
        except ValueError:
            self.dispatch.lose(batch, "a worker sent an invalid answer")
        except BaseException:
            self.dispatch.lose(batch, "the worker that fetched it ended unexpectedly")
            raise
