"""The calendar of coverage: the state of each day (pure).

A day with calls has the state of its worst call. A day without calls is silent if the same weekday
has always had many (`monitoring.silence`), and quiet otherwise. A silent day counts as usual for
the days after it, so that an outage of months stays visible.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from archiver.catalog.coverage import Coverage, Covered
from archiver.catalog.states import CallState
from archiver.monitoring.silence import days_to_count, silence_of, stretch_of

MOST_DAYS: Final = 3653
"""Ten years, the newest of the period: a call with a wrong date must not extend it."""

_DAY: Final = timedelta(days=1)


class DayState(StrEnum):
    """The states of a day, from good to bad; the last two are those of days without calls."""

    COMPLETE = "complete"
    QUIET = "quiet"
    WAITING = "waiting"
    FAILED = "failed"
    SILENT = "silent"
    UNLISTED = "unlisted"


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the calendar."""

    day: date
    state: DayState
    calls: int


def calendar_of(found: Coverage, today: date) -> list[Day]:
    """The days of the period up to today, or of all calls if it has no bounds; empty without any
    calls."""
    first, last = _ends(found)
    if first is None or last is None:
        return []
    if found.period.until is not None:
        last = min(last, today)
    first = max(first, last - (MOST_DAYS - 1) * _DAY)
    return list(_days(found, first, last))


def _ends(found: Coverage) -> tuple[date | None, date | None]:
    period, zone = found.period, found.period.zone
    known = [day for day in found.by_day if day is not None]
    if period.since is not None:
        first: date | None = period.since.astimezone(zone).date()
    else:
        first = min(known, default=None)
    if period.until is not None:
        return first, (period.until - timedelta(microseconds=1)).astimezone(zone).date()
    if found.listed_until is not None:
        known.append(found.listed_until.astimezone(zone).date())
    return first, max(known, default=None)


def _days(found: Coverage, first: date, last: date) -> Iterator[Day]:
    zone = found.period.zone
    counts = dict(found.before)
    counts.update(
        (day, covered.calls.total()) for day, covered in found.by_day.items() if day is not None
    )
    for ago in range((last - first).days + 1):
        day = first + ago * _DAY
        if covered := found.by_day.get(day):
            yield Day(day, state_of(covered), counts[day])
            continue
        begin, end = stretch_of(day, zone)
        if _is_unlisted(found, begin, end):
            yield Day(day, DayState.UNLISTED, 0)
            continue
        usual = _missed(day, counts)
        if usual:
            counts[day] = usual
        yield Day(day, DayState.SILENT if usual else DayState.QUIET, 0)


def state_of(covered: Covered) -> DayState:
    """The state of a day with at least one call."""
    if covered.calls[CallState.FAILED] or covered.calls[CallState.GONE]:
        return DayState.FAILED
    return DayState.WAITING if covered.calls[CallState.WAITING] else DayState.COMPLETE


def _is_unlisted(found: Coverage, begin: datetime, end: datetime) -> bool:
    """Whether no run has listed the whole day. Where it is unknown from when on calls are listed,
    that is from the first call of the archive on."""
    if found.listed_until is None or end > found.listed_until:
        return True
    if found.listed_since is not None:
        return begin < found.listed_since
    return found.oldest is None or end <= found.oldest


def _missed(day: date, counts: Mapping[date, int]) -> int:
    """The usual number of calls on that day, if there usually are some; otherwise 0."""
    silence = silence_of(day, [counts.get(one, 0) for one in days_to_count(day)])
    return 0 if silence is None else max(1, int(silence.usual))
