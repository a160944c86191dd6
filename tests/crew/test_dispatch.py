"""Units go to whoever has room, and come back however often a worker dies."""

import asyncio
from collections.abc import Callable, Sequence

import anyio
import pytest

from archiver.clock import system_clock
from archiver.crew.cluster import batches_for
from archiver.crew.dispatch import MOST_BATCH_BYTES, Dispatch, Sent
from archiver.crew.messages import encode_answer
from archiver.crew.unit import Brought, Unit
from archiver.errors import StorageRefused, UsageError
from archiver.liner.models import Call, Recording
from archiver.reasons import Reason
from archiver.recordings.sidecar import Names
from archiver.tasks.grace import Grace

pytestmark = pytest.mark.anyio

DETAIL = "the worker died"


def unit(number: int, summary: str = "") -> Unit:
    recording = Recording(number, row={"id": number, "recordSummary": summary})
    return Unit(Call(number), recording, Names())


def dispatch(most: int = 8) -> Dispatch:
    return Dispatch("archive", "run", most=most, slots=2, grace=Grace())


def ids(batch: Sequence[Sent]) -> list[int]:
    return [sent.unit.recording.id for sent in batch]


def answer(told: Dispatch, batch: Sequence[Sent]) -> None:
    told.answer(batch, encode_answer([Brought(detail="done")] * len(batch), system_clock))


async def with_units(
    told: Dispatch, count: int, work: Callable[[dict[int, Brought]], object]
) -> dict[int, Brought]:
    """The endings of units 1 .. count, while `work` plays the workers."""
    endings: dict[int, Brought] = {}

    async def bring(number: int) -> None:
        endings[number] = await told.bring(unit(number))

    async with anyio.create_task_group() as group:
        for number in range(1, count + 1):
            group.start_soon(bring, number)
        await anyio.wait_all_tasks_blocked()
        result = work(endings)
        if hasattr(result, "__await__"):
            await result
    return endings


async def test_whoever_has_room_takes_what_waits_up_to_a_batch() -> None:
    told = dispatch(most=3)

    async def work(_: object) -> None:
        for expected in ([1, 2, 3], [4, 5]):
            batch = await told.take()
            assert ids(batch) == expected
            answer(told, batch)

    assert set(await with_units(told, 5, work)) == {1, 2, 3, 4, 5}
    assert await told.drain() == []


async def test_every_worker_that_waits_gets_a_unit_as_soon_as_there_are_enough() -> None:
    told = dispatch(most=1)
    taken: list[int] = []

    async def worker() -> None:
        batch = await told.take()
        taken.extend(ids(batch))
        answer(told, batch)

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(worker)
        await anyio.wait_all_tasks_blocked()
        for number in (1, 2, 3):
            group.start_soon(told.bring, unit(number))
    assert sorted(taken) == [1, 2, 3]


async def test_what_comes_right_after_the_first_unit_is_sent_with_it() -> None:
    told = dispatch()
    taken: list[list[int]] = []

    async def worker() -> None:
        while True:
            batch = await told.take()
            taken.append(ids(batch))
            answer(told, batch)

    async def bring(number: int) -> None:
        for _ in range(number - 1):
            await asyncio.sleep(0)
        await told.bring(unit(number))

    async with anyio.create_task_group() as workers:
        workers.start_soon(worker)
        await anyio.wait_all_tasks_blocked()
        async with anyio.create_task_group() as couriers:
            couriers.start_soon(bring, 1)
            couriers.start_soon(bring, 2)
        workers.cancel_scope.cancel()
    assert taken == [[1, 2]]


@pytest.mark.parametrize(
    ("workers", "threads", "batches"),
    [
        (16, [3], (3, 16)),
        (32, [3, 3, 3, 3], (12, 8)),
        (16, [2, 2], (4, 12)),
        (480, [4, 4], (8, 48)),
    ],
)
async def test_no_machine_gets_more_than_its_share_of_what_is_sent_ahead(
    workers: int, threads: list[int], batches: tuple[int, int]
) -> None:
    assert batches_for(workers, threads) == batches


async def test_the_limit_of_a_batch_may_change_while_units_wait() -> None:
    told = dispatch(most=3)

    async def work(_: object) -> None:
        for most, expected in ((2, [1, 2]), (4, [3, 4, 5])):
            told.most = most
            batch = await told.take()
            assert ids(batch) == expected
            answer(told, batch)

    await with_units(told, 5, work)


async def test_a_batch_has_a_limit_in_bytes_and_one_unit_may_exceed_it() -> None:
    told = dispatch()
    large = "x" * (MOST_BATCH_BYTES + 1)
    async with anyio.create_task_group() as group:
        for number in (1, 2):
            group.start_soon(told.bring, unit(number, large))
        await anyio.wait_all_tasks_blocked()
        for number in (1, 2):
            batch = await told.take()
            assert ids(batch) == [number]
            answer(told, batch)


async def test_the_units_of_a_dead_worker_go_to_the_next_one_each_by_itself() -> None:
    told = dispatch()

    async def work(_: object) -> None:
        told.lose(await told.take(), DETAIL)
        for number in (1, 2, 3):
            batch = await told.take()
            assert ids(batch) == [number]
            answer(told, batch)

    endings = await with_units(told, 3, work)
    assert {one.detail for one in endings.values()} == {"done"}


async def test_a_unit_that_kills_every_worker_fails_alone_and_the_next_run_looks() -> None:
    grace = Grace()
    told = Dispatch("archive", "run", most=8, slots=2, grace=grace)

    async def work(endings: dict[int, Brought]) -> None:
        told.lose(await told.take(), DETAIL)
        while len(endings) < 3:
            batch = await told.take()
            if ids(batch) == [2]:
                told.lose(batch, DETAIL)
            else:
                answer(told, batch)
            await anyio.wait_all_tasks_blocked()

    endings = await with_units(told, 3, work)
    assert endings[2] == Brought(reason=Reason.WORKER_LOST, detail=DETAIL)
    assert endings[1].reason is endings[3].reason is None
    assert grace.has_ended


async def test_no_worker_at_all_ends_every_unit_with_the_reason_for_that() -> None:
    told, refused = dispatch(), StorageRefused("no rights", hint="grant them")
    endings = await with_units(told, 2, lambda _: told.fail(refused))
    assert [one.failure for one in endings.values()] == [refused, refused]
    assert (await told.bring(unit(3))).failure is refused


async def test_an_answer_that_is_none_leaves_the_batch_under_way() -> None:
    told = dispatch()

    async def work(_: object) -> None:
        batch = await told.take()
        with pytest.raises(ValueError):
            told.answer(batch, b"nonsense")
        with pytest.raises(UsageError):
            told.answer(batch, b'{"head":[0,"0"],"endings":[]}')
        answer(told, batch)

    assert (await with_units(told, 1, work))[1].detail == "done"


async def test_what_ends_after_its_call_was_given_up_is_told_by_drain() -> None:
    told = dispatch()
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(told.bring, unit(1))
            await anyio.wait_all_tasks_blocked()
            batch = await told.take()
            group.start_soon(told.bring, unit(2))  # no worker has it yet
            await anyio.wait_all_tasks_blocked()
            scope.cancel()

    async def late() -> None:
        await anyio.wait_all_tasks_blocked()
        answer(told, batch)

    async with anyio.create_task_group() as group:
        group.start_soon(late)
        assert await told.drain() == [(1, Brought(detail="done"))]
    assert not told.is_under_way
