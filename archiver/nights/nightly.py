"""One run after the other, each when it is due: what `run --every` does for years.

Nothing overlaps, because one process does one thing after another, and the archive's lock keeps
other processes out. A run that fails is told by whoever does it and never ends this; only an
interruption does.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from archiver.clock import Clock
from archiver.measures import say_moment
from archiver.nights.schedule import Schedule, is_misdated
from archiver.nights.waiting import Sleep, wait_step

INTERRUPTED: Final = 130


@dataclass(frozen=True, slots=True)
class Nightly:
    """What a schedule is followed with. `run` does one run and tells how it went: its exit code.

    `say` hears a line at a time for people, `alive` that the waiting goes on.
    """

    schedule: Schedule
    run: Callable[[], Awaitable[int]]
    clock: Clock
    sleep: Sleep
    say: Callable[[str], None]
    alive: Callable[[], None] = lambda: None

    async def follow(self, last: datetime | None) -> int:
        """Run whenever it is due, the last run having begun at `last`, until one is interrupted.

        Returns the exit code of that.
        """
        while True:
            await self._wait(last)
            last = self.clock()
            if await self.run() == INTERRUPTED:
                return INTERRUPTED

    async def _wait(self, last: datetime | None) -> None:
        due = self._announced(last)
        while self.clock() < due:
            self.alive()
            jump = await wait_step(due, self.clock, self.sleep)
            if jump is not None:
                self.say(str(jump))
                due = self._announced(last)

    def _announced(self, last: datetime | None) -> datetime:
        """When the next run is due, told to people unless that is now."""
        now = self.clock()
        if last is not None and is_misdated(last, now):
            began = say_moment(last, self.schedule.zone)
            self.say(f"the last run began at {began}, which lies in the future: it does not count")
        due = self.schedule.next_due(last, now)
        if due > now:
            self.say(f"the next run is due at {say_moment(due, self.schedule.zone)}")
        elif last is not None and self.schedule.due_after(last) < now:
            missed = say_moment(self.schedule.due_after(last), self.schedule.zone)
            self.say(f"the run of {missed} was missed: it is made up for now")
        return due
