"""Several pieces of work in parallel, including work that they produce; and one error out."""

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import anyio
from msgspec import Struct

T = TypeVar("T")
R = TypeVar("R")


async def in_lanes(
    lanes: int,
    items: Iterable[T] | AsyncIterable[T],
    work: Callable[[T], Awaitable[None]],
) -> None:
    """Do the work for every item, at most `lanes` at a time; items are drawn as lanes get free.

    The first error ends the other lanes and is raised as it is, not in a group.
    """
    lane = (
        _drawing_later(items, work) if isinstance(items, AsyncIterable) else _drawing(items, work)
    )
    await _run(lanes, lane, items)


async def answers_to(questions: Mapping[str, Callable[[], Awaitable[Any]]]) -> dict[str, Any]:
    """Ask all questions at the same time; the answers by the same names.

    The first error ends the others and is raised as it is, not in a group.
    """
    answers: dict[str, Any] = {}

    async def ask(name: str, question: Callable[[], Awaitable[Any]]) -> None:
        answers[name] = await question()

    with one_failure():
        async with anyio.create_task_group() as group:
            for name, question in questions.items():
                group.start_soon(ask, name, question)
    return answers


async def in_order(
    lanes: int,
    items: AsyncIterable[T],
    work: Callable[[T], Awaitable[R]],
    take: Callable[[T, R], Awaitable[None]],
) -> None:
    """As `in_lanes`, but the results are taken one at a time, in the order of the items."""
    left, turn, last = aiter(items), anyio.Lock(), anyio.Event()
    last.set()

    async def lane() -> None:
        nonlocal last
        while True:
            async with turn:
                try:
                    item = await anext(left)
                except StopAsyncIteration:
                    return
                before, last = last, anyio.Event()
                mine = last
            result = await work(item)
            await before.wait()
            await take(item, result)
            mine.set()

    await _run(lanes, lane, items)


class Further(Struct, Generic[T], frozen=True):
    """The work produced by a piece of work: to be done next, in this order, or in any lane."""

    then: Sequence[T] = ()
    beside: Sequence[T] = ()


async def work_off(lanes: int, item: T, work: Callable[[T], Awaitable[Further[T]]]) -> None:
    """Do the work for the item, and for all that comes of it, at most `lanes` at a time.

    What is to be done next is done before anything that was waiting in the same lane. Of what any
    lane may do, the newest comes first: so little is waiting, however much comes of the item. The
    first error ends the other lanes and is raised as it is, not in a group.
    """
    waiting: list[T] = []
    running = 1

    async def lane(first: T) -> None:
        nonlocal running
        own = [first]
        while own or waiting:
            further = await work(own.pop() if own else waiting.pop())
            own.extend(reversed(further.then))
            waiting.extend(reversed(further.beside))
            for _ in range(min(lanes - running, len(waiting))):
                running += 1
                group.start_soon(lane, waiting.pop())
        running -= 1

    with one_failure():
        async with anyio.create_task_group() as group:
            group.start_soon(lane, item)


async def _run(
    lanes: int,
    lane: Callable[[], Coroutine[Any, Any, None]],
    items: Iterable[T] | AsyncIterable[T],
) -> None:
    """Run so many lanes to their ends, which draw from `items`; then nobody draws any more."""
    try:
        with one_failure():
            async with anyio.create_task_group() as group:
                for _ in range(lanes):
                    group.start_soon(lane)
    finally:
        if isinstance(items, AsyncGenerator):
            await items.aclose()


def _drawing(
    items: Iterable[T], work: Callable[[T], Awaitable[None]]
) -> Callable[[], Coroutine[Any, Any, None]]:
    left = iter(items)

    async def lane() -> None:
        for item in left:
            await work(item)

    return lane


def _drawing_later(
    items: AsyncIterable[T], work: Callable[[T], Awaitable[None]]
) -> Callable[[], Coroutine[Any, Any, None]]:
    left, turn = aiter(items), anyio.Lock()

    async def lane() -> None:
        while True:
            async with turn:  # an asynchronous generator serves one at a time
                try:
                    item = await anext(left)
                except StopAsyncIteration:
                    return
            await work(item)

    return lane


@contextmanager
def one_failure() -> Iterator[None]:
    """Raise the first error of an exception group as itself."""
    try:
        yield
    except ExceptionGroup as group:
        raise first_failure(group) from None


def first_failure(group: ExceptionGroup[Exception]) -> Exception:
    """The first error in the group that is not a group."""
    error: Exception = group
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
