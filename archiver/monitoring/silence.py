"""A day without calls, where such days have always had many (pure).

A dead source and a quiet day look alike. So the last full day is compared with the same weekdays of
the 30 days before it: a call centre that is closed on Sundays had no calls on the Sundays before,
either.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

from msgspec import Struct

from archiver.schedule.schedule import first_moment

WEEKS: Final = 4
"""The same weekdays within 30 days."""
_LEAST_DAYS: Final = 3
"""At least this many of them must have had calls: fewer are no pattern."""
_LEAST_CALLS: Final = 10
"""With a median below this, a day without calls is normal."""

_DAY: Final = timedelta(days=1)


class Silence(Struct, frozen=True):
    """A day without calls, and the median of the same weekdays before it."""

    day: date
    usual: float


def last_whole_day(until: datetime, zone: tzinfo) -> date:
    """The newest day in `zone` that had ended by `until`."""
    return until.astimezone(zone).date() - _DAY


def days_to_count(day: date) -> list[date]:
    """The day itself, then the same weekdays before it."""
    return [day - timedelta(weeks=weeks) for weeks in range(WEEKS + 1)]


def stretch_of(day: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """The day as moments `[begin, end)` in UTC."""
    return (
        first_moment(datetime.combine(day, time()), zone),
        first_moment(datetime.combine(day + _DAY, time()), zone),
    )


def silence_of(day: date, counts: Sequence[int]) -> Silence | None:
    """Whether a day is silent, by the counts of `days_to_count`; None when it is not."""
    calls, *before = counts
    if calls or sum(count > 0 for count in before) < _LEAST_DAYS:
        return None
    from statistics import median  # hardly any day gets here

    usual = median(before)
    return None if usual < _LEAST_CALLS else Silence(day, usual)
