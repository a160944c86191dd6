"""Months as periods: from the first midnight of one, in its zone, to that of the next (pure)."""

import re
from datetime import date, datetime, time, tzinfo
from typing import Final

from archiver.catalog.overview import Period
from archiver.schedule.schedule import first_moment

_MONTH: Final = re.compile(r"([0-9]{4})-([0-9]{2})")


def month_of(text: str, zone: tzinfo) -> Period:
    """The month given as `2026-10`. ValueError for any other text."""
    found = _MONTH.fullmatch(text)
    if found is None or not 1 <= int(found[2]) <= 12 or not 1970 <= int(found[1]) < 9999:
        raise ValueError("must be a month such as 2026-10")
    year, month = int(found[1]), int(found[2])
    first = date(year, month, 1)
    last = date(year + month // 12, month % 12 + 1, 1)
    since, until = (first_moment(datetime.combine(one, time()), zone) for one in (first, last))
    return Period(zone, since, until)


def months_between(first: datetime, last: datetime, zone: tzinfo) -> list[str]:
    """The months from the first to the last, as `month_of` reads them, newest first."""
    one, other = (each.astimezone(zone) for each in (first, last))
    numbers = range(other.year * 12 + other.month - 1, one.year * 12 + one.month - 2, -1)
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in numbers]
