"""What of a period is covered, in sums: all that a statement needs of a million calls.

Rows are counted by SQLite and never read one by one: memory stays flat however large the archive.
Calls are those created in the period; what was done (removals, exports, holds, runs) counts by
when it was done.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final

from archiver.catalog.days import date_of, day_of
from archiver.catalog.epoch import moment, seconds
from archiver.catalog.inspections import SoundCheck
from archiver.catalog.overview import OPEN_ITEMS, Period, Stock
from archiver.catalog.queries import last_whole_run
from archiver.catalog.states import RecordingState

HABIT: Final = timedelta(days=29)
"""So much before the period is counted as well: what is usual on a weekday."""

AGES: Final = (1, 7, 30)
"""Days: open items are younger than one of these, or older than all."""

_ENDS = "SELECT min(created_at), max(created_at) FROM calls WHERE {within}"
_OLDEST = "SELECT min(created_at) FROM calls"
_LISTED_SINCE = "SELECT max(since), count(*) - count(since) FROM cursors"
_CALLS = """
    SELECT {keys}, state, count(*), coalesce(sum(talk_seconds), 0),
           coalesce(sum(state {is_none} AND talk_seconds > 0), 0)
    FROM calls WHERE {within} GROUP BY {keys}, state
"""
_BEFORE = "SELECT {keys}, count(*) FROM calls WHERE {within} GROUP BY 1"
_RECORDINGS = """
    SELECT recordings.state, count(*), coalesce(sum(bytes), 0)
    FROM recordings LEFT JOIN calls USING (call_id) WHERE {within} GROUP BY recordings.state
"""
_OPEN = f"""
    SELECT state, reason, CASE WHEN open_since > :day THEN 0 WHEN open_since > :week THEN 1
           WHEN open_since > :month THEN 2 ELSE 3 END, count(*)
    FROM ({OPEN_ITEMS}) GROUP BY 1, 2, 3
"""  # noqa: S608 - constants
_EXAMINED = """
    SELECT count(*), count(inspections.record_id), count(undecoded)
    FROM recordings LEFT JOIN calls USING (call_id) LEFT JOIN inspections USING (record_id)
    WHERE recordings.state {is_archived} AND {within}
"""
_FOUND = """
    SELECT inspections.findings, count(*)
    FROM inspections JOIN recordings USING (record_id) LEFT JOIN calls USING (call_id)
    WHERE inspections.findings <> '[]' AND {within} GROUP BY 1
"""
_REVIEWED = """
    SELECT count(*) FROM recordings LEFT JOIN calls USING (call_id)
    WHERE record_id IN (SELECT value FROM json_each(:reviewed))
      AND recordings.state {is_archived} AND {within}
"""
_WITHIN_TIME: Final = "({0} >= :since OR :since IS NULL) AND ({0} < :until OR :until IS NULL)"
_REMOVED = f"SELECT why, count(*) FROM tombstones WHERE {_WITHIN_TIME} GROUP BY why"  # noqa: S608
_EXPORTED = f"""
    SELECT count(*), coalesce(sum(recordings), 0), coalesce(sum(bytes), 0)
    FROM exports WHERE {_WITHIN_TIME.format("exported_at")}
"""  # noqa: S608 - constants
_HOLDS = f"""
    SELECT coalesce(sum({_WITHIN_TIME.format("placed_at")}), 0),
           coalesce(sum(lifted_at IS NOT NULL AND {_WITHIN_TIME.format("lifted_at")}), 0),
           coalesce(sum(lifted_at IS NULL), 0)
    FROM holds
"""  # noqa: S608 - constants
_RUNS = f"""
    SELECT count(*), coalesce(sum(complete), 0), max(ended_at)
    FROM runs WHERE {_WITHIN_TIME.format("ended_at")}
"""  # noqa: S608 - constants


@dataclass(slots=True)
class Covered:
    """Calls and their seconds of talk, each by the state of the call. `unrecorded` are calls of
    state `none` with talk time: they should have a recording."""

    calls: Counter[str] = field(default_factory=Counter)
    talk: Counter[str] = field(default_factory=Counter)
    unrecorded: int = 0

    def add(self, state: str, calls: int, talk: float, unrecorded: int) -> None:
        """Count some calls of one state."""
        self.calls[state] += calls
        self.talk[state] += int(talk)
        self.unrecorded += unrecorded


@dataclass(frozen=True, slots=True)
class OpenGroup:
    """What is open in one state for one reason: counts by age, as `AGES` parts it."""

    state: str
    reason: str
    by_age: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Exports:
    """Packages that were handed over, their recordings (each time counted) and bytes."""

    count: int
    recordings: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Holds:
    """Legal holds placed and lifted in the period, and those in force now."""

    placed: int
    lifted: int
    in_force: int


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs that ended in the period and left a report, and the complete ones of them."""

    count: int
    complete: int
    last: datetime | None


@dataclass(slots=True)
class Coverage:
    """The sums of one period. `before` counts the calls of each of the 29 days before it.

    `oldest` is the first call of all in the archive; the calls listed were created before
    `listed_until`, which is None where no run has listed anything to its end yet, and from
    `listed_since` on, which is None where an older version began the list.
    """

    period: Period
    exports: Exports
    holds: Holds
    runs: Runs
    in_all: Covered = field(default_factory=Covered)
    by_day: dict[date | None, Covered] = field(default_factory=dict)
    by_order: dict[int | None, Covered] = field(default_factory=dict)
    by_agent: dict[int | None, Covered] = field(default_factory=dict)
    before: dict[date, int] = field(default_factory=dict)
    recordings: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    open: list[OpenGroup] = field(default_factory=list)
    sound: SoundCheck = field(default_factory=SoundCheck)
    reviewed: int = 0
    removed: dict[str, int] = field(default_factory=dict)
    oldest: datetime | None = None
    listed_until: datetime | None = None
    listed_since: datetime | None = None


def take_coverage(
    db: sqlite3.Connection, period: Period, *, now: datetime, reviewed: Iterable[int] = ()
) -> Coverage:
    """The sums of that period; `reviewed` are recordings of which those of the period count."""
    stock = Stock(db, period)
    of_time = {"since": seconds(period.since), "until": seconds(period.until)}
    found = Coverage(
        period,
        Exports(*db.execute(_EXPORTED, of_time).fetchone()),
        Holds(*db.execute(_HOLDS, of_time).fetchone()),
        _runs(db, of_time),
    )
    _count_calls(stock, found)
    _count_before(db, found)
    for state, count, size in stock.ask(_RECORDINGS):
        found.recordings[state] = count
        found.bytes += size if state == RecordingState.ARCHIVED else 0
    found.open = _open(stock, now)
    found.sound = _sound(stock)
    given = json.dumps([*reviewed])
    (found.reviewed,) = stock.ask(_REVIEWED, {"reviewed": given}).fetchone()
    found.removed = dict(db.execute(_REMOVED.format("removed_at"), of_time))
    found.oldest = oldest_call(db)
    found.listed_until = last_whole_run(db)
    since, unknown = db.execute(_LISTED_SINCE).fetchone()
    found.listed_since = None if unknown else moment(since)
    return found


def oldest_call(db: sqlite3.Connection) -> datetime | None:
    """When the first call of all was created; None where none has a date."""
    oldest: int | None = db.execute(_OLDEST).fetchone()[0]
    return moment(oldest)


def _runs(db: sqlite3.Connection, of_time: dict[str, int | None]) -> Runs:
    count, complete, last = db.execute(_RUNS, of_time).fetchone()
    return Runs(count, complete, moment(last))


def _count_calls(stock: Stock, found: Coverage) -> None:
    day = _day(stock, found.period)
    for ordinal, *counts in stock.ask(_CALLS, keys=day):
        found.by_day.setdefault(date_of(ordinal), Covered()).add(*counts)
        found.in_all.add(*counts)
    # By both at once, in the order of their index: without sorting and without reading the table.
    for order, agent, *counts in stock.ask(_CALLS, keys="order_id, user_id"):
        found.by_order.setdefault(order, Covered()).add(*counts)
        found.by_agent.setdefault(agent, Covered()).add(*counts)


def _count_before(db: sqlite3.Connection, found: Coverage) -> None:
    period = found.period
    if period.since is None:
        return
    before = replace(period, since=period.since - HABIT, until=period.since)
    stock = Stock(db, before)
    for ordinal, count in stock.ask(_BEFORE, keys=_day(stock, before)):
        day = date_of(ordinal)
        assert day is not None  # the bounds leave out calls without a date  # noqa: S101
        found.before[day] = count


def _day(stock: Stock, period: Period) -> str:
    oldest, newest = stock.ask(_ENDS).fetchone()
    return day_of("created_at", period.zone, oldest or 0, newest or 0)


def _open(stock: Stock, now: datetime) -> list[OpenGroup]:
    bounds = zip(("day", "week", "month"), AGES, strict=True)
    ages = {name: seconds(now - timedelta(days=days)) for name, days in bounds}
    groups: dict[tuple[str, str], list[int]] = {}
    for state, reason, age, count in stock.ask(_OPEN, ages):
        groups.setdefault((state, reason or ""), [0] * (len(AGES) + 1))[age] += count
    return [OpenGroup(*which, tuple(by_age)) for which, by_age in sorted(groups.items())]


def _sound(stock: Stock) -> SoundCheck:
    archived, examined, undecoded = stock.ask(_EXAMINED).fetchone()
    check = SoundCheck(examined, archived - examined, undecoded)
    for text, count in stock.ask(_FOUND):
        for finding in json.loads(text):
            check.findings[finding] += count
    return check
