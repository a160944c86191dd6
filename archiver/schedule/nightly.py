"""Starts one run after another, each when it is due: `run --every`, for years.

Runs never overlap, because one process does one after another, and the archive's lock keeps other
processes out. A failed run is reported by `run` and does not end the schedule; only an interruption
does.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

import anyio
from msgspec import Struct, field

from archiver.clock import Clock
from archiver.schedule.schedule import Schedule, is_misdated
from archiver.schedule.waiting import STEP, Sleep, wait_step
from archiver.text.measures import say_moment


class Nightly(Struct, frozen=True):
    """The parts of a schedule. `run` performs one run and returns its result.

    `say` receives lines for people; `alive` is called while waiting. `stop` ends the schedule: at
    once while it waits; during a run, `run` decides. `step` is the number of seconds between two
    looks at the clock.
    """

    schedule: Schedule
    run: Callable[[], Awaitable[object]]
    clock: Clock
    sleep: Sleep
    say: Callable[[str], None]
    stop: anyio.Event = field(default_factory=anyio.Event)
    alive: Callable[[], None] = lambda: None
    step: float = STEP

    async def follow(self, last: datetime | None) -> None:
        """Run whenever it is due, the last run having begun at `last`, until `stop` is set."""
        await self._wait(last)
        while not self.stop.is_set():
            last = self.clock()
            await self.run()
            await self._wait(last)

    async def _wait(self, last: datetime | None) -> None:
        if self.stop.is_set():
            return
        due = self._announced(last)
        while self.clock() < due and not self.stop.is_set():
            self.alive()
            jump = await wait_step(due, self.clock, self._sleep, self.step)
            if jump is not None and not self.stop.is_set():
                self.say(str(jump))
                due = self._announced(last)

    async def _sleep(self, seconds: float) -> None:
        """Sleep, but wake up at once when there is nothing more to wait for."""
        async with anyio.create_task_group() as group:

            async def wake_up() -> None:
                await self.stop.wait()
                group.cancel_scope.cancel()

            group.start_soon(wake_up)
            await self.sleep(seconds)
            group.cancel_scope.cancel()

    def _announced(self, last: datetime | None) -> datetime:
        """When the next run is due, told to people unless that is now."""
        now = self.clock()
        if last is not None and is_misdated(last, now):
            began = say_moment(last, self.schedule.zone)
            self.say(f"the last run began at {began}, which is in the future: ignored")
        due = self.schedule.next_due(last, now)
        if due > now:
            self.say(f"the next run is due at {say_moment(due, self.schedule.zone)}")
        elif last is not None and self.schedule.due_after(last) < now:
            missed = say_moment(self.schedule.due_after(last), self.schedule.zone)
            self.say(f"the run of {missed} was missed; starting it now")
        return due
