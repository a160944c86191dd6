"""Time as the archiver writes it: aware, UTC, whole seconds, `2026-10-01T08:31:17Z`."""

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]
"""Returns the current time, aware and in UTC; passed as an argument wherever time matters."""


def system_clock() -> datetime:
    """The system clock."""
    return datetime.now(UTC)


@lru_cache(maxsize=256)
def stamp(moment: datetime) -> str:
    """The moment as text, whole seconds, in UTC.

    The same moments are written again and again: all lines of a group have one time, and the time
    of a call is in several of them.
    """
    # Not strftime: it does not pad the years before 1000, which servers send for "never".
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return in_utc.isoformat(timespec="seconds")[: -len("+00:00")] + "Z"


def stamp_to_the_millisecond(moment: datetime) -> str:
    """The moment as text, in UTC, with milliseconds: for logs, whose lines can follow each other
    closely."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def stamp_or_none(moment: datetime | None) -> str | None:
    """The moment as text, or None for an unknown one."""
    return None if moment is None else stamp(moment)


def from_stamp(text: str) -> datetime:
    """Parse what `stamp` wrote; ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is UTC:  # as all are that end in Z
        return moment
    if moment.tzinfo is None or moment.utcoffset():
        raise ValueError(f"not a moment in UTC: {text!r}")
    return moment.astimezone(UTC)


def local_stamp(moment: datetime, zone: tzinfo) -> str:
    """The moment in a zone with its offset, to the second, as every table of the desk has it."""
    return moment.astimezone(zone).isoformat(timespec="seconds")
