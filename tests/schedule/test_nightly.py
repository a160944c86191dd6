"""One run after the other, by a clock that jumps, in a zone that changes its clocks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import anyio
import pytest

from archiver.schedule.nightly import Nightly
from archiver.schedule.schedule import Schedule, parse_time_of_day

pytestmark = pytest.mark.anyio

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)


@dataclass
class Machine:
    """A clock that only sleeping moves, unless something befalls it; runs that take two minutes."""

    now: datetime
    befalls: dict[datetime, timedelta] = field(default_factory=dict)
    runs: list[datetime] = field(default_factory=list)
    codes: Callable[[int], int] = lambda number: 0
    length: timedelta = timedelta(minutes=2)
    last_of_all: int = 3
    lines: list[str] = field(default_factory=list)
    stop: anyio.Event = field(default_factory=anyio.Event)
    longest_sleep: float = 0.0

    def clock(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.longest_sleep = max(self.longest_sleep, seconds)
        self.now += timedelta(seconds=seconds)
        for moment in [one for one in self.befalls if one <= self.now]:
            self.now += self.befalls.pop(moment)

    async def run(self) -> int:
        self.runs.append(self.now)
        self.now += self.length
        number = len(self.runs)
        if number == self.last_of_all:
            self.stop.set()
        return self.codes(number)

    async def follow(
        self, last: datetime | None = None, *, every: timedelta = 24 * HOUR, at: str = "01:30"
    ) -> list[str]:
        """When the runs began, by the clocks of Berlin; within the last, somebody says stop."""
        schedule = Schedule(every, parse_time_of_day(at) if at else None, BERLIN)
        nightly = Nightly(schedule, self.run, self.clock, self.sleep, self.lines.append, self.stop)
        await nightly.follow(last)
        return [f"{one.astimezone(BERLIN):%m-%d %H:%M %Z}" for one in self.runs]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


async def test_every_night_has_its_run_over_the_end_of_summer_time() -> None:
    machine = Machine(utc("2026-10-23 20:00"))
    assert await machine.follow() == ["10-24 01:30 CEST", "10-25 01:30 CEST", "10-26 01:30 CET"]
    assert machine.longest_sleep <= 20


async def test_a_time_that_comes_twice_has_one_run() -> None:
    machine = Machine(utc("2026-10-24 20:00"), last_of_all=2)
    assert await machine.follow(at="02:30") == ["10-25 02:30 CEST", "10-26 02:30 CET"]


async def test_a_time_that_is_skipped_has_its_run_when_the_clocks_have_changed() -> None:
    machine = Machine(utc("2026-03-28 20:00"), last_of_all=2)
    assert await machine.follow(at="02:30") == ["03-29 03:00 CEST", "03-30 02:30 CEST"]


async def test_missed_nights_are_made_up_for_by_one_run_at_the_start() -> None:
    machine = Machine(utc("2026-11-06 09:00"), last_of_all=2)
    assert await machine.follow(utc("2026-11-03 00:30")) == ["11-06 10:00 CET", "11-07 01:30 CET"]
    assert machine.lines == [
        "the run of 2026-11-04 01:30 CET was missed; starting it now",
        "the next run is due at 2026-11-07 01:30 CET",
    ]


async def test_a_night_that_is_done_is_not_done_again_by_a_restart() -> None:
    machine = Machine(utc("2026-11-06 09:00"), last_of_all=1)
    assert await machine.follow(utc("2026-11-06 00:30")) == ["11-07 01:30 CET"]


async def test_failed_nights_end_nothing() -> None:
    machine = Machine(utc("2026-11-06 09:00"), codes=lambda number: number, last_of_all=4)
    assert len(await machine.follow()) == 4


async def test_a_run_longer_than_a_night_is_followed_by_the_next_at_once() -> None:
    machine = Machine(utc("2026-11-02 23:00"), length=30 * HOUR)
    assert await machine.follow() == ["11-03 01:30 CET", "11-04 07:30 CET", "11-05 13:30 CET"]


async def test_a_machine_that_slept_over_its_time_runs_when_it_wakes() -> None:
    asleep = {utc("2026-11-02 22:00"): 9 * HOUR}
    machine = Machine(utc("2026-11-02 21:00"), asleep, last_of_all=2)
    assert await machine.follow(utc("2026-11-02 00:30")) == ["11-03 08:00 CET", "11-04 01:30 CET"]
    assert "the clock jumped ahead by 9 h, or the machine was asleep for that long" in machine.lines
    assert "the run of 2026-11-03 01:30 CET was missed; starting it now" in machine.lines


async def test_a_clock_that_is_set_back_by_years_does_not_stop_the_nights_for_years() -> None:
    """It ran two years ahead, also when the last run was made."""
    back = {utc("2028-11-02 22:00"): -timedelta(days=731)}
    machine = Machine(utc("2028-11-02 21:00"), back, last_of_all=1)
    assert await machine.follow(utc("2028-11-02 00:30")) == ["11-03 01:30 CET"]
    assert machine.now.year == 2026
    assert machine.lines[1:] == [
        "the clock was set back by 731 d",
        "the last run began at 2028-11-02 01:30 CET, which is in the future: ignored",
        "the next run is due at 2026-11-03 01:30 CET",
    ]


async def test_a_clock_that_is_set_back_a_little_brings_no_second_run_of_a_night() -> None:
    back = {utc("2026-11-03 00:33"): -timedelta(minutes=15)}
    machine = Machine(utc("2026-11-02 23:00"), back, last_of_all=2)
    assert await machine.follow() == ["11-03 01:30 CET", "11-04 01:30 CET"]


async def test_without_a_time_of_day_the_first_run_is_made_at_once() -> None:
    machine = Machine(utc("2026-11-02 23:00"))
    runs = await machine.follow(every=HOUR, at="")
    assert runs == ["11-03 00:00 CET", "11-03 01:00 CET", "11-03 02:00 CET"]


async def test_stop_ends_the_waiting_at_once_and_no_run_begins() -> None:
    machine = Machine(utc("2026-11-02 21:00"))

    async def for_ever(seconds: float) -> None:
        machine.stop.set()
        await anyio.sleep_forever()

    schedule = Schedule(24 * HOUR, parse_time_of_day("01:30"), BERLIN)
    say = machine.lines.append
    with anyio.fail_after(5):
        await Nightly(schedule, machine.run, machine.clock, for_ever, say, machine.stop).follow(
            None
        )
    assert machine.runs == []
    assert machine.lines == ["the next run is due at 2026-11-03 01:30 CET"]
