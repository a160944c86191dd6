"""Several pieces of work at a time: no more than so many, each item once, the first error out."""

from collections.abc import AsyncIterator
from functools import partial

import anyio
import pytest

from archiver.tasks.lanes import Further, answers_to, in_lanes, in_order, work_off

pytestmark = pytest.mark.anyio


async def numbers() -> AsyncIterator[int]:
    for number in range(20):
        await anyio.sleep(0)
        yield number


@pytest.mark.parametrize("drawn", ["at once", "later"])
async def test_every_item_is_worked_on_once_and_no_more_at_a_time_than_lanes(drawn: str) -> None:
    busy, most, done = 0, 0, []

    async def work(number: int) -> None:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        for _ in range(10):
            await anyio.sleep(0)
        busy -= 1
        done.append(number)

    await in_lanes(3, range(20) if drawn == "at once" else numbers(), work)
    assert sorted(done) == list(range(20))
    assert most == 3


async def test_results_are_taken_in_order_however_long_each_item_takes() -> None:
    busy, most, taken = 0, 0, []

    async def work(number: int) -> int:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        for _ in range(10 - number % 4):
            await anyio.sleep(0)
        busy -= 1
        return -number

    async def take(number: int, result: int) -> None:
        assert result == -number
        await anyio.sleep(0)
        taken.append(number)

    await in_order(3, numbers(), work, take)
    assert taken == list(range(20))
    assert most == 3


async def test_nothing_is_taken_after_an_error() -> None:
    taken = []

    async def work(number: int) -> int:
        if number == 5:
            raise OSError("5")
        return number

    async def take(number: int, result: int) -> None:
        taken.append(number)

    with pytest.raises(OSError, match="5"):
        await in_order(3, numbers(), work, take)
    assert taken == list(range(len(taken)))
    assert len(taken) <= 5


async def test_the_first_error_ends_the_others_and_comes_out_as_itself() -> None:
    begun = []

    async def work(number: int) -> None:
        begun.append(number)
        if number == 1:
            raise ValueError("ours")
        await anyio.sleep_forever()

    with pytest.raises(ValueError, match="ours"):
        await in_lanes(2, range(20), work)
    assert begun == [0, 1]


async def test_all_that_work_brings_up_is_done_once_and_no_more_at_a_time_than_lanes() -> None:
    busy, most, done = 0, 0, []

    async def work(number: int) -> Further[int]:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        for _ in range(10):
            await anyio.sleep(0)
        busy -= 1
        done.append(number)
        return Further(beside=[one for one in (2 * number, 2 * number + 1) if one < 32])

    await work_off(3, 1, work)
    assert sorted(done) == list(range(1, 32))
    assert most == 3


@pytest.mark.parametrize("to_be_done", ["then", "beside"])
async def test_what_work_brings_up_is_done_in_order_and_depth_first(to_be_done: str) -> None:
    done = []

    async def work(name: str) -> Further[str]:
        done.append(name)
        return Further(**{to_be_done: [name + "a", name + "b"] if len(name) < 3 else ()})

    await work_off(1, "x", work)
    assert done == ["x", "xa", "xaa", "xab", "xb", "xba", "xbb"]


async def test_an_error_in_what_was_brought_up_ends_the_others_and_comes_out_as_itself() -> None:
    async def work(number: int) -> Further[int]:
        if number == 0:
            return Further(beside=[1, 2])
        if number == 2:
            raise ValueError("ours")
        await anyio.sleep_forever()
        return Further()

    with anyio.fail_after(30), pytest.raises(ValueError, match="ours"):
        await work_off(2, 0, work)


async def test_questions_are_asked_at_the_same_time_and_answered_by_name() -> None:
    both = [anyio.Event(), anyio.Event()]

    async def ask(own: int, other: int) -> int:
        both[own].set()
        await both[other].wait()  # for ever, if they were asked one after the other
        return own

    with anyio.fail_after(30):
        found = await answers_to({"one": partial(ask, 0, 1), "two": partial(ask, 1, 0)})
    assert found == {"one": 0, "two": 1}


async def test_an_error_of_one_question_ends_the_others_and_comes_out_as_itself() -> None:
    async def fail() -> None:
        raise ValueError("no answer")

    with pytest.raises(ValueError, match="no answer"), anyio.fail_after(30):
        await answers_to({"fails": fail, "waits": anyio.sleep_forever})
