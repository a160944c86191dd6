"""Calibration: several reviewers judge the same calls without seeing each other's verdicts until
all are given; then the verdicts are compared, and an agreed one is recorded.

The verdicts are ordinary verdicts on the session's scorecard. `blindness` defines what is hidden
from whom, and for how long.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from archiver.catalog.epoch import moment, seconds
from archiver.clock import Clock
from archiver.desk.accounts.person import Person, Right
from archiver.desk.file import DeskFile
from archiver.desk.review.basis import Basis, Once
from archiver.desk.review.scorecard import Mark, Scorecard, load_scorecard
from archiver.desk.review.verdicts import Verdict, Verdicts
from archiver.desk.texts import free_text, short_text
from archiver.errors import NoSuchThing, Problem, WrongAnswer, WrongInput

_LONGEST: Final = 100
_LONGEST_COMMENT: Final = 4000
MOST_CALLS: Final = 50
MOST_PEOPLE: Final = 20


@dataclass(frozen=True, slots=True)
class Agreed:
    """The agreed verdict on one call; `version` counts how often it was saved, 0: not yet."""

    marks: Mapping[str, Mark]
    comment: str
    version: int


NOT_AGREED: Final = Agreed({}, "", 0)


@dataclass(frozen=True, slots=True)
class Session:
    """One calibration. `done` has the number of calls that each person has judged."""

    calibration_id: int
    title: str
    card: Scorecard
    card_name: str
    card_version: int
    made_by: str
    made_at: datetime
    revealed_at: datetime | None
    closed_at: datetime | None
    record_ids: tuple[int, ...]
    done: Mapping[str, int]
    agreed: Mapping[int, Agreed]


class Calibrations:
    """The calibrations of one desk."""

    def __init__(self, file: DeskFile, verdicts: Verdicts, clock: Clock) -> None:
        self._file = file
        self._verdicts = verdicts
        self._clock = clock

    async def make(
        self,
        by: Person,
        title: str,
        digest: str,
        record_ids: Sequence[int],
        names: Sequence[str],
        *,
        token: str = "",
    ) -> int:
        """Create a session for these calls and people; returns its id. WrongInput for fewer than
        two people, no calls, or too many of either."""
        by.need(Right.LEAD)
        named, now = short_text(title, "title", _LONGEST), seconds(self._clock())
        if not record_ids:
            raise WrongInput("view", "there are no recordings to draw from", problem="nothing")
        for field, found, least, most in (
            ("people", names, 2, MOST_PEOPLE),
            ("calls", record_ids, 1, MOST_CALLS),
        ):
            if not least <= len(found) <= most:
                problem: Problem = "too-few" if len(found) < least else "too-many"
                raise WrongInput(
                    field,
                    f"must be {least} to {most}",
                    problem=problem,
                    limit=least if problem == "too-few" else most,
                )

        def make(db: sqlite3.Connection) -> int:
            added = db.execute(
                "INSERT INTO calibrations (title, scorecard, made_by, made_at) VALUES (?, ?, ?, ?)",
                (named, digest, by.name, now),
            )
            one = added.lastrowid
            assert one is not None  # noqa: S101 - a row was inserted
            db.executemany(
                "INSERT INTO calibration_calls (calibration_id, position, record_id)"
                " VALUES (?, ?, ?)",
                ((one, position, record_id) for position, record_id in enumerate(record_ids, 1)),
            )
            db.executemany(
                "INSERT INTO calibration_people VALUES (?, ?)", ((one, name) for name in names)
            )
            return one

        once = Once(by.name, "calibration", token, now)
        return await self._file.write(lambda db: once.make(db, lambda: make(db)))

    async def all(self, by: Person) -> list[Session]:
        """The sessions in which the person takes part; all for a lead. Open ones first."""
        by.need(Right.JUDGE)
        return await self._file.read(lambda db: _sessions(db, by, None))

    async def find(self, by: Person, calibration_id: int) -> Session:
        """One session. NoSuchThing if the person may not see it."""
        by.need(Right.JUDGE)
        found = await self._file.read(lambda db: _sessions(db, by, calibration_id))
        if not found:
            raise NoSuchThing("this calibration does not exist")
        return found[0]

    async def verdicts(self, by: Person, session: Session) -> dict[tuple[int, str], Verdict]:
        """By recording and person: the person's own verdicts; once revealed, everyone's."""
        condition = (
            "state = 'submitted' AND scorecard = ? AND (reviewer = ? OR ?)"
            " AND record_id IN (SELECT value FROM json_each(?))"
            " AND reviewer IN (SELECT value FROM json_each(?))"
        )
        values = (
            session.card.digest,
            by.name,
            session.revealed_at is not None,
            json.dumps(session.record_ids),
            json.dumps(list(session.done)),
        )
        found = await self._file.read(lambda db: self._verdicts.selected(db, condition, values))
        return {(one.record_id, one.reviewer): one for one in found}

    async def agree(
        self,
        by: Person,
        session: Session,
        record_id: int,
        marks: Mapping[str, object],
        comment: str,
        *,
        basis: Basis,
    ) -> None:
        """Record the agreed verdict on one call. WrongInput unless every question is answered,
        NoSuchThing if the session is closed or not revealed yet, ChangedMeanwhile if another page
        has recorded one since."""
        by.need(Right.LEAD)
        checked = session.card.check(marks)
        missing = session.card.unanswered(checked)
        if missing:
            raise WrongAnswer(missing[0], "not answered", problem="unanswered", limit=len(missing))
        kept = free_text(comment, "comment", _LONGEST_COMMENT)

        def change(db: sqlite3.Connection) -> None:
            own = (session.calibration_id, record_id)
            found = db.execute(
                "SELECT version, writer FROM calibration_calls JOIN calibrations USING"
                " (calibration_id) WHERE calibration_id = ? AND record_id = ?"
                " AND revealed_at IS NOT NULL AND closed_at IS NULL",
                own,
            ).fetchone()
            if found is None:
                raise NoSuchThing("this calibration is closed, or not complete yet")
            basis.need(*found)
            db.execute(
                "UPDATE calibration_calls SET agreed = ?, comment = ?, version = version + 1,"
                " writer = ? WHERE calibration_id = ? AND record_id = ?",
                (json.dumps(checked), kept, basis.writer, *own),
            )

        await self._file.write(change)

    async def close(self, by: Person, calibration_id: int) -> None:
        """Close a session, which reveals its verdicts even if some are missing."""
        by.need(Right.LEAD)
        now = seconds(self._clock())
        await self._file.write(
            lambda db: db.execute(
                "UPDATE calibrations SET closed_at = ?, closed_by = ?,"
                " revealed_at = coalesce(revealed_at, ?)"
                " WHERE calibration_id = ? AND closed_at IS NULL",
                (now, by.name, now, calibration_id),
            )
        )


def _sessions(db: sqlite3.Connection, by: Person, calibration_id: int | None) -> list[Session]:
    rows = db.execute(
        "SELECT k.*, s.definition, s.name, s.version FROM calibrations k"
        " JOIN scorecards s ON s.digest = k.scorecard"
        " WHERE (:id IS NULL OR k.calibration_id = :id) AND (:lead OR EXISTS (SELECT 1 FROM"
        " calibration_people p WHERE p.calibration_id = k.calibration_id AND p.name = :me))"
        " ORDER BY k.closed_at IS NOT NULL, k.calibration_id DESC",
        {"id": calibration_id, "lead": by.may(Right.LEAD), "me": by.name},
    ).fetchall()
    return [_session(db, row) for row in rows]


def _session(db: sqlite3.Connection, row: sqlite3.Row) -> Session:
    own = (row["calibration_id"],)
    calls = db.execute(
        "SELECT record_id, agreed, comment, version FROM calibration_calls WHERE calibration_id = ?"
        " ORDER BY position",
        own,
    ).fetchall()
    people = db.execute(
        "SELECT p.name, (SELECT count(*) FROM calibration_calls c JOIN verdicts v USING (record_id)"
        " WHERE c.calibration_id = p.calibration_id AND v.reviewer = p.name"
        " AND v.scorecard = ? AND v.state = 'submitted')"
        " FROM calibration_people p WHERE p.calibration_id = ? ORDER BY p.name",
        (row["scorecard"], *own),
    )
    return Session(
        row["calibration_id"],
        row["title"],
        load_scorecard(row["definition"]),
        row["name"],
        row["version"],
        row["made_by"],
        moment(row["made_at"]),
        moment(row["revealed_at"]),
        moment(row["closed_at"]),
        tuple(one["record_id"] for one in calls),
        dict(people.fetchall()),
        {
            one["record_id"]: Agreed(json.loads(one["agreed"]), one["comment"], one["version"])
            for one in calls
            if one["agreed"] is not None
        },
    )
