"""The rows of the index as columns in memory, so that a facet is a pass over a few bytes a row.

A `Columns` value never changes: a query keeps the one that was current when it began,
while a newer one is made beside it. Rows are ordered by record id. A million of them take some
60 MB.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, tzinfo
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from archiver.desk.index.rows import Row
from archiver.desk.index.view import State

Ints: TypeAlias = npt.NDArray[np.int64]
Codes: TypeAlias = npt.NDArray[np.int32]
Bits: TypeAlias = npt.NDArray[np.bool_]
Lengths: TypeAlias = npt.NDArray[np.float32]

STATES: Final = tuple(State)
_EPOCH: Final = date(1970, 1, 1)
_DAY: Final = 86_400
_QUARTER: Final = 900
"""Seconds. Zones change their offset at full quarters of an hour."""
_LENGTHS: Final = ("seconds", "talk_left", "talk_right", "silence", "overtalk")
_LONGEST: Final = 1e9
"""Seconds. What claims to be longer is nonsense, and must not overflow."""


class Legend:
    """The values behind the codes of one column; code 0 is that of an unknown value, `nothing`.

    It only grows, so the codes of older columns stay right.
    """

    def __init__(self, nothing: int | str) -> None:
        self.values: list[int | str] = [nothing]
        self._codes: dict[int | str | None, int] = {None: 0, nothing: 0}

    def encode(self, values: Iterable[int | str | None]) -> Codes:
        """The codes of values, new ones included."""
        given = [*values]
        for value in dict.fromkeys(given):
            if value is not None and value not in self._codes:
                self._codes[value] = len(self.values)
                self.values.append(value)
        return np.fromiter(map(self._codes.__getitem__, given), np.int32, len(given))

    def codes(self, values: Iterable[int | str]) -> list[int]:
        """The codes of those values that occur."""
        return [self._codes[value] for value in values if value in self._codes]


@dataclass(frozen=True, slots=True)
class Legends:
    """The legends of all coded columns, and the zone in which days begin."""

    zone: tzinfo
    order: Legend = field(default_factory=lambda: Legend(0))
    agent: Legend = field(default_factory=lambda: Legend(0))
    direction: Legend = field(default_factory=lambda: Legend(""))
    status: Legend = field(default_factory=lambda: Legend(""))
    findings: Legend = field(default_factory=lambda: Legend(""))

    def by_name(self) -> dict[str, Legend]:
        """The legends by the names of their columns."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "zone"}


@dataclass(frozen=True, slots=True)
class Columns:
    """One array for each fact, all of one length.

    Unknown leads, phones and moments are 0, unknown lengths and figures of
    the sound -1. `day` counts local days since 1970. `by_moment` are the positions of the rows from
    the oldest to the newest (those of one moment by id), `rank` is the inverse.
    """

    record_id: Ints
    call_id: Ints
    lead_id: Ints
    phone: Ints
    created_at: Ints
    seconds: Lengths
    day: Codes
    order: Codes
    agent: Codes
    direction: Codes
    status: Codes
    state: npt.NDArray[np.int8]
    talk_left: Lengths
    talk_right: Lengths
    silence: Lengths
    overtalk: Lengths
    findings: Codes
    has_summary: Bits
    is_held: Bits
    is_reviewed: Bits
    by_moment: Ints
    rank: Ints

    def __len__(self) -> int:
        return len(self.record_id)

    def position(self, record_id: int) -> int | None:
        """Where the row of a recording stands; None if it is not known."""
        place = int(np.searchsorted(self.record_id, record_id))
        found = place < len(self) and int(self.record_id[place]) == record_id
        return place if found else None

    def positions(self, record_ids: Ints) -> Ints:
        """Where the rows of those recordings stand that are known, in that order."""
        if not len(self):
            return np.empty(0, np.int64)
        places = np.searchsorted(self.record_id, record_ids)
        places[places == len(self)] = 0
        found: Ints = places[self.record_id[places] == record_ids]
        return found

    def reviewed(self, record_ids: Ints) -> "Columns":
        """The same rows, of which these have been reviewed."""
        marks = np.zeros(len(self), np.bool_)
        marks[self.positions(record_ids)] = True
        return replace(self, is_reviewed=marks)

    def holding(self, record_ids: Ints) -> "Columns":
        """The same rows, of which these are held."""
        marks = np.zeros(len(self), np.bool_)
        marks[self.positions(record_ids)] = True
        return replace(self, is_held=marks)

    def without(self, record_ids: Ints) -> "Columns":
        """These rows, but for those of the given recordings."""
        keep = ~np.isin(self.record_id, record_ids)
        return _ordered({name: getattr(self, name)[keep] for name in _ARRAYS})

    def merged(self, newer: "Columns", gone: Ints) -> "Columns":
        """These rows, but for `gone`, and those of `newer`, which replace rows of the same id."""
        keep = np.ones(len(self), np.bool_)
        keep[self.positions(newer.record_id)] = False
        keep[self.positions(gone)] = False
        ids = np.concatenate((self.record_id[keep], newer.record_id))
        order = np.argsort(ids, kind="stable")
        arrays = {
            name: np.concatenate((getattr(self, name)[keep], getattr(newer, name)))[order]
            for name in _ARRAYS
        }
        return _ordered(arrays)


_ARRAYS: Final = tuple(name for name in Columns.__slots__ if name not in ("by_moment", "rank"))


def empty(legends: Legends) -> Columns:
    """No rows."""
    return encode([], legends)


def encode(rows: Sequence[Sequence[Any]], legends: Legends) -> Columns:
    """Rows as columns; nothing is held or reviewed yet."""
    values = zip(*rows, strict=True) if rows else ([] for _ in Row._fields)
    named: dict[str, Sequence[Any]] = dict(zip(Row._fields, values, strict=True))
    created_at = ids_of(named["created_at"])
    states = {str(state): code for code, state in enumerate(STATES)}
    arrays: dict[str, npt.NDArray[Any]] = {
        "record_id": ids_of(named["record_id"]),
        "call_id": ids_of(named["call_id"]),
        "lead_id": ids_of(named["lead_id"]),
        "phone": ids_of(named["phone"]),
        "created_at": created_at,
        **{name: lengths_of(named[name]) for name in _LENGTHS},
        "day": local_days(created_at, legends.zone),
        "order": legends.order.encode(named["order_id"]),
        "agent": legends.agent.encode(named["user_id"]),
        "direction": legends.direction.encode(named["direction"]),
        "status": legends.status.encode(named["status"]),
        "findings": legends.findings.encode(named["findings"]),
        "state": np.array([states[one] for one in named["state"]], np.int8),
        "has_summary": np.array(named["has_summary"], np.bool_),
        "is_held": np.zeros(len(created_at), np.bool_),
        "is_reviewed": np.zeros(len(created_at), np.bool_),
    }
    by_id = np.argsort(arrays["record_id"], kind="stable")
    return _ordered({name: array[by_id] for name, array in arrays.items()})


def joined(parts: Sequence[Columns]) -> Columns:
    """Parts that share no row, as one."""
    arrays = {name: np.concatenate([getattr(one, name) for one in parts]) for name in _ARRAYS}
    by_id = np.argsort(arrays["record_id"], kind="stable")
    return _ordered({name: array[by_id] for name, array in arrays.items()})


def ids_of(values: Sequence[int | None]) -> Ints:
    """Ids, numbers or moments as a column."""
    return np.array([one or 0 for one in values], np.int64)


def lengths_of(seconds: Sequence[float | None]) -> Lengths:
    """Lengths, in seconds, as a column."""
    told = np.array(seconds, np.float64)  # None becomes NaN, which is not 0 or more either
    return np.where(told >= 0, np.minimum(told, _LONGEST), -1.0).astype(np.float32)


def local_days(moments: Ints, zone: tzinfo) -> Codes:
    """The local day of each moment as days since 1970; 0 for an unknown moment."""
    if not len(moments):
        return moments.astype(np.int32)
    days, places = np.unique(moments // _DAY, return_inverse=True)
    first = _offsets(days * _DAY, zone)
    # Most days have one offset from their first to their last quarter of an hour.
    changes = (first != _offsets(days * _DAY + (_DAY - _QUARTER), zone))[places]
    offsets = first[places]
    quarters, places = np.unique(moments[changes] // _QUARTER, return_inverse=True)
    offsets[changes] = _offsets(quarters * _QUARTER, zone)[places]
    return np.where(moments == 0, 0, (moments + offsets) // _DAY).astype(np.int32)


def day_number(day: date) -> int:
    """A date as the column `day` has it."""
    return (day - _EPOCH).days


def day_of(number: int) -> date:
    """The date behind a value of the column `day`."""
    return date.fromordinal(_EPOCH.toordinal() + number)


def _offsets(moments: Ints, zone: tzinfo) -> Ints:
    return np.fromiter((_offset(one, zone) for one in moments.tolist()), np.int64, len(moments))


def _offset(moment: int, zone: tzinfo) -> int:
    try:
        offset = datetime.fromtimestamp(moment, UTC).astimezone(zone).utcoffset()
    except (OverflowError, ValueError):  # the first and the last day that dates can have
        return 0
    return 0 if offset is None else int(offset.total_seconds())


def _ordered(arrays: Mapping[str, npt.NDArray[Any]]) -> Columns:
    by_moment = np.argsort(arrays["created_at"], kind="stable")
    rank = np.empty(len(by_moment), np.int64)
    rank[by_moment] = np.arange(len(by_moment))
    return Columns(**arrays, by_moment=by_moment, rank=rank)
