"""Turns: as many at a time as the limit says, in order, and given back whatever happens."""

import asyncio
from collections.abc import Callable
from functools import partial

import anyio
import pytest

from archiver.tasks.turns import Turns

pytestmark = pytest.mark.anyio


class Queue:
    """Tasks that have a turn until they are told to end, or to give it back before."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.begun: list[int] = []
        self.may_end = [anyio.Event() for _ in range(9)]
        self.give: dict[int, Callable[[], None]] = {}
        self.turns = Turns(lambda: self.limit)

    async def stand(self, number: int) -> None:
        async with self.turns.turn() as give:
            self.begun.append(number)
            self.give[number] = give
            await self.may_end[number].wait()

    async def end(self, number: int) -> None:
        self.may_end[number].set()
        await anyio.wait_all_tasks_blocked()


async def test_turns_are_taken_in_order_and_no_more_than_the_limit_at_a_time() -> None:
    queue = Queue(limit=2)
    async with anyio.create_task_group() as group:
        for number in range(4):
            group.start_soon(queue.stand, number)
        await anyio.wait_all_tasks_blocked()
        assert queue.begun == [0, 1]
        await queue.end(1)
        assert queue.begun == [0, 1, 2]
        for number in range(4):
            await queue.end(number)
    assert queue.begun == [0, 1, 2, 3]


async def test_the_limit_may_rise_and_fall() -> None:
    queue = Queue(limit=1)
    async with anyio.create_task_group() as group:
        for number in range(8):
            group.start_soon(queue.stand, number)
        await anyio.wait_all_tasks_blocked()
        queue.limit = 4
        await queue.end(0)
        assert queue.begun == [0, 1, 2, 3, 4]
        queue.limit = 2
        await queue.end(1)
        await queue.end(2)
        assert queue.begun == [0, 1, 2, 3, 4]
        await queue.end(3)
        assert queue.begun == [0, 1, 2, 3, 4, 5]
        for number in range(8):
            await queue.end(number)
    assert queue.begun == list(range(8))


async def test_a_turn_is_given_back_once_however_early() -> None:
    queue = Queue(limit=1)
    async with anyio.create_task_group() as group:
        for number in range(3):
            group.start_soon(queue.stand, number)
        await anyio.wait_all_tasks_blocked()
        queue.give[0]()
        await anyio.wait_all_tasks_blocked()
        assert queue.begun == [0, 1]
        await queue.end(0)
        assert queue.begun == [0, 1]
        await queue.end(1)
        await queue.end(2)
    assert queue.begun == [0, 1, 2]


async def test_one_that_is_cancelled_in_line_leaves_its_place_to_the_next() -> None:
    queue = Queue(limit=1)
    leaving = anyio.CancelScope()

    async def leave() -> None:
        with leaving:
            await queue.stand(1)

    async with anyio.create_task_group() as group:
        for task in (partial(queue.stand, 0), leave, partial(queue.stand, 2)):
            group.start_soon(task)
            await anyio.wait_all_tasks_blocked()
        leaving.cancel()
        await anyio.wait_all_tasks_blocked()
        assert queue.begun == [0]
        await queue.end(0)
        assert queue.begun == [0, 2]
        await queue.end(2)


async def test_one_that_is_cancelled_just_when_it_is_called_leaves_its_turn_to_the_next() -> None:
    queue = Queue(limit=1)
    tasks = [asyncio.ensure_future(queue.stand(number)) for number in range(3)]
    await anyio.wait_all_tasks_blocked()
    queue.give[0]()
    tasks[1].cancel()
    await anyio.wait_all_tasks_blocked()
    assert queue.begun == [0, 2]
    await queue.end(0)
    await queue.end(2)
    await asyncio.wait(tasks)
    assert [task.cancelled() for task in tasks] == [False, True, False]
