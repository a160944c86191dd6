"""Confidential spans of recordings: marked by users, applied to copies only.

A span has a start and an end in seconds, a channel and a reason. If configured, a second person
must approve a span before it is applied. The recording in the archive never changes: exports
contain a copy, and if configured, a copy is what most people hear.
"""

import json
import math
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from archiver.catalog.epoch import moment, seconds
from archiver.clock import Clock
from archiver.desk.accounts.person import Person, Right
from archiver.desk.file import DeskFile
from archiver.desk.review.basis import Once
from archiver.desk.texts import short_text
from archiver.errors import NoSuchThing, NotAllowed, WrongInput
from archiver.sound.spans import MARGIN, SIDES, SLACK, Fill, Plan, Span

_LONGEST: Final = 500
_LATEST: Final = 7 * 86_400
"""No recording is longer than a week (in seconds)."""


@dataclass(frozen=True, slots=True)
class Redaction:
    """A marked span, and who approved it. `is_applied` says whether copies leave it out."""

    redaction_id: int
    record_id: int
    span: Span
    reason: str
    marked_by: str
    marked_at: datetime
    approved_by: str | None
    is_applied: bool


class Redactions:
    """The marked spans of one desk. With `needs_approval`, a second person must approve each. With
    `replay`, only admins can play and download what was redacted; for all others, it is replaced by
    silence or a tone."""

    def __init__(
        self, file: DeskFile, clock: Clock, *, needs_approval: bool, replay: Fill | None = None
    ) -> None:
        self._file = file
        self._clock = clock
        self._replay = replay
        self.needs_approval = needs_approval

    def bind(self, person: Person) -> bool:
        """Whether redactions apply to what this person plays, downloads and exports."""
        return self._replay is not None and not person.may(Right.OVERSEE)

    async def plans(self, person: Person, record_ids: Sequence[int]) -> dict[int, Plan]:
        """What is replaced when this person plays these recordings; most have no plan."""
        if self._replay is None or not self.bind(person):
            return {}
        spans: dict[int, tuple[Span, ...]] = {}
        for one in await self.of(record_ids):
            if one.is_applied:
                spans[one.record_id] = (*spans.get(one.record_id, ()), one.span)
        return {key: Plan(some, MARGIN, self._replay, "wav") for key, some in spans.items()}

    async def of(self, record_ids: Sequence[int]) -> list[Redaction]:
        """The spans of these recordings, sorted by recording and position."""
        asked = json.dumps(list(record_ids))
        rows = await self._file.read(
            lambda db: db.execute(
                "SELECT * FROM redactions WHERE record_id IN (SELECT value FROM json_each(?))"
                " ORDER BY record_id, begins, redaction_id",
                (asked,),
            ).fetchall()
        )
        return [self._redaction(row) for row in rows]

    async def mark(
        self,
        by: Person,
        record_id: int,
        span: Span,
        reason: str,
        *,
        length: float | None,
        token: str = "",
    ) -> None:
        """Mark a span of a recording of `length` seconds, if known.

        The same token again marks nothing more. WrongInput for a span that is invalid or outside of
        the recording, and for a reason that is missing or too long.
        """
        by.need(Right.JUDGE)
        _check(span, length)
        now = seconds(self._clock())
        kept = short_text(reason, "why", _LONGEST)
        row = (record_id, round(span.start, 2), round(span.end, 2), span.side, kept, by.name, now)
        once = Once(by.name, f"redaction/{record_id}", token, now)

        def create(db: sqlite3.Connection) -> int:
            made = db.execute(
                "INSERT INTO redactions (record_id, begins, ends, side, reason, marked_by,"
                " marked_at) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING redaction_id",
                row,
            ).fetchone()
            return int(made[0])

        await self._file.write(lambda db: once.make(db, lambda: create(db)))

    async def approve(self, by: Person, redaction_id: int) -> Redaction:
        """Approve another user's span; NotAllowed for one's own."""
        by.need(Right.OVERSEE)

        def change(db: sqlite3.Connection) -> sqlite3.Row:
            row = _found(db, redaction_id)
            if row["marked_by"] == by.name:
                raise NotAllowed("a redaction is approved by another person than who marked it")
            db.execute(
                "UPDATE redactions SET approved_by = coalesce(approved_by, ?)"
                " WHERE redaction_id = ?",
                (by.name, redaction_id),
            )
            return _found(db, redaction_id)

        return self._redaction(await self._file.write(change))

    async def remove(self, by: Person, redaction_id: int) -> Redaction:
        """Remove a span: authors their own until it is approved, admins any."""
        by.need(Right.JUDGE)

        def change(db: sqlite3.Connection) -> sqlite3.Row:
            row = _found(db, redaction_id)
            is_own = row["marked_by"] == by.name and row["approved_by"] is None
            if not is_own and not by.may(Right.OVERSEE):
                raise NotAllowed("only an admin can remove this redaction")
            db.execute("DELETE FROM redactions WHERE redaction_id = ?", (redaction_id,))
            return row

        return self._redaction(await self._file.write(change))

    def _redaction(self, row: sqlite3.Row) -> Redaction:
        return Redaction(
            redaction_id=row["redaction_id"],
            record_id=row["record_id"],
            span=Span(row["begins"], row["ends"], row["side"]),
            reason=row["reason"],
            marked_by=row["marked_by"],
            marked_at=moment(row["marked_at"]),
            approved_by=row["approved_by"],
            is_applied=row["approved_by"] is not None or not self.needs_approval,
        )


def _check(span: Span, length: float | None) -> None:
    latest = _LATEST if length is None else length + SLACK
    for field, at in (("start", span.start), ("end", span.end)):
        if not math.isfinite(at) or not 0 <= at <= latest:
            raise WrongInput(
                field,
                "the span is outside of the recording",
                problem="range",
                limit=math.floor(latest),
            )
    if span.end <= span.start:
        raise WrongInput("end", "the end is not after the start", problem="invalid")
    if span.side not in SIDES:
        raise WrongInput("side", "the side is left, right or both", problem="invalid")


def _found(db: sqlite3.Connection, redaction_id: int) -> sqlite3.Row:
    row: Any = db.execute(
        "SELECT * FROM redactions WHERE redaction_id = ?", (redaction_id,)
    ).fetchone()
    if row is None:
        raise NoSuchThing("this redaction no longer exists")
    assert isinstance(row, sqlite3.Row)  # noqa: S101 - for the type checker
    return row
