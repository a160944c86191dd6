"""Several requests at a time, and one error out."""

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
)
from typing import TypeVar

import anyio

T = TypeVar("T")


async def in_lanes(
    lanes: int,
    items: Iterable[T] | AsyncIterable[T],
    work: Callable[[T], Awaitable[None]],
) -> None:
    """Do the work for every item, at most `lanes` at a time; items are drawn as lanes get free.

    The first error ends the other lanes and is raised as it is, not in a group.
    """
    waiting = aiter(items) if isinstance(items, AsyncIterable) else _each(items)
    turn = anyio.Lock()

    async def lane() -> None:
        while True:
            async with turn:
                try:
                    item = await anext(waiting)
                except StopAsyncIteration:
                    return
            await work(item)

    try:
        async with anyio.create_task_group() as group:
            for _ in range(lanes):
                group.start_soon(lane)
    except ExceptionGroup as errors:
        raise _first(errors) from None
    finally:
        if isinstance(waiting, AsyncGenerator):
            await waiting.aclose()


async def _each(items: Iterable[T]) -> AsyncIterator[T]:
    for item in items:
        yield item


def _first(errors: ExceptionGroup[Exception]) -> Exception:
    error: Exception = errors
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
