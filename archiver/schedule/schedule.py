"""When the next run is due: at an interval, or at a time of day every few days (pure).

Times are UTC throughout; the time zone matters only for a time of day. On a day on which the clocks
skip that time, the run is due at the first moment after the gap; if the time occurs twice, at the
first of the two: every day has exactly one due time.
"""

import re
from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from msgspec import Struct

_DAY: Final = timedelta(days=1)
_SHORTEST: Final = timedelta(seconds=1)
_TIME: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")

SLACK: Final = timedelta(hours=1)
"""A last run that is further in the future than this had a wrong clock."""


class Schedule(Struct, frozen=True):
    """A run at an interval; with `at`, every few days at that time in `zone`.

    ValueError, as a message for users, if `at` is given and `every` is not whole days.
    """

    every: timedelta
    at: time | None
    zone: tzinfo

    def __post_init__(self) -> None:
        if self.every < _SHORTEST:
            raise ValueError("--every must be at least 1s")
        if self.at is not None and self.every % _DAY:
            raise ValueError("--at is a time of day, so --every must be whole days: 24h, 2d, 7d")

    def due_after(self, last: datetime) -> datetime:
        """When the run after the one that began at `last` is due.

        With `at`, a run belongs to the day of the last due time before it: a late start does not
        move the next.
        """
        if self.at is None:
            return last + self.every
        return self._due_on(self._day_of(last) + self.every)

    def next_due(self, last: datetime | None, now: datetime) -> datetime:
        """The time of the next run: `now` if one was missed.

        `last` is when the last run began, None if there was none: then the first one is due at
        once, or with `at` at the next such time. A `last` further in the future than `SLACK` had a
        wrong clock, and is ignored.
        """
        if last is None or is_misdated(last, now):
            return now if self.at is None else self._due_on(self._day_of(now) + _DAY)
        return max(now, self.due_after(last))

    def _day_of(self, moment: datetime) -> date:
        """The newest day whose due time is not after `moment`."""
        day = moment.astimezone(self.zone).date() + _DAY
        while self._due_on(day) > moment:
            day -= _DAY
        return day

    def _due_on(self, day: date) -> datetime:
        return first_moment(datetime.combine(day, self.at or time()), self.zone)


def is_misdated(last: datetime, now: datetime) -> bool:
    """Whether the last run seems to have begun in the future: a clock was wrong then, or is now."""
    return last > now + SLACK


def first_moment(wall: datetime, zone: tzinfo) -> datetime:
    """The first moment, in UTC, at which clocks of the zone show `wall` or, in a gap, a later time.

    `wall` is a naive whole minute.
    """
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first.astimezone(zone).replace(tzinfo=None) == wall:
        return first  # an ordinary time, or the first of two
    # In a gap `fold` chooses between the offset before it and the one after it, so that the clocks
    # change between those two moments, the second of which comes first (PEP 495).
    before = wall.replace(tzinfo=zone).utcoffset()
    span = range(int(second.timestamp()), int(first.timestamp()) + 1)
    turn = bisect_left(span, True, key=lambda at: _offset(at, zone) != before)
    return datetime.fromtimestamp(span[turn], UTC)


def parse_time_of_day(text: str) -> time:
    """`01:30`, on a clock of 24 hours; ValueError for anything else."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError("must be a time of day such as 01:30")
    return time(int(match[1]), int(match[2]))


def _offset(at: int, zone: tzinfo) -> timedelta | None:
    return datetime.fromtimestamp(at, zone).utcoffset()
