"""One switch to a worker thread for all that wait for it.

A switch to a thread and back costs about 0.1 ms of processor time, as much as hashing a recording,
or creating its files. So items that arrive during a switch wait for the next one, which handles
them all; if none is in progress, an item is handled immediately.
"""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar, cast

import anyio
import anyio.to_thread
from msgspec import Struct

Item = TypeVar("Item")
Result = TypeVar("Result")

_PENDING = object()


class _Passenger(Struct, Generic[Item], eq=False):
    """One item: `turn`, if it waits, is set when it is done, or has to start the next switch."""

    item: Item
    turn: anyio.Event | None = None
    outcome: object = _PENDING

    def wake(self) -> None:
        if self.turn is not None:
            self.turn.set()


class SharedHop(Generic[Item, Result]):
    """Work done in a worker thread, for all items that wait for it at a time.

    `work` returns a result for each item, in order, or its error. It is called by one thread at a
    time. Used within one event loop.
    """

    def __init__(self, work: Callable[[Sequence[Item]], Sequence[Result | Exception]]) -> None:
        self._work = work
        self._waiting: list[_Passenger[Item]] = []
        self._is_under_way = False

    async def take(self, item: Item) -> Result:
        """The result for the item; raises its error. A cancellation waits until that is known."""
        mine = _Passenger(item)
        self._waiting.append(mine)
        with anyio.CancelScope(shield=True):
            if self._is_under_way:
                mine.turn = anyio.Event()
                await mine.turn.wait()
            if mine.outcome is _PENDING:
                await self._go()
        if isinstance(mine.outcome, BaseException):
            raise mine.outcome
        return cast(Result, mine.outcome)

    async def _go(self) -> None:
        """Handle all waiting items, and then let the first one that arrived meanwhile do the
        same."""
        self._is_under_way = True
        group, self._waiting = self._waiting, []
        outcomes: Sequence[object]
        try:
            items = [one.item for one in group]
            outcomes = await anyio.to_thread.run_sync(self._work, items)
        except BaseException as failure:  # noqa: BLE001 - raised by all whom it concerns
            outcomes = [failure] * len(group)
        for one, outcome in zip(group, outcomes, strict=True):
            one.outcome = outcome
            one.wake()
        self._is_under_way = bool(self._waiting)
        if self._waiting:
            self._waiting[0].wake()
