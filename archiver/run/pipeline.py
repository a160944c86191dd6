"""One producer, a limited number of workers, one recorder.

enumerate -> [tasks] -> N workers -> [outcomes] -> recorder

Both channels are bounded: a full channel blocks its producer, back to the enumerator, so memory
does not grow with the number of calls. A worker returns problems with a call as a value; only
errors that concern the whole run are raised, and then everything stops. In any case, the outcomes
of finished work are recorded before the pipeline returns.
"""

from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from datetime import datetime
from typing import TypeAlias

import anyio
import anyio.lowlevel
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from msgspec import Struct, field

from archiver.archive.archive import Archive
from archiver.catalog.work import KnownRecording, Outcome, Tally, Task
from archiver.clock import Clock
from archiver.ledger.events import Gone
from archiver.tasks.grace import GRACE_SECONDS, Grace
from archiver.tasks.lanes import one_failure

_MOST_AT_ONCE = 256
"""Outcomes recorded in one transaction: enough to make its cost small, few enough to be quick."""

_GATHERED_SECONDS = 0.01
"""How long outcomes are gathered for one transaction. SQLite writes some sixteen pages for each,
however few outcomes it records: without the wait, that was 7 % of a run (measured)."""

HandOver: TypeAlias = Callable[[Task], Awaitable[None]]
"""Passes a task to the workers; waits while all are busy and the channel is full."""

Produce: TypeAlias = Callable[[HandOver], Awaitable[None]]
Bring: TypeAlias = Callable[[Task], Awaitable[Outcome]]


class Claims:
    """Which call currently owns which recording, in one process: the `Registry` of its couriers.

    A claim takes all its recordings at once or waits, so two calls that list the same recordings
    never wait for each other.
    """

    def __init__(
        self,
        look_up: Callable[[Collection[int]], dict[int, KnownRecording]],
        was_erased: Callable[[int | None, datetime | None], bool],
    ) -> None:
        self._look_up = look_up
        self.was_erased = was_erased
        self._owned: set[int] = set()
        self._claimed: dict[int, Collection[int]] = {}
        self._released: dict[int, anyio.Event] = {}  # only for recordings that someone waits for

    async def claim(self, call_id: int, record_ids: Collection[int]) -> dict[int, KnownRecording]:
        """What is known about the recordings, which belong to the call until it is released."""
        if not record_ids:
            return {}
        while not self._owned.isdisjoint(record_ids):
            held = next(one for one in record_ids if one in self._owned)
            await self._released.setdefault(held, anyio.Event()).wait()
        self._claimed[call_id] = record_ids
        self._owned.update(record_ids)
        return self._look_up(record_ids)

    def release(self, call_id: int) -> None:
        """The outcome of the call is recorded: others that wait for its recordings may continue."""
        for record_id in self._claimed.pop(call_id, ()):
            self._owned.discard(record_id)
            if (released := self._released.pop(record_id, None)) is not None:
                released.set()


class Recorder(Struct):
    """The only writer: outcomes to the catalog, and from there to the ledger."""

    archive: Archive
    run_id: str
    clock: Clock
    claims: Claims
    on_settled: Callable[[Outcome], None]
    tally: Tally = field(default_factory=Tally)
    newly_gone: list[Gone] = field(default_factory=list)
    _full: anyio.Event = field(default_factory=anyio.Event)

    async def run(self, outcomes: MemoryObjectReceiveStream[Outcome]) -> None:
        """Record outcomes until there are no more, and publish them promptly.

        Publishing takes several round trips to S3, during which workers would be blocked if nobody
        accepted their outcomes. So it runs in parallel with recording.
        """
        async with anyio.create_task_group() as around:
            around.start_soon(self._publish_in_time)
            async with outcomes:
                async for outcome in outcomes:
                    await anyio.sleep(_GATHERED_SECONDS)
                    await self._settle([outcome, *_waiting(outcomes)])
            around.cancel_scope.cancel()

    async def _settle(self, outcomes: Sequence[Outcome]) -> None:
        tally = await self.archive.catalog.settle(outcomes, at=self.clock(), run=self.run_id)
        self.tally.add(tally)
        for outcome in outcomes:
            self.claims.release(outcome.call.id)
            self.newly_gone += [event for event in outcome.events if isinstance(event, Gone)]
            self.on_settled(outcome)
        if self.archive.catalog.waiting_events >= self.archive.pace.segment_events:
            self._full.set()

    async def _publish_in_time(self) -> None:
        """Publish full segments at once, and waiting events after a while. What was begun is
        finished."""
        while True:
            with anyio.move_on_after(self.archive.pace.publish_seconds):
                await self._full.wait()
            least = self.archive.pace.segment_events if self._full.is_set() else 1
            self._full = anyio.Event()
            with anyio.CancelScope(shield=True):
                await self.archive.publish(least=least)


async def run_pipeline(
    produce: Produce,
    bring: Bring,
    record: Callable[[MemoryObjectReceiveStream[Outcome]], Coroutine[object, object, None]],
    *,
    workers: int,
    stop: anyio.Event,
    grace: Grace,
) -> bool:
    """Do all the work that `produce` passes on; returns whether it was completed.

    `stop` ends it early: work in progress is cancelled, except for what `grace` protects, which has
    GRACE_SECONDS. Outcomes so far are recorded. Raises the error of a worker, the producer or the
    recorder, after recording what could be recorded.
    """
    send, receive = anyio.create_memory_object_stream[Outcome](workers)
    failure: Exception | None = None
    done = False
    with one_failure():
        async with anyio.create_task_group() as around:
            around.start_soon(record, receive)
            async with send:
                try:
                    done = await _work(
                        produce, bring, send, workers=workers, stop=stop, grace=grace
                    )
                except Exception as error:  # noqa: BLE001 - raised once the recorder is done
                    failure = error
        if failure is not None:
            raise failure
    return done


async def _work(
    produce: Produce,
    bring: Bring,
    outcomes: MemoryObjectSendStream[Outcome],
    *,
    workers: int,
    stop: anyio.Event,
    grace: Grace,
) -> bool:
    done = False
    send, receive = anyio.create_memory_object_stream[Task](workers)
    async with anyio.create_task_group() as watched:
        watched.start_soon(_cancel_when, stop, watched.cancel_scope, grace)
        async with anyio.create_task_group() as crew:
            for _ in range(workers):
                crew.start_soon(_worker, receive.clone(), outcomes.clone(), bring)
            receive.close()
            async with send:
                await produce(send.send)
        # A cancellation does not reach a thread that works for the producer: the workers may have
        # been cancelled meanwhile, but not the producer. Then not everything was done.
        await anyio.lowlevel.checkpoint_if_cancelled()
        done = True
        watched.cancel_scope.cancel()
    return done


async def _worker(
    tasks: MemoryObjectReceiveStream[Task],
    outcomes: MemoryObjectSendStream[Outcome],
    bring: Bring,
) -> None:
    async with tasks, outcomes:
        while (task := await _next(tasks)) is not None:
            outcome = await bring(task)
            try:
                outcomes.send_nowait(outcome)
            except anyio.WouldBlock:
                # Everything stored gets recorded: the recorder outlives the workers.
                with anyio.CancelScope(shield=True):
                    await outcomes.send(outcome)


async def _next(tasks: MemoryObjectReceiveStream[Task]) -> Task | None:
    """The next task, None at the end. Without a turn of the event loop if one is there."""
    try:
        return tasks.receive_nowait()
    except anyio.WouldBlock:
        pass
    except anyio.EndOfStream:
        return None
    return await anext(tasks, None)


async def _cancel_when(stop: anyio.Event, scope: anyio.CancelScope, grace: Grace) -> None:
    await stop.wait()
    grace.end_within(GRACE_SECONDS)
    scope.cancel()


def _waiting(outcomes: MemoryObjectReceiveStream[Outcome]) -> list[Outcome]:
    """The items already in the channel."""
    found: list[Outcome] = []
    while len(found) < _MOST_AT_ONCE:
        try:
            found.append(outcomes.receive_nowait())
        except (anyio.WouldBlock, anyio.EndOfStream):
            break
    return found
