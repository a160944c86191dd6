"""One switch to a worker thread for all that wait for it.

A switch to a thread and back costs about 0.1 ms of processor time, as much as hashing a recording,
or creating its files. So items that arrive during a switch wait for the next one, which handles
them all; if none is in progress, an item is handled immediately.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import Final, Generic, TypeAlias, TypeVar

import anyio
from msgspec import Struct

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_TOGETHER: Final = 64
"""Items handled together: each may need files that are open until all are handled."""

_WORTH_STAYING: Final = 8
"""With as many waiting, a thread continues at once, and its results are taken up meanwhile: a disk
need not wait for the event loop. With fewer it ends first, so that more can gather; else two
threads would compete for the interpreter all the time."""


class _Passenger(Struct, Generic[Item, Result], eq=False):
    """An item, and its result, or its error, as soon as it is known."""

    item: Item
    outcome: asyncio.Future[Result | BaseException]


_Arrival: TypeAlias = tuple[_Passenger[Item, Result], Result | BaseException]


class SharedHop(Generic[Item, Result]):
    """Work done in a worker thread, for all items that wait for it at a time.

    `work` returns a result for each item, in order, or its error. It is called by one thread at a
    time, with up to `MOST_TOGETHER` items. Used within one event loop.
    """

    def __init__(self, work: Callable[[Sequence[Item]], Sequence[Result | Exception]]) -> None:
        self._work = work
        self._waiting: deque[_Passenger[Item, Result]] = deque()
        self._boarding = Lock()
        self._is_under_way = False
        # A pool of its own: the threads of the shared pool may all be waiting for a name server.
        self._thread = ThreadPoolExecutor(max_workers=1)

    async def take(self, item: Item) -> Result:
        """The result for the item; raises its error.

        A cancellation leaves an item out that still waits; else it waits until the result is known.
        """
        loop = asyncio.get_running_loop()
        mine: _Passenger[Item, Result] = _Passenger(item, loop.create_future())
        self._waiting.append(mine)
        if not self._is_under_way:
            self._start(loop)
        try:
            outcome = await asyncio.shield(mine.outcome)
        except asyncio.CancelledError:
            if self._leave_out(mine):
                raise
            with anyio.CancelScope(shield=True):
                outcome = await mine.outcome
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def _leave_out(self, passenger: _Passenger[Item, Result]) -> bool:
        """Whether it still waited, and does so no longer."""
        with self._boarding:
            if passenger not in self._waiting:
                return False
            self._waiting.remove(passenger)
            return True

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have the thread handle what waits. If there can be no thread, that is the result."""
        self._is_under_way = True
        try:
            self._thread.submit(self._go, loop)
        except RuntimeError as failure:
            with self._boarding:
                abandoned = [*self._waiting]
                self._waiting.clear()
            self._hand_out(loop, [(one, failure) for one in abandoned], stays=False)

    def _go(self, loop: asyncio.AbstractEventLoop) -> None:
        """Handle what waits, in the thread, and stay as long as that is worth it."""
        while self._handle_group(loop):
            pass

    def _handle_group(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Handle those that have waited longest, if any; whether the thread stays."""
        with self._boarding:
            together = min(len(self._waiting), MOST_TOGETHER)
            group = [self._waiting.popleft() for _ in range(together)]
        done: list[_Arrival[Item, Result]]
        try:
            results = self._work([one.item for one in group]) if group else ()
            done = [*zip(group, results, strict=True)]
        except BaseException as failure:  # noqa: BLE001 - raised by all whom it concerns
            done = [(one, failure) for one in group]
        stays = len(self._waiting) >= _WORTH_STAYING
        loop.call_soon_threadsafe(partial(self._hand_out, loop, done, stays=stays))
        return stays

    def _hand_out(
        self,
        loop: asyncio.AbstractEventLoop,
        done: Sequence[_Arrival[Item, Result]],
        *,
        stays: bool,
    ) -> None:
        """Pass the results on, and unless the thread stays, have it handle what waits now."""
        for one, outcome in done:
            if not one.outcome.done():  # nobody waits any more at the end of the event loop
                one.outcome.set_result(outcome)
        if stays:
            return
        self._is_under_way = False
        if self._waiting:
            self._start(loop)
