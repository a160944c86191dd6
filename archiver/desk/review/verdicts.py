"""Verdicts: one reviewer's answers to the questions of a scorecard about one recording.

Reviewers see only their own verdicts, so that they do not influence each other. A draft is changed
in place; once submitted, every change is a new revision and the earlier one is kept. A verdict
belongs to the scorecard that it was started with.
"""

import json
import sqlite3
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from archiver.catalog.epoch import moment, seconds
from archiver.clock import Clock
from archiver.desk.accounts.person import Person, Right
from archiver.desk.file import DeskFile
from archiver.desk.review.basis import Basis
from archiver.desk.review.places import end_places
from archiver.desk.review.scorecard import Mark, Scorecard, dump_scorecard, load_scorecard
from archiver.desk.texts import free_text
from archiver.errors import NoSuchThing, NotAllowed, WrongInput

_LONGEST: Final = 4000


class VerdictState(StrEnum):
    """Whether a reviewer stands by it."""

    DRAFT = "draft"
    SUBMITTED = "submitted"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One reviewer's answers. `score` is 0 to 100, None where no question applies."""

    verdict_id: int
    record_id: int
    reviewer: str
    card: Scorecard
    marks: Mapping[str, Mark]
    comment: str
    score: float | None
    state: VerdictState
    revision: int
    created_at: datetime
    changed_at: datetime
    agent_id: int | None
    version: int


@dataclass(frozen=True, slots=True)
class FormerVerdict:
    """An earlier revision of a verdict."""

    revision: int
    marks: Mapping[str, Mark]
    comment: str
    score: float | None
    changed_at: datetime


class Verdicts:
    """The verdicts of one desk; new ones are given on `card`."""

    def __init__(self, file: DeskFile, card: Scorecard, clock: Clock) -> None:
        self._file = file
        self._clock = clock
        self.card = card
        self._digest = card.digest
        self._cards = {self._digest: card}

    async def mine(self, by: Person, record_id: int) -> Verdict | None:
        """One's own verdict on the recording, by the present scorecard."""
        key = (record_id, by.name, self._digest)
        return await self._file.read(lambda db: self._find(db, key))

    async def of(self, by: Person, record_id: int) -> list[Verdict]:
        """The verdicts on a recording that the person may see: one's own, and for an admin all that
        were submitted."""

        def ask(db: sqlite3.Connection) -> list[Verdict]:
            rows = db.execute(
                "SELECT * FROM verdicts"
                " WHERE record_id = ? AND (reviewer = ? OR ? AND state = 'submitted')"
                " ORDER BY created_at, verdict_id",
                (record_id, by.name, by.may(Right.OVERSEE)),
            )
            return [self._verdict(db, row) for row in rows.fetchall()]

        return await self._file.read(ask)

    async def history(self, by: Person, verdict_id: int) -> list[FormerVerdict]:
        """The earlier revisions of the verdict, newest first. NoSuchThing if `by` may not see
        it."""

        def ask(db: sqlite3.Connection) -> list[FormerVerdict]:
            found = db.execute(
                "SELECT reviewer FROM verdicts WHERE verdict_id = ?", (verdict_id,)
            ).fetchone()
            if found is None or not (found[0] == by.name or by.may(Right.OVERSEE)):
                raise NoSuchThing("this verdict does not exist")
            rows = db.execute(
                "SELECT revision, marks, comment, score, changed_at FROM former_verdicts"
                " WHERE verdict_id = ? ORDER BY revision DESC",
                (verdict_id,),
            )
            return [_former(row) for row in rows.fetchall()]

        return await self._file.read(ask)

    async def save(
        self,
        by: Person,
        record_id: int,
        marks: Mapping[str, object],
        *,
        comment: str = "",
        agent_id: int | None = None,
        submit: bool = False,
        basis: Basis | None = None,
    ) -> Verdict:
        """Keep one's own verdict as a draft, or submit it: then every question has to be answered.

        With `basis`, ChangedMeanwhile if the verdict is not as the form showed it.

        Submitting takes the recording out of every queue. Raises WrongInput, whose field is the
        question's id, and NotAllowed for turning a submitted verdict into a draft.
        """
        by.need(Right.JUDGE)
        checked = self.card.check(marks)
        missing = self.card.unanswered(checked) if submit else []
        if missing:
            raise WrongInput(
                missing[0],
                f"{len(missing)} questions are not answered",
                problem="unanswered",
                limit=len(missing),
            )
        kept, now = free_text(comment, "comment", _LONGEST), seconds(self._clock())
        said = (json.dumps(checked), kept, self.card.score(checked))
        key = (record_id, by.name, self._digest)

        def change(db: sqlite3.Connection) -> Verdict:
            former = self._find(db, key)
            is_same = former is not None and (former.marks, former.comment) == (checked, kept)
            if basis is not None and not is_same:
                basis.need(*_written(db, key))
            if former is None:
                self._begin(db, key, now, agent_id)
            elif former.state is VerdictState.SUBMITTED:
                if not submit:
                    raise NotAllowed(
                        "this verdict was submitted", hint="submit it again to change it"
                    )
                if is_same:
                    return former
                _keep_former(db, former.verdict_id)
            _say(db, key, said, now, submit=submit, writer=basis.writer if basis else "")
            if submit:
                end_places(db, record_id, by.name, now)
            found = self._find(db, key)
            assert found is not None  # noqa: S101 - it was written just now
            return found

        return await self._file.write(change)

    async def reviewed(self) -> "array[int]":
        """The ids of all recordings that have a verdict which was submitted."""
        rows = await self._file.read(
            lambda db: db.execute(
                "SELECT DISTINCT record_id FROM verdicts WHERE state = 'submitted'"
            ).fetchall()
        )
        return array("q", (record_id for (record_id,) in rows))

    async def after(self, by: Person, verdict_id: int, limit: int) -> list[Verdict]:
        """The next verdicts of all that were submitted, in the order in which they were begun."""
        by.need(Right.OVERSEE)

        def ask(db: sqlite3.Connection) -> list[Verdict]:
            rows = db.execute(
                "SELECT * FROM verdicts WHERE verdict_id > ? AND state = 'submitted'"
                " ORDER BY verdict_id LIMIT ?",
                (verdict_id, limit),
            )
            return [self._verdict(db, row) for row in rows.fetchall()]

        return await self._file.read(ask)

    async def cards(self) -> list[Scorecard]:
        """Every scorecard that a verdict was given on, the present one first."""
        rows = await self._file.read(
            lambda db: db.execute(
                "SELECT definition FROM scorecards WHERE digest <> ? ORDER BY rowid",
                (self._digest,),
            ).fetchall()
        )
        return [self.card, *(load_scorecard(definition) for (definition,) in rows)]

    def _begin(
        self, db: sqlite3.Connection, key: tuple[int, str, str], now: int, agent_id: int | None
    ) -> None:
        db.execute(
            "INSERT OR IGNORE INTO scorecards VALUES (?, ?)",
            (self._digest, dump_scorecard(self.card)),
        )
        db.execute(
            "INSERT INTO verdicts (record_id, reviewer, scorecard, state, revision, marks, comment,"
            " agent_id, created_at, changed_at) VALUES (?, ?, ?, 'draft', 1, '{}', '', ?, ?, ?)",
            (*key, agent_id, now, now),
        )

    def _find(self, db: sqlite3.Connection, key: tuple[int, str, str]) -> Verdict | None:
        row = db.execute(
            "SELECT * FROM verdicts WHERE record_id = ? AND reviewer = ? AND scorecard = ?", key
        ).fetchone()
        return None if row is None else self._verdict(db, row)

    def _verdict(self, db: sqlite3.Connection, row: sqlite3.Row) -> Verdict:
        return Verdict(
            row["verdict_id"],
            row["record_id"],
            row["reviewer"],
            self._card(db, row["scorecard"]),
            json.loads(row["marks"]),
            row["comment"],
            row["score"],
            VerdictState(row["state"]),
            row["revision"],
            moment(row["created_at"]),
            moment(row["changed_at"]),
            row["agent_id"],
            row["version"],
        )

    def _card(self, db: sqlite3.Connection, digest: str) -> Scorecard:
        if digest not in self._cards:
            (text,) = db.execute(
                "SELECT definition FROM scorecards WHERE digest = ?", (digest,)
            ).fetchone()
            self._cards[digest] = load_scorecard(text)
        return self._cards[digest]


def _keep_former(db: sqlite3.Connection, verdict_id: int) -> None:
    db.execute(
        "INSERT INTO former_verdicts SELECT verdict_id, revision, marks, comment, score, changed_at"
        " FROM verdicts WHERE verdict_id = ?",
        (verdict_id,),
    )
    db.execute("UPDATE verdicts SET revision = revision + 1 WHERE verdict_id = ?", (verdict_id,))


def _say(
    db: sqlite3.Connection,
    key: tuple[int, str, str],
    said: tuple[str, str, float | None],
    now: int,
    *,
    submit: bool,
    writer: str,
) -> None:
    state = VerdictState.SUBMITTED if submit else VerdictState.DRAFT
    db.execute(
        "UPDATE verdicts SET marks = ?, comment = ?, score = ?, state = ?, changed_at = ?,"
        " writer = ?, version = version + 1"
        " WHERE record_id = ? AND reviewer = ? AND scorecard = ?",
        (*said, state, now, writer, *key),
    )


def _written(db: sqlite3.Connection, key: tuple[int, str, str]) -> tuple[int, str]:
    """The version of a verdict and the page that wrote it; 0 where there is none yet."""
    row = db.execute(
        "SELECT version, writer FROM verdicts"
        " WHERE record_id = ? AND reviewer = ? AND scorecard = ?",
        key,
    ).fetchone()
    return (row["version"], row["writer"]) if row else (0, "")


def _former(row: sqlite3.Row) -> FormerVerdict:
    return FormerVerdict(
        row["revision"],
        json.loads(row["marks"]),
        row["comment"],
        row["score"],
        moment(row["changed_at"]),
    )
