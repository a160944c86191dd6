"""The pipeline tells whether its work was done to the end, and nobody waits for the ledger."""

from pathlib import Path

import anyio
import pytest
from anyio.streams.memory import MemoryObjectReceiveStream
from msgspec.structs import replace

from archiver.archive.archive import Archive
from archiver.catalog.catalog import Catalog
from archiver.catalog.states import CallState
from archiver.catalog.work import Outcome, Task
from archiver.clock import system_clock
from archiver.ledger.events import CallJudged
from archiver.ledger.log import Ledger
from archiver.liner.models import Call
from archiver.run.pipeline import Claims, HandOver, Recorder, run_pipeline
from archiver.storage.base import Body, ObjectInfo
from archiver.storage.keys import LEDGER_PREFIX
from archiver.storage.memory import MemoryStorage
from archiver.tasks.grace import Grace
from tests.support.world import QUICK

pytestmark = pytest.mark.anyio


async def into_nothing(outcomes: MemoryObjectReceiveStream[Outcome]) -> None:
    async with outcomes:
        async for _ in outcomes:
            """It is recorded."""


async def test_work_that_nobody_interrupts_is_done() -> None:
    async def produce(hand_over: HandOver) -> None:
        await hand_over(Task(Call(1)))

    async def bring(task: Task) -> Outcome:
        return Outcome(task.call, CallJudged(call_id=1, state=CallState.NONE, attempts=0))

    stop, grace = anyio.Event(), Grace()
    assert await run_pipeline(produce, bring, into_nothing, workers=2, stop=stop, grace=grace)


async def test_work_is_not_done_though_the_producer_ends_while_the_crew_is_interrupted() -> None:
    stop, dropped = anyio.Event(), anyio.Event()

    async def produce(hand_over: HandOver) -> None:
        await hand_over(Task(Call(1)))
        with anyio.CancelScope(shield=True):  # as a question to the catalog is, in its thread
            await dropped.wait()

    async def bring(task: Task) -> Outcome:
        try:
            stop.set()
            await anyio.sleep_forever()
        finally:
            dropped.set()
        raise AssertionError(task)

    assert not await run_pipeline(produce, bring, into_nothing, workers=1, stop=stop, grace=Grace())


class SlowLedger(MemoryStorage):
    """Writes a segment only when it is allowed to."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.allowed = anyio.Event(), anyio.Event()

    async def put(self, key: str, body: Body, *, replacing: str | None = None) -> ObjectInfo:
        if key.startswith(LEDGER_PREFIX):
            self.begun.set()
            await self.allowed.wait()
        return await super().put(key, body, replacing=replacing)


async def test_outcomes_are_recorded_while_a_segment_is_on_its_way(tmp_path: Path) -> None:
    storage, name = SlowLedger(), "00000000-0000-4000-8000-000000000001"
    catalog = await Catalog.open(tmp_path / "catalog.sqlite", name)
    pace = replace(QUICK, segment_events=2)
    archive = Archive(storage, name, Ledger(storage, name), catalog, pace=pace)
    settled: list[int] = []
    claims = Claims(catalog.known, catalog.was_erased)
    recorder = Recorder(
        archive, "run", system_clock, claims, lambda outcome: settled.append(outcome.call.id)
    )
    send, receive = anyio.create_memory_object_stream[Outcome](0)
    async with anyio.create_task_group() as group:
        group.start_soon(recorder.run, receive)
        async with send:
            with anyio.fail_after(30):
                for call_id in (1, 2):
                    await send.send(done(call_id))
                await storage.begun.wait()
                for call_id in range(3, 9):
                    await send.send(done(call_id))
        storage.allowed.set()
    assert settled == list(range(1, 9))
    assert (await archive.publish()).number == 4
    await catalog.aclose()


def done(call_id: int) -> Outcome:
    return Outcome(Call(call_id), CallJudged(call_id=call_id, state=CallState.NONE, attempts=0))
