"""Retries wait as the policy and the other side say, and no longer."""

import pytest

from archiver.errors import RequestNotFound, RequestUnanswered
from archiver.tasks.retry import RetryPolicy, RetryScheduled, retrying

pytestmark = pytest.mark.anyio

POLICY = RetryPolicy(attempts=4, first_wait=1.0, greatest_wait=3.0, longest_retry_after=60.0)


class Flaky:
    """Raises the given errors one after the other, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.waits: list[float] = []
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


def unanswered(retry_after: float | None = None) -> RequestUnanswered:
    return RequestUnanswered("no answer", retry_after=retry_after)


async def test_waits_double_up_to_the_greatest() -> None:
    flaky = Flaky(unanswered(), unanswered(), unanswered())
    answer = await retrying(POLICY, flaky, sleep=flaky.sleep, rng=lambda: 0.0)
    assert (answer, flaky.waits) == ("answer", [1.0, 2.0, 3.0])


async def test_full_jitter_draws_a_wait_from_nothing_to_its_whole_length() -> None:
    flaky = Flaky(unanswered(), unanswered())
    await retrying(POLICY, flaky, sleep=flaky.sleep, rng=lambda: 0.75)
    assert flaky.waits == [0.25, 0.5]


async def test_the_last_error_is_raised_when_the_attempts_are_used_up() -> None:
    last = unanswered()
    flaky = Flaky(unanswered(), unanswered(), unanswered(), last, unanswered())
    with pytest.raises(RequestUnanswered) as caught:
        await retrying(POLICY, flaky, sleep=flaky.sleep)
    assert caught.value is last
    assert flaky.calls == 4


async def test_what_cannot_heal_is_not_tried_again() -> None:
    flaky = Flaky(RequestNotFound("no such call"))
    with pytest.raises(RequestNotFound):
        await retrying(POLICY, flaky, sleep=flaky.sleep)
    assert (flaky.calls, flaky.waits) == (1, [])


async def test_a_wait_that_the_server_names_is_obeyed() -> None:
    flaky = Flaky(unanswered(retry_after=17.0))
    await retrying(POLICY, flaky, sleep=flaky.sleep)
    assert flaky.waits == [17.0]


async def test_a_server_that_asks_for_too_long_is_not_waited_for() -> None:
    flaky = Flaky(unanswered(retry_after=61.0))
    with pytest.raises(RequestUnanswered):
        await retrying(POLICY, flaky, sleep=flaky.sleep)
    assert (flaky.calls, flaky.waits) == (1, [])


async def test_every_retry_is_announced_before_the_wait() -> None:
    error = unanswered(retry_after=2.0)
    flaky = Flaky(error)
    heard: list[RetryScheduled] = []
    await retrying(POLICY, flaky, sleep=flaky.sleep, on_retry=heard.append)
    assert heard == [RetryScheduled(attempt=1, attempts=4, wait=2.0, error=error)]


async def test_thousands_of_failures_do_not_overflow_the_wait() -> None:
    assert RetryPolicy(greatest_wait=30.0).wait_after(100_000, 0.0) == 30.0
