"""Work that a cancellation allows to finish, for a while.

Audio and its sidecar belong together, so storing them is not interrupted when a run is stopped. But
the storage may be slow or gone, and someone who pressed Ctrl-C is waiting: when the time is up,
such work is cancelled after all.
"""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import anyio

GRACE_SECONDS: Final = 5.0
"""How long a stopped run may take to finish storing what it has fetched."""


class Grace:
    """The work in progress that is protected, and until when (unlimited, at first).

    `has_ended` is true if some of it was cancelled after all.
    """

    def __init__(self) -> None:
        self._deadline = math.inf
        self._protected: set[anyio.CancelScope] = set()
        self.has_ended = False

    @asynccontextmanager
    async def protected(self) -> AsyncIterator[None]:
        """Let the body finish although the task is cancelled, as long as there is time."""
        scope = anyio.CancelScope(shield=True, deadline=self._deadline)
        self._protected.add(scope)
        try:
            with scope:
                yield
        finally:
            self._protected.discard(scope)
        if scope.cancelled_caught:
            self.has_ended = True
            await anyio.sleep_forever()  # the body is not done: only the cancellation goes on

    def end_within(self, seconds: float) -> None:
        """Cancel what is still protected in so many seconds."""
        self._deadline = anyio.current_time() + seconds
        for scope in self._protected:
            scope.deadline = self._deadline
