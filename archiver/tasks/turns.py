"""Turns, of which there is a limited number, and which can be given back early."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class Turns:
    """Turns, of which one is given, in the order of asking, while fewer than `limit()` are taken.

    The limit is at least 1, and may change. One that has risen takes effect when the next turn is
    given back; one that has fallen takes none away.
    """

    def __init__(self, limit: Callable[[], int]) -> None:
        self._limit = limit
        self._taken = 0
        self._line: deque[asyncio.Event] = deque()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Callable[[], None]]:
        """Wait for a turn, and have it until the end of the context, or until the returned function
        is called.

        A turn is never taken again, so that no task that has one waits for a task that needs one.
        """
        await self._take()
        has_it = True

        def give() -> None:
            nonlocal has_it
            if has_it:
                has_it = False
                self._give()

        try:
            yield give
        finally:
            give()

    async def _take(self) -> None:
        if not self._line and self._taken < self._limit():
            self._taken += 1
            return
        called = asyncio.Event()  # anyio's takes several times as long to create, for every call
        self._line.append(called)
        try:
            await called.wait()
        except BaseException:
            if called.is_set():
                self._give()
            else:
                self._line.remove(called)
            raise

    def _give(self) -> None:
        self._taken -= 1
        while self._line and self._taken < self._limit():
            self._taken += 1
            self._line.popleft().set()
