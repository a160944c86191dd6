"""The agent's side of a verdict: acknowledge it, or dispute an answer, which a lead then decides.

Every step is a row that is never changed. A decision that changes an answer is a new revision of
the verdict, and the earlier one is kept. Agents see verdicts on their own calls as soon as these
are submitted, and nothing about others.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from archiver.catalog.epoch import moment, seconds
from archiver.clock import Clock
from archiver.desk.accounts.person import Person, Right
from archiver.desk.file import DeskFile
from archiver.desk.review.basis import Basis, Once
from archiver.desk.review.blindness import REVEALED
from archiver.desk.review.scorecard import AutoFail, Mark
from archiver.desk.review.verdicts import Verdict, Verdicts, keep_former
from archiver.desk.texts import free_text
from archiver.errors import NoSuchThing, WrongInput

LONGEST_REASON: Final = 1000


class StepAct(StrEnum):
    """The kinds of steps."""

    ACKNOWLEDGED = "acknowledged"
    DISPUTED = "disputed"
    UPHELD = "upheld"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `revision` is the revision of the verdict that it is about; `question` is "" if it
    is about the whole verdict."""

    step_id: int
    verdict_id: int
    revision: int
    act: StepAct
    question: str
    text: str
    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Answered:
    """A verdict with all steps that followed, in order."""

    verdict: Verdict
    steps: tuple[Step, ...]

    @property
    def open_disputes(self) -> list[Step]:
        """The undecided disputes."""
        latest = {one.question: one for one in self.steps if one.question}
        return [one for one in latest.values() if one.act is StepAct.DISPUTED]

    @property
    def is_acknowledged(self) -> bool:
        """Whether the agent has acknowledged the current revision."""
        revision = self.verdict.revision
        return any(
            one.act is StepAct.ACKNOWLEDGED and one.revision == revision for one in self.steps
        )

    @property
    def disputable(self) -> list[str]:
        """The questions that the agent may dispute: each once per revision."""
        told = {one.question for one in self.steps if one.revision == self.verdict.revision}
        pending = {one.question for one in self.open_disputes}
        return [
            one.question_id
            for one in self.verdict.card.questions
            if one.question_id not in told | pending
        ]


class Responses:
    """Responses to the verdicts of one desk."""

    def __init__(self, file: DeskFile, verdicts: Verdicts, clock: Clock) -> None:
        self._file = file
        self._verdicts = verdicts
        self._clock = clock

    async def own(self, by: Person, record_id: int | None = None) -> list[Answered]:
        """The verdicts on the agent's own calls, or on one of them; the newest first."""
        by.need(Right.OWN)
        condition, values = _own(by)
        if record_id is not None:
            condition, values = f"{condition} AND record_id = ?", (*values, record_id)

        def ask(db: sqlite3.Connection) -> list[Answered]:
            found = self._verdicts.selected(db, f"{condition} ORDER BY changed_at DESC", values)
            return _with_steps(db, found)

        return await self._file.read(ask)

    async def to(self, verdicts: Sequence[Verdict]) -> list[Answered]:
        """These verdicts with their steps."""
        return await self._file.read(lambda db: _with_steps(db, verdicts))

    async def open_disputes(self, by: Person) -> list[tuple[Verdict, Step]]:
        """Every undecided dispute, oldest first."""
        by.need(Right.LEAD)

        def ask(db: sqlite3.Connection) -> list[tuple[Verdict, Step]]:
            condition = (
                "state = 'submitted' AND verdict_id IN"
                " (SELECT verdict_id FROM steps WHERE act = 'disputed')"
            )
            answered = _with_steps(db, self._verdicts.selected(db, condition, ()))
            return [(one.verdict, step) for one in answered for step in one.open_disputes]

        found = await self._file.read(ask)
        return sorted(found, key=lambda pair: pair[1].step_id)

    async def acknowledge(self, by: Person, verdict_id: int, basis: Basis, token: str) -> Answered:
        """Acknowledge a verdict on one's own call as shown by the form; WrongInput while a dispute
        is open, NoSuchThing for any other verdict, ChangedMeanwhile if it was changed."""
        return await self._respond(by, verdict_id, StepAct.ACKNOWLEDGED, ("", ""), basis, token)

    async def dispute(
        self, by: Person, verdict_id: int, question: str, reason: str, basis: Basis, token: str
    ) -> Answered:
        """Dispute an answer, with a reason; once per question and revision."""
        kept = free_text(reason, "reason", LONGEST_REASON)
        if not kept:
            raise WrongInput("reason", "a dispute needs a reason", problem="empty")
        said = (question, kept)
        return await self._respond(by, verdict_id, StepAct.DISPUTED, said, basis, token)

    async def _respond(
        self,
        by: Person,
        verdict_id: int,
        act: StepAct,
        said: tuple[str, str],
        basis: Basis,
        token: str,
    ) -> Answered:
        by.need(Right.OWN)
        now = seconds(self._clock())
        condition, values = _own(by)
        once = Once(by.name, f"{act}/{verdict_id}", token, now)

        def change(db: sqlite3.Connection) -> Answered:
            found = self._verdicts.selected(
                db, f"{condition} AND verdict_id = ?", (*values, verdict_id)
            )
            if not found:
                raise NoSuchThing("this verdict does not exist")

            def respond() -> int:
                (answered,) = _with_steps(db, found)
                _check(answered, act, said[0], basis)
                revision = answered.verdict.revision
                return _append(db, (verdict_id, revision, act, *said, by.name, now))

            once.make(db, respond)
            return _with_steps(db, found)[0]

        return await self._file.write(change)

    async def decide(
        self, by: Person, step_id: int, mark: Mark, reason: str, basis: Basis
    ) -> Answered:
        """Decide a dispute by giving the valid answer, which may be the present one. NoSuchThing if
        it was decided already, ChangedMeanwhile if the verdict was changed.
        """
        by.need(Right.LEAD)
        kept, now = free_text(reason, "decision", LONGEST_REASON), seconds(self._clock())
        if not kept:
            raise WrongInput("decision", "a decision needs a reason", problem="empty")

        def change(db: sqlite3.Connection) -> Answered:
            row = db.execute("SELECT * FROM steps WHERE step_id = ?", (step_id,)).fetchone()
            found = [] if row is None else self._of_id(db, row["verdict_id"])
            answered = _with_steps(db, found)
            if not answered or step_id not in {one.step_id for one in answered[0].open_disputes}:
                raise NoSuchThing("this dispute has already been decided")
            verdict, question = answered[0].verdict, str(row["question"])
            basis.need(verdict.version, "")
            marks = verdict.card.check({**verdict.marks, question: mark})
            is_kept = marks == verdict.marks
            if not is_kept:
                _amend(db, verdict, marks, now)
            act = StepAct.UPHELD if is_kept else StepAct.CHANGED
            revision = verdict.revision if is_kept else verdict.revision + 1
            _append(db, (verdict.verdict_id, revision, act, question, kept, by.name, now))
            return _with_steps(db, self._of_id(db, verdict.verdict_id))[0]

        return await self._file.write(change)

    def _of_id(self, db: sqlite3.Connection, verdict_id: int) -> list[Verdict]:
        return self._verdicts.selected(db, "verdict_id = ?", (verdict_id,))


def _own(by: Person) -> tuple[str, tuple[object, ...]]:
    return f"state = 'submitted' AND agent_id = ? AND {REVEALED}", (by.user_id,)


def _check(answered: Answered, act: StepAct, question: str, basis: Basis) -> None:
    basis.need(answered.verdict.version, "")
    if act is StepAct.ACKNOWLEDGED:
        if answered.open_disputes or answered.is_acknowledged:
            raise WrongInput("question", "a dispute is open, or the verdict was acknowledged")
    elif question not in answered.disputable:
        raise WrongInput("question", "this answer cannot be disputed (again)")


def _append(db: sqlite3.Connection, row: tuple[object, ...]) -> int:
    added = db.execute(
        "INSERT INTO steps (verdict_id, revision, act, question, text, name, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        row,
    )
    assert added.lastrowid is not None  # noqa: S101 - a row was inserted
    return added.lastrowid


def _amend(db: sqlite3.Connection, verdict: Verdict, marks: dict[str, Mark], now: int) -> None:
    """Change answers of a submitted verdict, as its next revision."""
    keep_former(db, verdict.verdict_id)
    is_failed = AutoFail.CARD in verdict.card.failures(marks).values()
    db.execute(
        "UPDATE verdicts SET marks = ?, score = ?, is_failed = ?, changed_at = ?, writer = '',"
        " version = version + 1 WHERE verdict_id = ?",
        (json.dumps(marks), verdict.card.score(marks), is_failed, now, verdict.verdict_id),
    )


def _with_steps(db: sqlite3.Connection, verdicts: Sequence[Verdict]) -> list[Answered]:
    asked = json.dumps([one.verdict_id for one in verdicts])
    rows = db.execute(
        "SELECT * FROM steps WHERE verdict_id IN (SELECT value FROM json_each(?)) ORDER BY step_id",
        (asked,),
    )
    steps: dict[int, list[Step]] = {}
    for row in rows:
        steps.setdefault(row["verdict_id"], []).append(_step(row))
    return [Answered(one, tuple(steps.get(one.verdict_id, ()))) for one in verdicts]


def _step(row: sqlite3.Row) -> Step:
    return Step(
        row["step_id"],
        row["verdict_id"],
        row["revision"],
        StepAct(row["act"]),
        row["question"],
        row["text"],
        row["name"],
        moment(row["at"]),
    )
