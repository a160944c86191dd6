"""Several pieces of work at a time, and one error out."""

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar

import anyio

from archiver.tasks.failures import one_failure

T = TypeVar("T")


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
