"""The order of the rows of a view, and where its next page begins.

Every row has one number for its position in a sort; equal ones are ordered by time and id. So a
page is those rows whose numbers come next after that of the last row shown: a list that grows
meanwhile repeats nothing and leaves nothing out.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from archiver.desk.index.columns import Codes, Columns, Ints, Legend, Legends
from archiver.desk.index.filters import Names
from archiver.desk.index.view import Sort, View
from archiver.errors import UsageError

_PLACES: Final = 2**32
"""More than there can be rows."""
_LONGEST: Final = 2**30
"""Milliseconds: twelve days. What claims to be longer counts as that long."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The last row that was shown, as a cursor keeps it: what it was sorted by, and the row."""

    value: int
    created_at: int
    record_id: int


class Ordering:
    """The places of all rows under the sort of a view; the first row of a list has the least."""

    def __init__(self, columns: Columns, legends: Legends, view: View, names: Names) -> None:
        self._columns = columns
        self._view = view
        self._direction = 1 if view.ascending else -1
        self._named: _Named | None = None
        if view.sort is Sort.AGENT:
            self._named = _Named(columns.agent, legends.agent, "agent", names)
        elif view.sort is Sort.ORDER:
            self._named = _Named(columns.order, legends.order, "order", names)

    def places(self, rows: Ints) -> Ints:
        """The places of these rows, to be compared with one another."""
        rank = self._columns.rank.take(rows)
        if self._view.sort is Sort.CREATED:
            return self._direction * rank
        return self._direction * (self._sorted_by(rows) * _PLACES + rank)

    def first(self, rows: Ints, most: int) -> tuple[Ints, bool]:
        """The first rows after the view's cursor, in order; and whether more follow.

        Raises UsageError for a cursor that is none.
        """
        after = self._place_of(read_cursor(self._view.cursor)) if self._view.cursor else None
        if self._view.sort is Sort.CREATED and len(rows) == len(self._columns):
            return self._first_of_all(after, most)
        places = self.places(rows)
        if after is not None:
            later = places > after
            rows, places = rows[later], places[later]
        if len(rows) > most:
            chosen = np.argpartition(places, most)[: most + 1]
            rows, places = rows[chosen], places[chosen]
        ordered = rows[np.argsort(places)]
        return ordered[:most], len(ordered) > most

    def _first_of_all(self, after: int | None, most: int) -> tuple[Ints, bool]:
        """The list that everyone opens first: its order is there already."""
        by_moment = self._columns.by_moment
        if self._view.ascending:
            begin = 0 if after is None else after + 1
            ordered = by_moment[begin : begin + most + 1]
        else:
            end = len(by_moment) if after is None else -after
            ordered = by_moment[max(0, end - most - 1) : end][::-1]
        return ordered[:most], len(ordered) > most

    def around(self, rows: Ints, row: int) -> tuple[int | None, int | None, int]:
        """The rows before and after one of these rows in the list, and its position, from 1."""
        if self._view.sort is Sort.CREATED and len(rows) == len(self._columns):
            return self._around_in_all(row)
        places, own = self.places(rows), self.places(np.array([row]))[0]
        before, after = places < own, places > own
        return (
            int(rows[before][np.argmax(places[before])]) if before.any() else None,
            int(rows[after][np.argmin(places[after])]) if after.any() else None,
            int(np.count_nonzero(before)) + 1,
        )

    def _around_in_all(self, row: int) -> tuple[int | None, int | None, int]:
        by_moment, rank = self._columns.by_moment, int(self._columns.rank[row])
        older = int(by_moment[rank - 1]) if rank else None
        newer = int(by_moment[rank + 1]) if rank + 1 < len(by_moment) else None
        if self._view.ascending:
            return older, newer, rank + 1
        return newer, older, len(by_moment) - rank

    def cursor_after(self, row: int) -> str:
        """The cursor of the page that follows this row."""
        columns = self._columns
        value = 0
        if self._view.sort is Sort.SECONDS:
            value = int(_milliseconds(columns.seconds[row : row + 1])[0])
        elif self._named is not None:
            value = self._named.value(row)
        told = [value, int(columns.created_at[row]), int(columns.record_id[row])]
        return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")

    def _place_of(self, mark: Mark) -> int:
        """The place of a row that may have changed or gone since; between two places if so."""
        columns = self._columns
        moments = columns.created_at[columns.by_moment]
        low = int(np.searchsorted(moments, mark.created_at, "left"))
        high = int(np.searchsorted(moments, mark.created_at, "right"))
        ids = columns.record_id[columns.by_moment[low:high]]
        rank = low + int(np.searchsorted(ids, mark.record_id))
        is_there = rank < high and int(ids[rank - low]) == mark.record_id
        place = rank
        if self._view.sort is not Sort.CREATED:
            value = min(max(mark.value, -1), _LONGEST)
            value = value if self._named is None else self._named.rank_of(mark.value)
            place += value * _PLACES
        # A row that is gone would have stood before the one that has its rank now.
        before = 1 if self._view.ascending and not is_there else 0
        return self._direction * place - before

    def _sorted_by(self, rows: Ints) -> Ints:
        if self._named is None:
            return _milliseconds(self._columns.seconds.take(rows))
        return self._named.ranks(rows)


class _Named:
    """A column of ids that is sorted by their names: those without one follow by id, unknown ids
    come last."""

    def __init__(self, codes: Codes, legend: Legend, kind: str, names: Names) -> None:
        self._codes = codes
        self._legend = legend
        self._values = [int(value) for value in legend.values]

        def key(code: int) -> tuple[int, str, int]:
            value = self._values[code]
            name = names.get((kind, value))
            return (2 if value == 0 else name is None, (name or "").casefold(), value)

        self._ranks = np.empty(len(self._values), np.int64)
        self._ranks[sorted(range(len(self._values)), key=key)] = np.arange(len(self._values))

    def value(self, row: int) -> int:
        """The id in a row."""
        return self._values[int(self._codes[row])]

    def ranks(self, rows: Ints) -> Ints:
        """The ranks of the ids in these rows."""
        return self._ranks[self._codes.take(rows)]

    def rank_of(self, value: int) -> int:
        """The rank of an id; 0 for one that occurs nowhere any more."""
        codes = self._legend.codes([value])
        return int(self._ranks[codes[0]]) if codes else 0


def read_cursor(cursor: str) -> Mark:
    """What a cursor says. UsageError for what `cursor_after` cannot have made."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        value, created_at, record_id = json.loads(base64.urlsafe_b64decode(padded))
        if not all(type(one) is int and abs(one) < 2**63 for one in (value, created_at, record_id)):
            raise ValueError("not numbers")
    except (ValueError, TypeError, RecursionError, binascii.Error) as error:
        raise UsageError("no such page of the list", hint="open the list again") from error
    return Mark(value, created_at, record_id)


def _milliseconds(seconds: npt.NDArray[np.float32]) -> Ints:
    return np.clip(np.rint(seconds.astype(np.float64) * 1000), -1, _LONGEST).astype(np.int64)
