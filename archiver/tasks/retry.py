"""Retries: how often and how long to wait is data, and every wait is announced.

The error itself says whether it can be retried (`ArchiverError.retryable`), and the delay that the
other side asked for (`retry_after`). Otherwise the delay grows from attempt to attempt and is
randomised, so that callers that failed together do not retry together.
"""

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
from msgspec import Struct

from archiver.errors import ArchiverError

T = TypeVar("T")


class RetryPolicy(Struct, frozen=True):
    """How often to try and how long to wait; all times in seconds.

    `jitter` is the random share of a delay: 1.0 draws it from 0 to its full length, 0.0 always
    waits the full length. If a server asks for more than `longest_retry_after`, its error is raised
    immediately, and the next run tries again.
    """

    attempts: int = 5
    first_wait: float = 0.5
    greatest_wait: float = 30.0
    jitter: float = 1.0
    longest_retry_after: float = 120.0

    def wait_after(self, failures: int, chance: float) -> float:
        """The wait after that many failures (1 or more); `chance` is in [0, 1)."""
        doublings = min(failures - 1, 60)
        longest = min(self.greatest_wait, self.first_wait * 2.0**doublings)
        return longest * (1.0 - self.jitter * chance)


class RetryScheduled(Struct, frozen=True):
    """Attempt number `attempt` of at most `attempts` failed; the next is in `wait` s.

    `record_id` is the recording that is fetched, if any.
    """

    attempt: int
    attempts: int
    wait: float
    error: ArchiverError
    record_id: int | None = None


async def retrying(
    policy: RetryPolicy,
    attempt: Callable[[], Awaitable[T]],
    *,
    sleep: Callable[[float], Awaitable[object]] = anyio.sleep,
    rng: Callable[[], float] = random.random,
    on_retry: Callable[[RetryScheduled], None] | None = None,
) -> T:
    """The result of the first successful attempt.

    Raises the error of the last attempt: the first one that is not retryable, the one after the
    last attempt, or the one whose `retry_after` exceeds the policy's limit.
    """
    failures = 0
    while True:
        try:
            return await attempt()
        except ArchiverError as error:
            failures += 1
            if not error.retryable or failures >= policy.attempts:
                raise
            wait = _wait(policy, failures, error.retry_after, rng)
            if wait is None:
                raise
            if on_retry is not None:
                on_retry(RetryScheduled(failures, policy.attempts, wait, error))
        await sleep(wait)


def _wait(
    policy: RetryPolicy, failures: int, asked: float | None, rng: Callable[[], float]
) -> float | None:
    """Seconds to wait, or None if the other side asks for more than the policy allows."""
    if asked is None:
        return policy.wait_after(failures, rng())
    return max(asked, 0.0) if asked <= policy.longest_retry_after else None
