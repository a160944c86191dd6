"""Turns, of which there is a limited number, and which can be given back early."""

from types import TracebackType

import anyio


class Turn:
    """A turn of one task: it has it at the beginning of the context, and until `give` or the end.

    A turn is never taken again, so that no task that has one waits for a task that needs one.
    """

    def __init__(self, turns: anyio.Semaphore) -> None:
        self._turns = turns
        self._has_it = False

    async def __aenter__(self) -> "Turn":
        await self._turns.acquire()
        self._has_it = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.give()

    def give(self) -> None:
        """Let another task have it."""
        if self._has_it:
            self._has_it = False
            self._turns.release()
