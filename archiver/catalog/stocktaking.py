"""Takes stock of a catalog: the questions behind an `Overview`, as a function of a connection."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from archiver.catalog.days import date_of, day_of
from archiver.catalog.epoch import moment, seconds
from archiver.catalog.overview import (
    CallFacts,
    GoneItem,
    OpenItem,
    Overview,
    PastRun,
    Period,
    Sums,
    UnrecordedCall,
)
from archiver.catalog.states import RecordingState

_FACTS = "calls.lead_id, calls.order_id, calls.user_id, calls.created_at"
_IS_OPEN = "state <> 'archived' AND recordings.state IN ('waiting', 'failed')"
"""The first half looks idle; it lets SQLite use the index of what is not archived."""

_CALLS = "SELECT {keys}, state, count(*) FROM calls WHERE {within} GROUP BY {keys}, state"
_RECORDINGS = """
    SELECT recordings.state, count(*), coalesce(sum(bytes), 0)
    FROM recordings LEFT JOIN calls USING (call_id) WHERE {within} GROUP BY recordings.state
"""
_ENDS = "SELECT min(created_at), max(created_at) FROM calls WHERE {within}"
_PENDING = """
    SELECT count(DISTINCT recordings.record_id)
    FROM calls JOIN links USING (call_id) JOIN recordings USING (record_id)
    WHERE due_at IS NOT NULL AND recordings.state = 'archived' AND has_summary = 0 AND {within}
"""
_REMOVED = """
    SELECT why, count(*) FROM tombstones LEFT JOIN calls USING (call_id)
    WHERE {within} GROUP BY why
"""
_REMOVING = "SELECT count(*) FROM removals"
_HOLDS = "SELECT count(*) FROM holds WHERE lifted_at IS NULL"
_OPEN = """
    SELECT coalesce(links.call_id, recordings.call_id) AS call, {facts},
           recordings.record_id AS record, recordings.state, recordings.reason,
           recordings.attempts, recordings.open_since
    FROM recordings LEFT JOIN links USING (record_id)
    LEFT JOIN calls ON calls.call_id = coalesce(links.call_id, recordings.call_id)
    WHERE recordings.{is_open} AND {within}
    UNION ALL
    SELECT calls.call_id, {facts}, NULL, state, reason, attempts, open_since
    FROM calls
    WHERE state IN ('waiting', 'failed') AND {within} AND NOT EXISTS (
        SELECT 1 FROM links JOIN recordings USING (record_id)
        WHERE links.call_id = calls.call_id AND recordings.{is_open})
    ORDER BY call, record
"""
_UNRECORDED = """
    SELECT calls.call_id, {facts}, talk_seconds, due_at, {keys}
    FROM calls WHERE state = 'none' AND talk_seconds > 0 AND {within} ORDER BY call_id
"""
_GONE = """
    SELECT recordings.call_id, {facts}, record_id, missing_days
    FROM recordings LEFT JOIN calls USING (call_id)
    WHERE recordings.state <> 'archived' AND recordings.state = 'gone' AND {within}
    ORDER BY recordings.call_id, record_id
"""
_RUNS = """
    SELECT run_id, ended_at, complete, report_key FROM runs
    ORDER BY ended_at DESC, run_id DESC LIMIT 5
"""


class _Stock:
    """Asks one catalog about one period."""

    def __init__(self, db: sqlite3.Connection, period: Period) -> None:
        self._db = db
        self._bounds = {"since": seconds(period.since), "until": seconds(period.until)}
        bounds = {"since": "calls.created_at >= :since", "until": "calls.created_at < :until"}
        given = [bounds[name] for name, bound in self._bounds.items() if bound is not None]
        self._within = " AND ".join(given) or "TRUE"

    def ask(self, question: str, *, keys: str = "") -> sqlite3.Cursor:
        """The rows that answer one of the questions above."""
        parts = {"within": self._within, "facts": _FACTS, "is_open": _IS_OPEN}
        return self._db.execute(question.format(keys=keys, **parts), self._bounds)


def take_stock(db: sqlite3.Connection, period: Period) -> Overview:
    """The overview of that period; of one moment, as long as nobody writes meanwhile."""
    stock, found = _Stock(db, period), Overview()
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
        for row in stock.ask(_OPEN)
    ]
    found.gone = [
        GoneItem(_facts(row), row[5], tuple(json.loads(row[6]))) for row in stock.ask(_GONE)
    ]
    found.runs = [
        PastRun(run_id, moment(ended), bool(complete), key)
        for run_id, ended, complete, key in stock.ask(_RUNS)
    ]
    return found


def _count_calls(stock: _Stock, day: str, found: Overview) -> None:
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


def _name_unrecorded(stock: _Stock, day: str, found: Overview) -> None:
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
