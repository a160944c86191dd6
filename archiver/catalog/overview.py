"""The archive in numbers, and what of it is not as it should be.

A recording counts once, and is of the period of the call that it was stored or first met with; what
is open is named once for each call that lists it. Calls without a date belong to no period.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Any, Final

from archiver.catalog.days import date_of, day_of
from archiver.catalog.epoch import moment, seconds
from archiver.catalog.states import (
    IS_ARCHIVED,
    IS_GONE,
    IS_NONE,
    IS_NOT_ARCHIVED,
    IS_OPEN,
    RecordingState,
)

_FACTS = "calls.lead_id, calls.order_id, calls.user_id, calls.created_at"
_STATES: Final = {
    "is_archived": IS_ARCHIVED,
    "is_not_archived": IS_NOT_ARCHIVED,
    "is_gone": IS_GONE,
    "is_none": IS_NONE,
    "is_open": IS_OPEN,
}

_CALLS = "SELECT {keys}, state, count(*) FROM calls WHERE {within} GROUP BY {keys}, state"
_RECORDINGS = """
    SELECT recordings.state, count(*), coalesce(sum(bytes), 0)
    FROM recordings LEFT JOIN calls USING (call_id) WHERE {within} GROUP BY recordings.state
"""
_ENDS = "SELECT min(created_at), max(created_at) FROM calls WHERE {within}"
_PENDING = """
    SELECT count(DISTINCT recordings.record_id)
    FROM calls JOIN links USING (call_id) JOIN recordings USING (record_id)
    WHERE due_at IS NOT NULL AND recordings.state {is_archived} AND has_summary = 0 AND {within}
"""
_REMOVED = """
    SELECT why, count(*) FROM tombstones LEFT JOIN calls USING (call_id)
    WHERE {within} GROUP BY why
"""
_REMOVING = "SELECT count(*) FROM removals"
_HOLDS = "SELECT count(*) FROM holds WHERE lifted_at IS NULL"
OPEN_ITEMS = """
    SELECT coalesce(links.call_id, recordings.call_id) AS call, {facts},
           recordings.record_id AS record, recordings.state, recordings.reason,
           recordings.attempts, recordings.open_since
    FROM recordings LEFT JOIN links USING (record_id)
    LEFT JOIN calls ON calls.call_id = coalesce(links.call_id, recordings.call_id)
    WHERE recordings.state {is_not_archived} AND recordings.state {is_open} AND {within}
    UNION ALL
    SELECT calls.call_id, {facts}, NULL, state, reason, attempts, open_since
    FROM calls
    WHERE state {is_open} AND {within} AND NOT EXISTS (
        SELECT 1 FROM links JOIN recordings USING (record_id)
        WHERE links.call_id = calls.call_id
          AND recordings.state {is_not_archived} AND recordings.state {is_open})
    ORDER BY call, record
"""
_UNRECORDED = """
    SELECT calls.call_id, {facts}, talk_seconds, due_at, {keys}
    FROM calls WHERE state {is_none} AND talk_seconds > 0 AND {within} ORDER BY call_id
"""
_GONE = """
    SELECT recordings.call_id, {facts}, record_id, missing_days, recordings.reason
    FROM recordings LEFT JOIN calls USING (call_id)
    WHERE recordings.state {is_not_archived} AND recordings.state {is_gone} AND {within}
    ORDER BY recordings.call_id, record_id
"""
_RUNS = """
    SELECT run_id, ended_at, complete, report_key FROM runs WHERE purpose IS NULL
    ORDER BY ended_at DESC, run_id DESC LIMIT 5
"""


@dataclass(frozen=True, slots=True)
class Period:
    """Calls created in `[since, until)`; None: no bound. Days are those of `zone`."""

    zone: tzinfo
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_all_time(self) -> bool:
        """Whether no bound was set."""
        return self.since is None and self.until is None


@dataclass(slots=True)
class Sums:
    """How many calls stand where. `unrecorded` are those of state `none` with talk time: they
    should have a recording."""

    calls: Counter[str] = field(default_factory=Counter)
    unrecorded: int = 0


@dataclass(frozen=True, slots=True)
class CallFacts:
    """The facts of a call."""

    call_id: int
    lead_id: int | None
    order_id: int | None
    user_id: int | None
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class OpenItem:
    """A recording that is open; `record_id` None: the whole call, and no recording of it is."""

    call: CallFacts
    record_id: int | None
    state: str
    reason: str
    attempts: int
    open_since: datetime | None


@dataclass(frozen=True, slots=True)
class UnrecordedCall:
    """A call with talk time and without a recording; `due_at` None: not looked at again."""

    call: CallFacts
    talk_seconds: float
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class GoneItem:
    """A recording that the source no longer has or cannot serve; the days (UTC) on which it was
    so, and why."""

    call: CallFacts
    record_id: int
    missing_days: tuple[str, ...]
    reason: str | None


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run that ended and left its report."""

    run_id: str
    ended_at: datetime
    complete: bool
    report_key: str


@dataclass(slots=True)
class Overview:
    """The archive at a glance; every table adds up to the same sums. A key of None is unknown.

    `bytes` are of archived audio; `pending_summaries` are archived recordings without a summary
    whose call will be checked again. `removed` counts tombstones by reason, `removing` recordings
    whose removal has begun and not ended, `holds` those in force; the last two are for the whole
    archive, whatever the period.
    """

    in_all: Sums = field(default_factory=Sums)
    recordings: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    by_day: dict[date | None, Sums] = field(default_factory=dict)
    by_order: dict[int | None, Sums] = field(default_factory=dict)
    by_agent: dict[int | None, Sums] = field(default_factory=dict)
    oldest: datetime | None = None
    newest: datetime | None = None
    pending_summaries: int = 0
    removed: dict[str, int] = field(default_factory=dict)
    removing: int = 0
    holds: int = 0
    open: list[OpenItem] = field(default_factory=list)
    unrecorded: list[UnrecordedCall] = field(default_factory=list)
    gone: list[GoneItem] = field(default_factory=list)
    runs: list[PastRun] = field(default_factory=list)


class Stock:
    """Queries one catalog about one period."""

    def __init__(self, db: sqlite3.Connection, period: Period) -> None:
        self._db = db
        self._bounds = {"since": seconds(period.since), "until": seconds(period.until)}
        bounds = {"since": "calls.created_at >= :since", "until": "calls.created_at < :until"}
        given = [bounds[name] for name, bound in self._bounds.items() if bound is not None]
        self._within = " AND ".join(given) or "TRUE"

    def ask(
        self, question: str, more: Mapping[str, object] | None = None, *, keys: str = ""
    ) -> sqlite3.Cursor:
        """The rows that answer a question: `{within}` in it is the period of calls, `{keys}`
        what it groups by, `{is_archived}` and the like a condition on a state."""
        text = question.format(keys=keys, within=self._within, facts=_FACTS, **_STATES)
        return self._db.execute(text, {**self._bounds, **(more or {})})


def take_stock(db: sqlite3.Connection, period: Period) -> Overview:
    """The overview of that period; of one moment, as long as nobody writes meanwhile."""
    stock, found = Stock(db, period), Overview()
    oldest, newest = stock.ask(_ENDS).fetchone()
    found.oldest, found.newest = moment(oldest), moment(newest)
    day = day_of("calls.created_at", period.zone, oldest or 0, newest or 0)
    _count_calls(stock, day, found)
    _name_unrecorded(stock, day, found)
    for state, count, size in stock.ask(_RECORDINGS):
        found.recordings[state] = count
        found.bytes += size if state == RecordingState.ARCHIVED else 0
    (found.pending_summaries,) = stock.ask(_PENDING).fetchone()
    found.removed = dict(stock.ask(_REMOVED).fetchall())
    (found.removing,) = stock.ask(_REMOVING).fetchone()
    (found.holds,) = stock.ask(_HOLDS).fetchone()
    found.open = [
        OpenItem(_facts(row), row[5], row[6], row[7] or "", row[8], moment(row[9]))
        for row in stock.ask(OPEN_ITEMS)
    ]
    found.gone = [
        GoneItem(_facts(row), row[5], tuple(json.loads(row[6])), row[7]) for row in stock.ask(_GONE)
    ]
    found.runs = [
        PastRun(run_id, moment(ended), bool(complete), key)
        for run_id, ended, complete, key in stock.ask(_RUNS)
    ]
    return found


def _count_calls(stock: Stock, day: str, found: Overview) -> None:
    """Order and agent are counted in one pass; the sums in all follow from it."""
    for order, agent, state, count in stock.ask(_CALLS, keys="calls.order_id, calls.user_id"):
        for sums in (
            found.in_all,
            found.by_order.setdefault(order, Sums()),
            found.by_agent.setdefault(agent, Sums()),
        ):
            sums.calls[state] += count
    for ordinal, state, count in stock.ask(_CALLS, keys=day):
        found.by_day.setdefault(date_of(ordinal), Sums()).calls[state] += count


def _name_unrecorded(stock: Stock, day: str, found: Overview) -> None:
    for row in stock.ask(_UNRECORDED, keys=day):
        call = _facts(row)
        found.unrecorded.append(UnrecordedCall(call, row[5], moment(row[6])))
        for sums in (
            found.in_all,
            found.by_order[call.order_id],
            found.by_agent[call.user_id],
            found.by_day[date_of(row[7])],
        ):
            sums.unrecorded += 1


def _facts(row: Sequence[Any]) -> CallFacts:
    call_id, lead, order, user, created = row[:5]
    return CallFacts(call_id, lead, order, user, moment(created))
