"""Work that a cancellation allows to finish, for a while.

Audio and its sidecar belong together, so storing them is not interrupted when a run is stopped. But
the storage may be slow or gone, and someone who pressed Ctrl-C is waiting: when the time is up,
such work is cancelled after all.
"""

import math
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

import anyio

GRACE_SECONDS: Final = 5.0
"""How long a stopped run may take to finish storing what it has fetched."""


T = TypeVar("T")


class Grace:
    """The work in progress that is protected, and until when (unlimited, at first).

    `has_ended` is true if some of it was cancelled after all.
    """

    def __init__(self) -> None:
        self._deadline = math.inf
        self._protected: set[anyio.CancelScope] = set()
        self.has_ended = False

    async def protected(self, work: Coroutine[Any, Any, T]) -> T:
        """Let the work finish although the task is cancelled, as long as there is time."""
        scope = anyio.CancelScope(shield=True, deadline=self._deadline)
        self._protected.add(scope)
        try:
            with scope:
                return await work
        finally:
            self._protected.discard(scope)
        self.has_ended = True
        await anyio.sleep_forever()  # it is not done: only the cancellation goes on
        raise AssertionError("a cancelled task cannot continue")

    def end_within(self, seconds: float) -> None:
        """Cancel what is still protected in so many seconds."""
        self._deadline = anyio.current_time() + seconds
        for scope in self._protected:
            scope.deadline = self._deadline
