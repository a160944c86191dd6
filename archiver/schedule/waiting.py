"""Waiting for a moment of the wall clock, which may jump, on a machine that may be suspended."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from archiver.clock import Clock
from archiver.text.measures import say_duration

STEP: Final = 20.0
"""Seconds between two looks at the clock: so long may a jump go unnoticed."""
_JUMP: Final = timedelta(minutes=2)
"""A step that took so much longer or shorter is no matter of a busy machine."""

Sleep = Callable[[float], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Jump:
    """The wall clock and the time that passed differ by this much; negative: it was set back."""

    by: timedelta

    def __str__(self) -> str:
        length = say_duration(abs(self.by).total_seconds())
        if self.by > timedelta():
            return f"the clock jumped ahead by {length}, or the machine was asleep for that long"
        return f"the clock was set back by {length}"


async def wait_step(due: datetime, clock: Clock, sleep: Sleep, step: float = STEP) -> Jump | None:
    """Sleep until `due`, at most `step` seconds; the clock's jump meanwhile, if there was one."""
    before = clock()
    length = min(step, max(0.0, (due - before).total_seconds()))
    await sleep(length)
    by = clock() - before - timedelta(seconds=length)
    return Jump(by) if abs(by) > _JUMP else None
