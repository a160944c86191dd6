"""The day of a moment in a time zone, as an expression of SQL, which has no zones (pure)."""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, date, datetime, tzinfo

_DAY = 86_400
_YEAR_ONE = date(1970, 1, 1).toordinal() * _DAY
"""Seconds from the day before 0001-01-01: a day is then its ordinal, and never below zero."""
_FIRST, _LAST = 0, int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())
"""Outside of these years the clocks are taken not to change: servers send such dates for never."""


def day_of(column: str, zone: tzinfo, oldest: int, newest: int) -> str:
    """The ordinal of the day in `zone` of a column of moments, all of them between those two."""
    stretches = list(_stretches(zone, oldest, newest))
    (_, latest), earlier = stretches[-1], stretches[:-1]
    cases = "".join(f" WHEN {column} < {end} THEN {offset}" for end, offset in earlier)
    offset = f"CASE{cases} ELSE {latest} END" if cases else str(latest)
    return f"({column} + {offset} + {_YEAR_ONE}) / {_DAY}"


def date_of(ordinal: int | None) -> date | None:
    """The date of what `day_of` gave; None for no moment."""
    if ordinal is None:
        return None
    return date.fromordinal(min(max(ordinal, 1), date.max.toordinal()))


def _stretches(zone: tzinfo, oldest: int, newest: int) -> Iterator[tuple[int, int]]:
    """Stretches of time in which the zone keeps one offset: their end, excluded, and the offset."""

    def offset_at(moment: int) -> int:
        offset = datetime.fromtimestamp(moment, zone).utcoffset()
        return 0 if offset is None else int(offset.total_seconds())

    at, end = (min(max(one, _FIRST), _LAST) for one in (oldest, newest))
    offset = offset_at(at)
    while at < end:
        later = min(at + _DAY, end)
        if (after := offset_at(later)) != offset:
            span = range(at, later + 1)
            turn = span[bisect_left(span, True, key=lambda one: offset_at(one) == after)]
            yield turn, offset
            offset = after
        at = later
    yield _LAST, offset
