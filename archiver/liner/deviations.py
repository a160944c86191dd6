"""Deviations of rows from the API documentation, reported once per run (pure).

They are read leniently (`fields`), but should be known: times without an offset may be local times,
and time windows depend on them.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from archiver.liner.fields import as_id
from archiver.liner.models import Row

_NUMBERS: Final = (
    "id",
    "leadId",
    "orderId",
    "userId",
    "statusId",
    "talkTimeDurationSeconds",
    "durationSeconds",
)
_FLAGS: Final = ("hasRecords", "isTransfer")


class Oddities:
    """Keeps the first row with each deviation; `notes` are sentences about them."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}

    @property
    def notes(self) -> list[str]:
        """One sentence per deviation, with the first row that had it and no text of the API."""
        return [_SENTENCES[what].format(first=first) for what, first in self._first.items()]

    def look_at(self, kind: str, row: Row) -> None:
        """Note the deviations of the row; `kind` is what it is: a call, a recording."""
        for what, names, is_odd in _ODDITIES:
            if what not in self._first:
                for name in names:
                    if is_odd(row.get(name)):
                        self._first[what] = f"{name} of {kind} {as_id(row.get('id')) or 'unknown'}"
                        break


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_no_bool(value: Any) -> bool:
    return isinstance(value, (int, str)) and not isinstance(value, bool)


def _lacks_offset(value: Any) -> bool:
    if not isinstance(value, str) or value.endswith("Z"):
        return False
    try:
        return datetime.fromisoformat(value.strip()).tzinfo is None
    except ValueError:
        return False


_ODDITIES: Final[tuple[tuple[str, tuple[str, ...], Callable[[Any], bool]], ...]] = (
    ("offset", ("createdAt",), _lacks_offset),
    ("numbers", _NUMBERS, _is_text),
    ("flags", _FLAGS, _is_no_bool),
)
_SENTENCES: Final = {
    "offset": "The API returns times without a UTC offset (first seen: {first}); they are read "
    "as UTC. Compare one with the time shown in Liner: time windows depend on them.",
    "numbers": "The API returns numbers as text (first seen: {first}); they are read as numbers.",
    "flags": "The API returns flags as numbers or text (first seen: {first}); they are read as "
    "yes and no.",
}
