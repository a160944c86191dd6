"""Verdicts: one reviewer's answers to the questions of a scorecard about one recording.

Reviewers see only their own verdicts, so that they do not influence each other. A draft is changed
in place; once submitted, every change is a new revision and the earlier one is kept. A verdict
belongs to the scorecard that it was started with.
"""

import json
import sqlite3
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from archiver.catalog.epoch import moment, seconds
from archiver.clock import Clock
from archiver.desk.accounts.person import Person, Right
from archiver.desk.file import DeskFile
from archiver.desk.review.attention import NONE, Attention, attend
from archiver.desk.review.basis import Basis
from archiver.desk.review.blindness import REVEALED, reveal
from archiver.desk.review.places import end_places
from archiver.desk.review.remarks import Remark, check_remarks, dump_remarks, load_remarks
from archiver.desk.review.scorecard import (
    AutoFail,
    Mark,
    Scorecard,
    dump_scorecard,
    load_scorecard,
)
from archiver.desk.texts import free_text
from archiver.errors import NoSuchThing, NotAllowed, WrongAnswer

_LONGEST: Final = 4000
_NOTHING: Final[Mapping[str, Remark]] = MappingProxyType({})
_ALL: Final = (0, 2**63 - 1)
VERDICTS: Final = """SELECT verdicts.*, s.name AS card_name, s.version AS card_version
    FROM verdicts JOIN scorecards s ON s.digest = verdicts.scorecard"""


class VerdictState(StrEnum):
    """The states of a verdict."""

    DRAFT = "draft"
    SUBMITTED = "submitted"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One reviewer's answers, and the remarks on them. `score` is 0 to 100, None if no question
    applies; `is_failed` means that an auto-fail question set it to 0. `card_name` and
    `card_version` are those of the scorecard that it was begun on."""

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
    remarks: Mapping[str, Remark]
    is_failed: bool
    card_name: str
    card_version: int
    attention: Attention


@dataclass(frozen=True, slots=True)
class FormerVerdict:
    """An earlier revision of a verdict."""

    revision: int
    marks: Mapping[str, Mark]
    comment: str
    score: float | None
    changed_at: datetime
    remarks: Mapping[str, Remark]


_Key = tuple[int, str, str]
"""Recording, reviewer, and the digest of the scorecard."""


@dataclass(frozen=True, slots=True)
class _Said:
    """The checked content of a form."""

    card: Scorecard
    marks: Mapping[str, Mark]
    comment: str
    remarks: Mapping[str, Remark]

    def is_in(self, verdict: Verdict) -> bool:
        """Whether the verdict has the same content."""
        told = (verdict.marks, verdict.comment, verdict.remarks)
        return told == (self.marks, self.comment, self.remarks)

    def columns(self) -> tuple[str, str, float | None, str, bool]:
        """Marks, comment, score, remarks, and whether it failed, as they are stored."""
        is_failed = AutoFail.CARD in self.card.failures(self.marks).values()
        score = self.card.score(self.marks)
        return json.dumps(self.marks), self.comment, score, dump_remarks(self.remarks), is_failed


def _said(
    card: Scorecard,
    marks: Mapping[str, object],
    comment: str,
    remarks: Mapping[str, Remark],
    *,
    submit: bool,
) -> _Said:
    checked = card.check(marks)
    missing = card.unanswered(checked) if submit else []
    if missing:
        raise WrongAnswer(
            missing[0],
            f"{len(missing)} questions are not answered",
            problem="unanswered",
            limit=len(missing),
        )
    kept = free_text(comment, "comment", _LONGEST)
    return _Said(card, checked, kept, check_remarks(card, remarks))


class Verdicts:
    """The verdicts of one desk."""

    def __init__(self, file: DeskFile, clock: Clock) -> None:
        self._file = file
        self._clock = clock
        self._cards: dict[str, Scorecard] = {}

    async def mine(self, by: Person, record_id: int, card: Scorecard) -> Verdict | None:
        """One's own verdict on the recording, on this scorecard."""
        key = (record_id, by.name, card.digest)
        return await self._file.read(lambda db: self._find(db, key))

    async def card(self, digest: str) -> Scorecard:
        """The scorecard with this digest; NoSuchThing if the desk never had it."""
        return await self._file.read(lambda db: self._card(db, digest))

    async def of(self, by: Person, record_id: int) -> list[Verdict]:
        """The verdicts on a recording that the person may see: one's own, and for an admin all
        submitted ones."""

        def ask(db: sqlite3.Connection) -> list[Verdict]:
            rows = db.execute(
                f"{VERDICTS}"
                " WHERE record_id = ? AND (reviewer = ?"
                f" OR ? AND state = 'submitted' AND {REVEALED})"
                " ORDER BY created_at, verdict_id",
                (record_id, by.name, by.may(Right.LEAD)),
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
            if found is None or not (found[0] == by.name or by.may(Right.LEAD)):
                raise NoSuchThing("this verdict does not exist")
            rows = db.execute(
                "SELECT * FROM former_verdicts WHERE verdict_id = ? ORDER BY revision DESC",
                (verdict_id,),
            )
            return [_former(row) for row in rows.fetchall()]

        return await self._file.read(ask)

    async def save(
        self,
        by: Person,
        record_id: int,
        card: Scorecard,
        marks: Mapping[str, object],
        *,
        comment: str = "",
        remarks: Mapping[str, Remark] = _NOTHING,
        agent_id: int | None = None,
        submit: bool = False,
        basis: Basis | None = None,
        attention: Attention = NONE,
    ) -> Verdict:
        """Save one's own verdict as a draft, or submit it, which requires all answers.

        With `basis`, ChangedMeanwhile if the verdict is not as shown by the form.

        Submitting removes the recording from every queue. Raises WrongInput, whose field is the
        question's id, and NotAllowed for turning a submitted verdict into a draft.
        """
        by.need(Right.JUDGE)
        said = _said(card, marks, comment, remarks, submit=submit)
        key, now = (record_id, by.name, card.digest), seconds(self._clock())

        def change(db: sqlite3.Connection) -> Verdict:
            former = self._find(db, key)
            is_same = former is not None and said.is_in(former)
            if basis is not None and not is_same:
                basis.need(*_written(db, key))
            if former is None:
                _begin(db, key, card, now, agent_id)
            elif former.state is VerdictState.SUBMITTED:
                if not submit:
                    raise NotAllowed(
                        "this verdict was submitted", hint="submit it again to change it"
                    )
                if is_same:
                    return former
                keep_former(db, former.verdict_id)
            _say(db, key, said, now, submit=submit, writer=basis.writer if basis else "")
            attend(db, key, attention)
            if submit:
                end_places(db, record_id, by.name, now)
                reveal(db, record_id, now)
            found = self._find(db, key)
            assert found is not None  # noqa: S101 - it was written just now
            return found

        return await self._file.write(change)

    def selected(
        self, db: sqlite3.Connection, condition: str, values: Sequence[object]
    ) -> list[Verdict]:
        """The verdicts that match a condition in SQL, within the caller's transaction."""
        rows = db.execute(f"{VERDICTS} WHERE {condition}", values).fetchall()
        return [self._verdict(db, row) for row in rows]

    async def reviewed(self) -> "array[int]":
        """The ids of all recordings with a submitted verdict."""
        rows = await self._file.read(
            lambda db: db.execute(
                "SELECT DISTINCT record_id FROM verdicts WHERE state = 'submitted'"
            ).fetchall()
        )
        return array("q", (record_id for (record_id,) in rows))

    async def after(
        self, by: Person, verdict_id: int, limit: int, *, span: tuple[int, int] = _ALL
    ) -> list[Verdict]:
        """The next submitted verdicts, in the order in which they were begun; `span` is the
        smallest and the largest id of their recordings."""
        by.need(Right.LEAD)

        def ask(db: sqlite3.Connection) -> list[Verdict]:
            rows = db.execute(
                f"{VERDICTS} WHERE verdict_id > ? AND state = 'submitted' AND {REVEALED}"
                " AND record_id BETWEEN ? AND ? ORDER BY verdict_id LIMIT ?",
                (verdict_id, *span, limit),
            )
            return [self._verdict(db, row) for row in rows.fetchall()]

        return await self._file.read(ask)

    async def changed(
        self,
        by: Person,
        *,
        since: datetime | None,
        after: tuple[int, int] | None,
        limit: int,
    ) -> list[Verdict]:
        """Submitted verdicts in the order of their last change: those changed after a position,
        which is a time (seconds since 1970) and an id."""
        by.need(Right.LEAD)
        condition = f"state = 'submitted' AND {REVEALED} AND changed_at >= ?"
        condition += (
            " AND (changed_at, verdict_id) > (?, ?) ORDER BY changed_at, verdict_id LIMIT ?"
        )
        values = (seconds(since) or 0, *(after or (-1, -1)), limit)
        return await self._file.read(lambda db: self.selected(db, condition, values))

    async def cards(self) -> list[Scorecard]:
        """Every scorecard that is or was in use, the present ones first."""
        rows = await self._file.read(
            lambda db: db.execute(
                "SELECT definition FROM scorecards ORDER BY position IS NULL, position, rowid"
            ).fetchall()
        )
        return [load_scorecard(definition) for (definition,) in rows]

    def _find(self, db: sqlite3.Connection, key: _Key) -> Verdict | None:
        row = db.execute(
            f"{VERDICTS} WHERE record_id = ? AND reviewer = ? AND scorecard = ?", key
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
            load_remarks(row["remarks"]),
            bool(row["is_failed"]),
            row["card_name"],
            row["card_version"],
            Attention(bool(row["is_played"]), row["heard"], row["spent"]),
        )

    def _card(self, db: sqlite3.Connection, digest: str) -> Scorecard:
        if digest not in self._cards:
            found = db.execute(
                "SELECT definition FROM scorecards WHERE digest = ?", (digest,)
            ).fetchone()
            if found is None:
                raise NoSuchThing("the desk has no such scorecard")
            self._cards[digest] = load_scorecard(found[0])
        return self._cards[digest]


def _begin(
    db: sqlite3.Connection, key: _Key, card: Scorecard, now: int, agent_id: int | None
) -> None:
    db.execute(
        "INSERT OR IGNORE INTO scorecards (digest, definition) VALUES (?, ?)",
        (key[2], dump_scorecard(card)),
    )
    db.execute(
        "INSERT INTO verdicts (record_id, reviewer, scorecard, state, revision, marks, comment,"
        " agent_id, created_at, changed_at) VALUES (?, ?, ?, 'draft', 1, '{}', '', ?, ?, ?)",
        (*key, agent_id, now, now),
    )


def keep_former(db: sqlite3.Connection, verdict_id: int) -> None:
    """Keep the present content of a verdict as an earlier revision, before it is changed."""
    db.execute(
        "INSERT INTO former_verdicts"
        " (verdict_id, revision, marks, comment, score, changed_at, remarks)"
        " SELECT verdict_id, revision, marks, comment, score, changed_at, remarks"
        " FROM verdicts WHERE verdict_id = ?",
        (verdict_id,),
    )
    db.execute("UPDATE verdicts SET revision = revision + 1 WHERE verdict_id = ?", (verdict_id,))


def _say(
    db: sqlite3.Connection,
    key: _Key,
    said: _Said,
    now: int,
    *,
    submit: bool,
    writer: str,
) -> None:
    state = VerdictState.SUBMITTED if submit else VerdictState.DRAFT
    db.execute(
        "UPDATE verdicts SET marks = ?, comment = ?, score = ?, remarks = ?, is_failed = ?,"
        " state = ?, changed_at = ?,"
        " writer = ?, version = version + 1"
        " WHERE record_id = ? AND reviewer = ? AND scorecard = ?",
        (*said.columns(), state, now, writer, *key),
    )


def _written(db: sqlite3.Connection, key: _Key) -> tuple[int, str]:
    """The version of a verdict and the page that wrote it; 0 if there is none yet."""
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
        load_remarks(row["remarks"]),
    )
