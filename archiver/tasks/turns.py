"""Turns, of which there is a limited number, and which can be given back early."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio


@asynccontextmanager
async def turn_of(turns: anyio.Semaphore) -> AsyncIterator[Callable[[], None]]:
    """Wait for a turn, and have it until the end of the context, or until the returned function is
    called.

    A turn is never taken again, so that no task that has one waits for a task that needs one.
    """
    await turns.acquire()
    has_it = True

    def give() -> None:
        nonlocal has_it
        if has_it:
            has_it = False
            turns.release()

    try:
        yield give
    finally:
        give()
