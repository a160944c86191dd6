"""Which rows a view asks for, how many each choice of a facet has, and in which order they stand.

Every question is a pass or two over columns in memory; nothing here waits or raises for what a view
asks.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from functools import reduce
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from archiver.desk.index.columns import (
    STATES,
    Bits,
    Columns,
    Ints,
    Legend,
    Legends,
    day_number,
    day_of,
)
from archiver.desk.index.entries import Choice, Facets
from archiver.desk.index.search import number, phone_ending
from archiver.desk.index.view import State, View

Names: TypeAlias = Mapping[tuple[str, int], str]
_FOUR_DIGITS: Final = 1000
"""From here on a bare number is looked for in telephone numbers, too."""
_MOST_TAGS: Final = 100
"""Of a facet: tags are people's own words, and there may be any number of them."""
_FINDING: Final = re.compile(r'"([^"\\]+)"')
_LAST_DAY: Final = day_number(date.max)


class Match:
    """The rows of one view. `texts` are the ids that the full text gave; None: no text is asked.

    `tags` has the ids of the recordings with each tag.
    """

    def __init__(
        self,
        columns: Columns,
        legends: Legends,
        view: View,
        texts: Ints | None,
        tags: Mapping[str, Ints] = MappingProxyType({}),
    ) -> None:
        self.columns = columns
        self._legends = legends
        self._view = view
        self._base = [*_asked(columns, view, texts)]
        self._tags = tags
        self._chosen = dict(_chosen(columns, legends, view))
        if view.tags:
            self._chosen["tag"] = self._tagged(view.tags)

    def rows(self, without: str = "") -> Ints:
        """The positions of the rows, in order of ids; `without` leaves one facet unapplied."""
        masks = [*self._base, *(mask for name, mask in self._chosen.items() if name != without)]
        if not masks:
            return np.arange(len(self.columns))
        return np.flatnonzero(reduce(np.logical_and, masks))

    def facets(self, names: Names) -> Facets:
        """The counts of every choice; what was chosen is one also where it gives nothing."""
        whole = self.rows()

        def of(name: str) -> npt.NDArray[Any]:
            rows = self.rows(without=name) if name in self._chosen else whole
            column: npt.NDArray[Any] = getattr(self.columns, name)
            return column if len(rows) == len(column) else column.take(rows)

        def choices(name: str, chosen: Sequence[int | str]) -> tuple[Choice, ...]:
            legend: Legend = getattr(self._legends, name)
            return _choices(np.bincount(of(name)), legend.values, chosen, name, names)

        view, all_states = self._view, [str(one) for one in STATES]
        return Facets(
            days=_days(of("day")),
            orders=choices("order", view.orders),
            agents=choices("agent", view.agents),
            directions=choices("direction", view.directions),
            statuses=choices("status", view.statuses),
            states=_choices(np.bincount(of("state")), all_states, view.states, "state", names),
            tags=self._tag_choices(),
            has_summary=_no_yes(of("has_summary")),
            is_reviewed=_no_yes(of("is_reviewed")),
            is_held=_no_yes(of("is_held")),
            findings=self._finding_choices(of("findings")),
        )

    def _finding_choices(self, codes: npt.NDArray[Any]) -> tuple[Choice, ...]:
        counts: Counter[str] = Counter()
        for code, count in enumerate(np.bincount(codes).tolist()):
            if code and count:
                told = str(self._legends.findings.values[code])
                counts.update(dict.fromkeys(set(_FINDING.findall(told)), count))
        counts.update(dict.fromkeys(self._view.findings, 0))
        found = [Choice(name, None, count) for name, count in counts.items()]
        return tuple(sorted(found, key=lambda one: (-one.count, str(one.value))))

    def _tagged(self, tags: Sequence[str]) -> Bits:
        mask = np.zeros(len(self.columns), np.bool_)
        for tag in tags:
            if tag in self._tags:
                mask[self.columns.positions(self._tags[tag])] = True
        return mask

    def _tag_choices(self) -> tuple[Choice, ...]:
        if not self._tags and not self._view.tags:
            return ()
        mask = np.zeros(len(self.columns), np.bool_)
        mask[self.rows(without="tag")] = True
        tags = list(self._tags)
        places = (self.columns.positions(ids) for ids in self._tags.values())
        counts = np.array([np.count_nonzero(mask[one]) for one in places], np.int64)
        return _choices(counts, tags, self._view.tags, "tag", {})[:_MOST_TAGS]


def _asked(columns: Columns, view: View, texts: Ints | None) -> list[Bits]:
    """The conditions that are no facet."""
    masks: list[Bits] = []
    if texts is not None:
        mask = np.zeros(len(columns), np.bool_)
        mask[columns.positions(texts)] = True
        bare = number(view.text)
        masks.append(mask if bare is None else mask | _numbered(columns, view.text, bare))
    if view.lead is not None:
        masks.append(columns.lead_id == view.lead)
    if view.phone:
        masks.append(_phone(columns, view.phone))
    if view.since is not None or view.until is not None:
        first = 1 if view.since is None else day_number(view.since)
        last = _LAST_DAY if view.until is None else day_number(view.until)
        known = columns.created_at != 0
        masks.append(known & (columns.day >= first) & (columns.day <= last))
    if view.min_seconds is not None:
        masks.append(columns.seconds >= max(0.0, view.min_seconds))
    if view.max_seconds is not None:
        masks.append((columns.seconds >= 0) & (columns.seconds <= view.max_seconds))
    if view.among is not None:
        mask = np.zeros(len(columns), np.bool_)
        mask[columns.positions(np.array(view.among, np.int64))] = True
        masks.append(mask)
    return masks + _heard(columns, view)


def _heard(columns: Columns, view: View) -> list[Bits]:
    """The conditions on what the sound check measured; what it did not measure fits none."""
    masks: list[Bits] = []
    if view.min_silence is not None:
        masks.append((columns.silence >= 0) & (columns.silence >= view.min_silence))
    if view.max_silence is not None:
        masks.append((columns.silence >= 0) & (columns.silence <= view.max_silence))
    if view.min_talk is None and view.max_talk is None:
        return masks
    own, other = columns.talk_left, columns.talk_right
    if view.agent_channel == "right":
        own, other = other, own
    both = own + other
    known = (own >= 0) & (other >= 0) & (both > 0)
    share = np.divide(own, both, out=np.full(len(own), -1, np.float32), where=known)
    masks.append(known & (share >= (view.min_talk or 0.0)))
    if view.max_talk is not None:
        masks.append(known & (share <= view.max_talk))
    return masks


def _chosen(columns: Columns, legends: Legends, view: View) -> list[tuple[str, Bits]]:
    """The conditions of facets, by the name of their column."""
    chosen: list[tuple[str, Bits]] = []
    if view.days:
        days = [day_number(one) for one in view.days]
        chosen.append(("day", np.isin(columns.day, days) & (columns.created_at != 0)))
    for name, values in (
        ("order", view.orders),
        ("agent", view.agents),
        ("direction", view.directions),
        ("status", view.statuses),
    ):
        if values:
            legend: Legend = getattr(legends, name)
            codes = legend.codes(values)
            chosen.append((name, _one_of(getattr(columns, name), codes, len(legend.values))))
    if view.states:
        codes = [STATES.index(State(one)) for one in view.states]
        chosen.append(("state", _one_of(columns.state, codes, len(STATES))))
    if view.findings:
        told = [str(one) for one in legends.findings.values]
        wanted_ones = [f'"{one}"' for one in view.findings]
        codes = [n for n, text in enumerate(told) if any(one in text for one in wanted_ones)]
        chosen.append(("findings", _one_of(columns.findings, codes, len(told))))
    for name, wanted in (
        ("has_summary", view.has_summary),
        ("is_reviewed", view.is_reviewed),
        ("is_held", view.is_held),
    ):
        if wanted is not None:
            column: Bits = getattr(columns, name)
            chosen.append((name, column if wanted else ~column))
    return chosen


def _one_of(column: npt.NDArray[Any], codes: list[int], all_codes: int) -> Bits:
    table = np.zeros(all_codes, np.bool_)
    table[codes] = True
    return table.take(column)


def _numbered(columns: Columns, text: str, bare: int) -> Bits:
    """Rows that have the number as an id, or a telephone number that ends with it."""
    ids = (columns.record_id, columns.call_id, columns.lead_id)
    mask: Bits = reduce(np.logical_or, (column == bare for column in ids))
    return mask | _phone(columns, text) if bare >= _FOUR_DIGITS else mask


def _phone(columns: Columns, text: str) -> Bits:
    ending = phone_ending(text)
    if ending is None:
        return np.zeros(len(columns), np.bool_)
    digits, power = ending
    found: Bits = (columns.phone % power == digits) & (columns.phone != 0)
    return found


def _choices(
    counts: Ints,
    values: Sequence[int | str],
    chosen: Sequence[int | str],
    kind: str,
    names: Names,
) -> tuple[Choice, ...]:
    found = {value: count for value, count in zip(values, counts.tolist(), strict=False) if count}
    found |= {value: 0 for value in chosen if value not in found}
    choices = [
        Choice(value, names.get((kind, value)) if isinstance(value, int) else None, count)
        for value, count in found.items()
    ]
    return tuple(sorted(choices, key=lambda one: (-one.count, str(one.value))))


def _days(days: npt.NDArray[np.int32]) -> dict[date, int]:
    """Counted by a span of days, not by day 0 to the last: moments of any year may come."""
    known = days[days != 0]
    found, counts = np.unique(known, return_counts=True) if _is_wide(known) else _dense(known)
    return {day_of(int(day)): int(count) for day, count in zip(found, counts, strict=True)}


def _is_wide(days: npt.NDArray[np.int32]) -> bool:
    return len(days) == 0 or int(days.max()) - int(days.min()) > 100_000


def _dense(days: npt.NDArray[np.int32]) -> tuple[Ints, Ints]:
    first = days.min()
    counts = np.bincount(days - first)
    found = np.flatnonzero(counts)
    return found + first, counts[found]


def _no_yes(column: Bits) -> tuple[int, int]:
    yes = int(np.count_nonzero(column))
    return (len(column) - yes, yes)
