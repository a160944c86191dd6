"""The pipeline tells whether its work was done to the end."""

import anyio
import pytest
from anyio.streams.memory import MemoryObjectReceiveStream

from archiver.catalog.states import CallState
from archiver.catalog.work import Outcome, Task
from archiver.ledger.events import CallJudged
from archiver.liner.models import Call
from archiver.run.pipeline import HandOver, run_pipeline
from archiver.tasks.grace import Grace

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
