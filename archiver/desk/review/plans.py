"""Plans: a new sample every week, a number of recordings per agent, assigned with a due date.

A plan draws from the calls of a whole week (Monday to Sunday) after its end. The sample is an
ordinary queue whose entries can be assigned to reviewers. A week is drawn once, even by several
desks: its row is written in the same transaction as its queue.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from archiver.catalog.epoch import moment, seconds
from archiver.clock import Clock
from archiver.desk.accounts.person import Person, Right
from archiver.desk.file import DeskFile
from archiver.desk.review.basis import Once
from archiver.desk.review.sampling import Drawn
from archiver.desk.texts import short_text
from archiver.errors import NoSuchThing, WrongInput

_LONGEST: Final = 100
MOST_A_WEEK: Final = 100
MOST_DAYS: Final = 60
_MOST_WEEKS: Final = 8
"""The most weeks drawn at once, if the desk was not running for a long time."""
_WEEK: Final = timedelta(days=7)


class Stratum(StrEnum):
    """What a sample is spread over in proportion."""

    DIRECTION = "direction"
    LENGTH = "length"
    ORDER = "order"


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan. `query` is the address of the view that it draws from; with empty `people`, anyone
    reviews. `due_days` is the time between drawing and due date."""

    plan_id: int
    title: str
    query: str
    per_agent: int
    strata: tuple[Stratum, ...]
    people: tuple[str, ...]
    due_days: int
    made_by: str
    made_at: datetime
    first_week: date
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class PlannedWeek:
    """One week of a plan: the queue drawn for it, None if it had no calls."""

    plan_id: int
    week: date
    queue_id: int | None
    due_at: datetime
    total: int
    waiting: int

    def is_overdue(self, now: datetime) -> bool:
        """Whether an entry is waiting after the due date."""
        return self.waiting > 0 and now > self.due_at


_IN_SIGHT: Final = 8
"""Weeks of a plan that are shown without being asked for."""


def in_sight(
    weeks: Sequence[PlannedWeek], now: datetime
) -> tuple[list[PlannedWeek], list[PlannedWeek]]:
    """The newest weeks with all that are overdue, however old; and the others, to be folded away.

    `weeks` are those of one plan, newest first, and so are both results.
    """
    older = weeks[_IN_SIGHT:]
    overdue = [one for one in older if one.is_overdue(now)]
    return [*weeks[:_IN_SIGHT], *overdue], [one for one in older if not one.is_overdue(now)]


@dataclass(frozen=True, slots=True)
class Load:
    """A person's workload: waiting and overdue entries, and those claimed now."""

    name: str
    waiting: int
    overdue: int
    holds: tuple[tuple[int, datetime], ...]


class Plans:
    """The plans of one desk."""

    def __init__(self, file: DeskFile, clock: Clock) -> None:
        self._file = file
        self._clock = clock

    async def make(
        self,
        by: Person,
        title: str,
        query: str,
        *,
        per_agent: int,
        strata: Sequence[Stratum],
        people: Sequence[str],
        due_days: int,
        first_week: date,
        token: str = "",
    ) -> int:
        """Create a plan that draws `first_week` first; returns its id. WrongInput names the
        field."""
        by.need(Right.LEAD)
        named, now = short_text(title, "title", _LONGEST), seconds(self._clock())
        for field, value, most in (
            ("per-agent", per_agent, MOST_A_WEEK),
            ("due-days", due_days, MOST_DAYS),
        ):
            if not 1 <= value <= most:
                raise WrongInput(field, f"must be 1 to {most}", problem="range", limit=most)
        row = (
            *(named, query, per_agent, " ".join(strata), " ".join(people), due_days),
            *(by.name, now, first_week.toordinal()),
        )

        def make(db: sqlite3.Connection) -> int:
            added = db.execute(
                "INSERT INTO plans (title, query, per_agent, strata, people, due_days, made_by,"
                " made_at, first_week) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )
            assert added.lastrowid is not None  # noqa: S101 - a row was inserted
            return added.lastrowid

        once = Once(by.name, "plan", token, now)
        return await self._file.write(lambda db: once.make(db, lambda: make(db)))

    async def all(self) -> list[Plan]:
        """Every plan, active ones first."""
        rows = await self._file.read(
            lambda db: db.execute(
                "SELECT * FROM plans ORDER BY ended_at IS NOT NULL, plan_id DESC"
            ).fetchall()
        )
        return [_plan(row) for row in rows]

    async def end(self, by: Person, plan_id: int) -> None:
        """End a plan; NoSuchThing if there is none with this id, or it has ended."""
        by.need(Right.LEAD)
        now = seconds(self._clock())
        changed = await self._file.write(
            lambda db: (
                db.execute(
                    "UPDATE plans SET ended_at = ? WHERE plan_id = ? AND ended_at IS NULL",
                    (now, plan_id),
                ).rowcount
            )
        )
        if not changed:
            raise NoSuchThing("this plan does not exist, or has ended")

    async def due(self, today: date) -> list[tuple[Plan, date]]:
        """The weeks that are over but not drawn yet, for every active plan."""
        this_week = today - timedelta(days=today.weekday())
        drawn = await self._file.read(
            lambda db: {tuple(row) for row in db.execute("SELECT plan_id, week FROM plan_weeks")}
        )
        found = []
        for plan in await self.all():
            week = max(plan.first_week, this_week - _MOST_WEEKS * _WEEK)
            while plan.ended_at is None and week < this_week:
                if (plan.plan_id, week.toordinal()) not in drawn:
                    found.append((plan, week))
                week += _WEEK
        return found

    async def keep(self, plan: Plan, week: date, drawn: Sequence[Drawn], seed: str) -> int | None:
        """Store the sample of a week as a queue; None if another desk has done so, or the sample is
        empty."""
        now = self._clock()
        due = seconds(now + timedelta(days=plan.due_days))

        def change(db: sqlite3.Connection) -> int | None:
            added = db.execute(
                "INSERT OR IGNORE INTO plan_weeks (plan_id, week, due_at) VALUES (?, ?, ?)",
                (plan.plan_id, week.toordinal(), due),
            )
            if not added.rowcount or not drawn:
                return None
            queue_id = _queue(db, plan, week, seed, seconds(now))
            people = plan.people
            db.executemany(
                "INSERT INTO places (queue_id, position, record_id, agent_id, state, assigned_to)"
                " VALUES (?, ?, ?, ?, 'waiting', ?)",
                (
                    (
                        queue_id,
                        position,
                        one.record_id,
                        one.agent_id,
                        people[position % len(people)] if people else None,
                    )
                    for position, one in enumerate(drawn, start=1)
                ),
            )
            db.execute(
                "UPDATE plan_weeks SET queue_id = ? WHERE plan_id = ? AND week = ?",
                (queue_id, plan.plan_id, week.toordinal()),
            )
            return queue_id

        return await self._file.write(change)

    async def weeks(self) -> Mapping[int, list[PlannedWeek]]:
        """The weeks drawn for each plan, newest first."""
        rows = await self._file.read(lambda db: db.execute(_WEEKS).fetchall())
        found: dict[int, list[PlannedWeek]] = {}
        for plan_id, week, queue_id, due_at, total, waiting in rows:
            one = PlannedWeek(
                plan_id, date.fromordinal(week), queue_id, moment(due_at), total, waiting
            )
            found.setdefault(plan_id, []).append(one)
        return found

    async def loads(self, by: Person) -> list[Load]:
        """Everyone's workload, and the entries they have claimed."""
        by.need(Right.LEAD)
        now = seconds(self._clock())

        def ask(db: sqlite3.Connection) -> list[Load]:
            assigned = db.execute(_ASSIGNED, {"now": now}).fetchall()
            holds: dict[str, list[tuple[int, datetime]]] = {}
            for name, record_id, until in db.execute(_HELD, {"now": now}):
                holds.setdefault(name, []).append((record_id, moment(until)))
            numbers = {name: (waiting, overdue) for name, waiting, overdue in assigned}
            return [
                Load(name, *numbers.get(name, (0, 0)), tuple(holds.get(name, ())))
                for name in sorted(numbers.keys() | holds.keys())
            ]

        return await self._file.read(ask)


_WEEKS: Final = """
    SELECT w.plan_id, w.week, w.queue_id, w.due_at, count(p.position),
           coalesce(sum(p.state = 'waiting' AND q.closed_at IS NULL), 0)
    FROM plan_weeks w LEFT JOIN queues q USING (queue_id) LEFT JOIN places p USING (queue_id)
    GROUP BY w.plan_id, w.week ORDER BY w.week DESC
"""
_ASSIGNED: Final = """
    SELECT p.assigned_to, count(*), coalesce(sum(w.due_at < :now), 0)
    FROM places p JOIN queues q USING (queue_id) LEFT JOIN plan_weeks w USING (queue_id)
    WHERE p.state = 'waiting' AND q.closed_at IS NULL AND p.assigned_to IS NOT NULL
    GROUP BY p.assigned_to
"""
_HELD: Final = """
    SELECT p.claimed_by, p.record_id, p.claimed_until FROM places p JOIN queues q USING (queue_id)
    WHERE p.state = 'waiting' AND q.closed_at IS NULL AND p.claimed_until > :now
    ORDER BY p.claimed_by, p.claimed_until
"""


def _queue(db: sqlite3.Connection, plan: Plan, week: date, seed: str, now: int) -> int:
    added = db.execute(
        "INSERT INTO queues (title, seed, share, least, made_by, made_at)"
        " VALUES (?, ?, 0, ?, ?, ?)",
        (f"{plan.title}, {week.isoformat()}", seed, plan.per_agent, plan.made_by, now),
    )
    assert added.lastrowid is not None  # noqa: S101 - a row was inserted
    return added.lastrowid


def _plan(row: sqlite3.Row) -> Plan:
    return Plan(
        row["plan_id"],
        row["title"],
        row["query"],
        row["per_agent"],
        tuple(Stratum(one) for one in row["strata"].split()),
        tuple(row["people"].split()),
        row["due_days"],
        row["made_by"],
        moment(row["made_at"]),
        date.fromordinal(row["first_week"]),
        moment(row["ended_at"]),
    )
