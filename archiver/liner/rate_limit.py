"""One rate limit for all API requests of a run, so that parallel work stays polite.

The API documents no rate limit. `liner.requests_per_second` is ours; if the API asks for a pause,
all requests pause, not only the one that received the response.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Final

import anyio

_BURST_SECONDS: Final = 1.0
"""Requests not used in the last second may be made at once."""


class Budget:
    """Allows `rate` requests per second, in the order in which they were requested."""

    def __init__(
        self,
        rate: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = anyio.sleep,
    ) -> None:
        if not rate > 0:
            raise ValueError("a budget needs a rate above 0")
        self._interval = 1.0 / rate
        self._burst = max(_BURST_SECONDS, self._interval) - self._interval
        self._clock = clock
        self._sleep = sleep
        self._next = clock()
        self._paused_until = 0.0

    async def take(self) -> None:
        """Return when one more request is allowed."""
        while True:
            now = self._clock()
            slot = max(self._next, now - self._burst, self._paused_until)
            self._next = slot + self._interval
            if slot <= now:
                return
            await self._sleep(slot - now)
            if self._paused_until <= slot:
                return

    def pause(self, seconds: float) -> None:
        """Allow no request for that long; those that wait for longer are not affected."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)
