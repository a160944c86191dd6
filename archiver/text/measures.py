"""Durations, sizes and times as people write and read them (pure).

The parsers raise ValueError with a sentence that continues the name of the setting ("must be a
duration such as 15s"). It never repeats the text, which may be a secret from the environment.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

_UNITS_OF_TIME = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "y": timedelta(days=365),
}
_PART_OF_TIME = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(ms|[smhdwy])")
_LONGEST = timedelta(days=365 * 200)

_UNITS_OF_SIZE = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}
_SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,6})?) ?([A-Za-z]{0,3})")
_LARGEST_SIZE = 2**60

_MOMENT = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ](?P<time>[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)"
    r"(?P<offset>Z|[+-][0-9]{2}:[0-9]{2})?)?"
)


def parse_duration(text: str) -> timedelta:
    """`15s`, `10m`, `1h30m`, `500ms`, `7d`, `2w`, `3y` (of 365 days), or `0`.

    Any other number without a unit is refused: a retention of 3 was never meant in seconds.
    """
    if text == "0":
        return timedelta()
    parts = _PART_OF_TIME.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError("must be a duration with its unit, such as 15s, 10m, 1h30m, 7d or 3y")
    try:
        whole = sum((float(number) * _UNITS_OF_TIME[unit] for number, unit in parts), timedelta())
    except OverflowError:
        whole = timedelta.max
    if whole > _LONGEST:
        raise ValueError("must be at most 200y")
    return whole


def parse_size(text: str) -> int:
    """Bytes of `2GiB`, `128MiB`, `10MB` or a bare number of bytes; powers of two only with an i."""
    match = _SIZE.fullmatch(text)
    factor = _UNITS_OF_SIZE.get(match[2].lower()) if match else None
    if match is None or factor is None:
        raise ValueError("must be a size such as 128MiB, 2GiB, 10MB or a number of bytes")
    size = int(match[1]) * factor if match[1].isdigit() else round(float(match[1]) * factor)
    if size > _LARGEST_SIZE:
        raise ValueError("must be at most 1048576TiB")
    return size


def parse_moment(text: str, zone: tzinfo) -> datetime:
    """A date (its midnight in `zone`) or a date with a time, as an aware moment in UTC.

    A time without an offset is read in `zone`. A midnight that a change of clocks skips is the
    first moment of that day.
    """
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise ValueError("must be a date such as 2026-10-01 or a time such as 2026-10-01T08:30:00Z")
    try:
        moment = datetime.fromisoformat(
            f"{match['day']}T{match['time'] or '00:00'}{match['offset'] or ''}"
        )
    except ValueError as error:
        raise ValueError("must be a day and a time that exist") from error
    if not 1970 <= moment.year < 3000:
        raise ValueError("must be between the years 1970 and 2999")
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def parse_moment_or_age(text: str, zone: tzinfo, now: datetime) -> datetime:
    """A moment as `parse_moment` reads it, or how long ago it was: `7d`, `today`, `yesterday`.

    A duration is counted back from `now`; the days begin at midnight in `zone`.
    """
    days = {"today": 0, "yesterday": 1}.get(text.lower())
    if days is not None:
        day = now.astimezone(zone).date() - timedelta(days=days)
        return parse_moment(day.isoformat(), zone)
    if _PART_OF_TIME.match(text):
        return now - parse_duration(text)
    try:
        return parse_moment(text, zone)
    except ValueError as error:
        if _MOMENT.fullmatch(text):
            raise
        raise ValueError(f"{error}, or an age such as 7d or yesterday") from None


def parse_id(text: str) -> int:
    """An id of the API: a whole number from 1 to 2**63 - 1."""
    if re.fullmatch(r"[0-9]{1,19}", text) is None or not 1 <= int(text) < 2**63:
        raise ValueError("must be an id: a whole number above 0")
    return int(text)


def say_size(size: float) -> str:
    """A size for people: `512 B`, `470 KiB`, `1.4 GiB`."""
    return _scaled(size, ("B", "KiB", "MiB", "GiB", "TiB", "PiB"))


def _scaled(size: float, units: Sequence[str]) -> str:
    step = 0
    while size >= 1023.5 and step < len(units) - 1:
        size /= 1024
        step += 1
    digits = 1 if step and size < 99.95 else 0
    return f"{size:.{digits}f} {units[step]}"


def say_duration(seconds: float) -> str:
    """A length of time for people, in its two greatest units: `0.4 s`, `2 min 5 s`, `3 d 4 h`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    rest = round(seconds)
    said: list[str] = []
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, rest = divmod(rest, length)
        if count:
            said.append(f"{count} {unit}")
        elif said:
            break
    return " ".join(said[:2])


def say_moment(moment: datetime, zone: tzinfo) -> str:
    """A moment for people, to the minute and with its zone: `2026-10-01 08:30 UTC`."""
    try:
        moment = moment.astimezone(zone)
    except OverflowError:  # at the end of the calendar, where servers put "never"
        moment = moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%d %H:%M %Z")


_SHARE = re.compile(r"1/([1-9][0-9]{0,4})")


def parse_share(text: str) -> int:
    """The number of parts in `1/30`; ValueError for anything else."""
    found = _SHARE.fullmatch(text.strip())
    if found is None:
        raise ValueError("must be a share like 1/30")
    return int(found[1])
