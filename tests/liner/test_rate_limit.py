"""The budget of requests: its rate and no more, paused for all when one is throttled."""

from collections.abc import Callable

import pytest

from archiver.errors import (
    RequestThrottled,
)
from archiver.liner.rate_limit import Budget
from tests.liner.talking import Waits, refusing, talking

pytestmark = pytest.mark.anyio


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


async def spend(budget: Budget, clock: Callable[[], float], count: int) -> float:
    started = clock()
    for _ in range(count):
        await budget.take()
    return clock() - started


async def test_a_budget_gives_out_its_rate_and_no_more() -> None:
    clock = Clock()
    budget = Budget(20.0, clock=clock, sleep=clock.sleep)
    assert await spend(budget, clock, 101) == pytest.approx(5.0)


async def test_a_budget_lets_a_second_of_rest_be_spent_at_once() -> None:
    clock = Clock()
    budget = Budget(20.0, clock=clock, sleep=clock.sleep)
    clock.now += 60
    assert await spend(budget, clock, 20) == 0.0
    assert await spend(budget, clock, 20) == pytest.approx(1.0)


async def test_a_paused_budget_lets_nobody_go() -> None:
    clock = Clock()
    budget = Budget(20.0, clock=clock, sleep=clock.sleep)
    budget.pause(30.0)
    assert await spend(budget, clock, 1) == pytest.approx(30.0)
    assert await spend(budget, clock, 20) == pytest.approx(1.0)


async def test_one_throttled_request_pauses_all_requests() -> None:
    waits = Waits()
    async with talking(refusing(429, Retry_After="9"), attempts=1, sleep=waits) as (client, _):
        with pytest.raises(RequestThrottled):
            await client.recordings(1)
        with pytest.raises(RequestThrottled):
            await client.recordings(2)
    assert len(waits) == 1
    assert waits[0] == pytest.approx(9.0, abs=0.5)


def test_a_budget_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Budget(0.0)
