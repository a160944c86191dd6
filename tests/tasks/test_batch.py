"""A hop takes everybody along who waits for it, and tells each what became of its own item."""

import threading
from collections.abc import Sequence

import anyio
import anyio.lowlevel
import pytest

from archiver.tasks.batch import MOST_TOGETHER, SharedHop

pytestmark = pytest.mark.anyio


class Work:
    """Halves numbers while `gate` is open, and notes who came along together."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.gate = threading.Event()
        self.begun = threading.Event()
        self.begun_twice = threading.Event()

    def __call__(self, items: Sequence[int]) -> list[int | Exception]:
        self.groups.append(list(items))
        if self.begun.is_set():
            self.begun_twice.set()
        self.begun.set()
        assert self.gate.wait(10)
        return [item // 2 if item % 2 == 0 else ValueError(f"{item} is odd") for item in items]


async def begun(work: Work) -> None:
    while not work.begun.is_set():
        await anyio.sleep(0)


async def test_who_comes_meanwhile_shares_the_next_hop() -> None:
    work = Work()
    hop: SharedHop[int, int] = SharedHop(work)
    halves: dict[int, int] = {}

    async def halve(number: int) -> None:
        halves[number] = await hop.take(number)

    async with anyio.create_task_group() as crew:
        crew.start_soon(halve, 2)
        await begun(work)
        for number in (4, 6, 8):
            crew.start_soon(halve, number)
        await anyio.wait_all_tasks_blocked()
        work.gate.set()
    assert work.groups == [[2], [4, 6, 8]]
    assert halves == {2: 1, 4: 2, 6: 3, 8: 4}
    assert await hop.take(10) == 5


async def test_when_many_wait_the_thread_goes_on_without_the_event_loop() -> None:
    work = Work()
    hop: SharedHop[int, int] = SharedHop(work)
    halves: list[int] = []

    async def halve(number: int) -> None:
        halves.append(await hop.take(number))

    async with anyio.create_task_group() as crew:
        crew.start_soon(halve, 2)
        await begun(work)
        for number in range(4, 34, 2):
            crew.start_soon(halve, number)
        await anyio.wait_all_tasks_blocked()
        work.gate.set()
        assert work.begun_twice.wait(10)  # the event loop stands still meanwhile
        assert halves == []
    assert work.groups == [[2], [*range(4, 34, 2)]]
    assert halves == [*range(1, 17)]
    assert await hop.take(40) == 20


async def test_no_more_than_a_certain_number_is_handled_together() -> None:
    work = Work()
    hop: SharedHop[int, int] = SharedHop(work)
    halves: list[int] = []

    async def halve(number: int) -> None:
        halves.append(await hop.take(number))

    async with anyio.create_task_group() as crew:
        crew.start_soon(halve, 0)
        await begun(work)
        for number in range(2 * MOST_TOGETHER + 1):
            crew.start_soon(halve, 2 * number)
        await anyio.wait_all_tasks_blocked()
        work.gate.set()
    assert [len(group) for group in work.groups] == [1, MOST_TOGETHER, MOST_TOGETHER, 1]
    assert halves == [0, *range(2 * MOST_TOGETHER + 1)]


async def test_work_that_forgets_a_result_is_an_error_for_all() -> None:
    hop: SharedHop[int, int] = SharedHop(lambda items: items[1:])
    with anyio.fail_after(10), pytest.raises(ValueError, match="shorter"):
        await hop.take(1)


async def test_an_error_is_raised_by_the_one_whom_it_concerns() -> None:
    work = Work()
    work.gate.set()
    hop: SharedHop[int, int] = SharedHop(work)
    found: list[object] = []

    async def halve(number: int) -> None:
        try:
            found.append(await hop.take(number))
        except ValueError as error:
            found.append(str(error))

    async with anyio.create_task_group() as crew:
        for number in (2, 3, 4):
            crew.start_soon(halve, number)
    assert sorted(map(str, found)) == ["1", "2", "3 is odd"]


async def test_when_the_work_breaks_nobody_waits_for_ever() -> None:
    def broken(items: Sequence[int]) -> list[int | Exception]:
        raise RuntimeError(f"broken at {len(items)}")

    hop: SharedHop[int, int] = SharedHop(broken)
    said: list[str] = []

    async def try_it() -> None:
        try:
            await hop.take(1)
        except RuntimeError as error:
            said.append(str(error))

    with anyio.fail_after(10):
        async with anyio.create_task_group() as crew:
            for _ in range(3):
                crew.start_soon(try_it)
    assert len(said) == 3


async def test_a_cancellation_waits_for_what_is_under_way_and_leaves_out_what_waits() -> None:
    work = Work()
    hop: SharedHop[int, int] = SharedHop(work)
    done: list[int] = []

    async def halve(number: int) -> None:
        done.append(await hop.take(number))

    async with anyio.create_task_group() as crew:
        crew.start_soon(halve, 2)
        await begun(work)
        crew.start_soon(halve, 4)
        await anyio.wait_all_tasks_blocked()
        crew.cancel_scope.cancel()
        await anyio.lowlevel.cancel_shielded_checkpoint()
        work.gate.set()
    assert work.groups == [[2]]
    assert done == [1]
    assert await hop.take(6) == 3


async def test_if_no_thread_can_be_started_that_is_the_error_and_the_next_may_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def none_can(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    work = Work()
    work.gate.set()
    hop: SharedHop[int, int] = SharedHop(work)
    with monkeypatch.context() as full, anyio.fail_after(10):
        full.setattr(threading.Thread, "start", none_can)
        with pytest.raises(RuntimeError, match="can't start"):
            await hop.take(2)
    with anyio.fail_after(10):
        assert await hop.take(4) == 2
        assert await hop.take(6) == 3


class Heavy(int):
    """A number of which it is known how many there are."""

    alive = 0

    def __init__(self, number: int) -> None:
        type(self).alive += 1

    def __del__(self) -> None:
        type(self).alive -= 1


async def test_a_thread_that_stays_keeps_nothing_of_the_group_before() -> None:
    is_begun, gate, are_taken = threading.Event(), threading.Event(), threading.Event()
    groups: list[int] = []
    others: list[int] = []
    taken = 0

    def count(items: Sequence[Heavy]) -> list[int | Exception]:
        is_begun.set()
        assert gate.wait(10)
        groups.append(len(items))
        if len(groups) == 3:
            assert are_taken.wait(10)
            others.append(Heavy.alive - len(items))
        return [int(item) for item in items]

    hop: SharedHop[Heavy, int] = SharedHop(count)

    async def take(number: int) -> None:
        nonlocal taken
        await hop.take(Heavy(number))
        taken += 1
        if taken == 1 + MOST_TOGETHER:
            await anyio.sleep(0)
            are_taken.set()

    async with anyio.create_task_group() as crew:
        crew.start_soon(take, 0)
        while not is_begun.is_set():
            await anyio.sleep(0)
        for number in range(2 * MOST_TOGETHER):
            crew.start_soon(take, number)
        await anyio.wait_all_tasks_blocked()
        gate.set()
    assert groups == [1, MOST_TOGETHER, MOST_TOGETHER]
    assert others == [0]
