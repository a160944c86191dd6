"""Notes at a position of a recording; everyone reads them, only their author can change them."""

import json
import math
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from archiver.catalog.epoch import moment, seconds
from archiver.clock import Clock
from archiver.desk.accounts.person import Person, Right
from archiver.desk.file import DeskFile
from archiver.desk.review.basis import Basis, Once
from archiver.desk.texts import free_text
from archiver.errors import NoSuchThing, NotAllowed, WrongInput

_LONGEST: Final = 4000
_LATEST: Final = 7 * 86_400
"""No recording is longer than a week (in seconds)."""


@dataclass(frozen=True, slots=True)
class Note:
    """One note. `seconds` is its position from the beginning of the recording."""

    note_id: int
    record_id: int
    seconds: float
    text: str
    author: str
    created_at: datetime
    changed_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class RemovedNote:
    """What remains of a note that was removed by someone other than its author."""

    note_id: int
    record_id: int
    author: str
    removed_by: str
    removed_at: datetime


class Notes:
    """The notes of one desk."""

    def __init__(self, file: DeskFile, clock: Clock) -> None:
        self._file = file
        self._clock = clock

    async def of(self, record_id: int) -> list[Note]:
        """The notes on a recording, sorted by position."""
        rows = await self._file.read(
            lambda db: db.execute(
                "SELECT * FROM notes WHERE record_id = ? ORDER BY seconds, note_id",
                (record_id,),
            ).fetchall()
        )
        return [_note(row) for row in rows]

    async def removed(self, record_id: int) -> list[RemovedNote]:
        """The notes on a recording that were removed by someone other than their author."""
        rows = await self._file.read(
            lambda db: db.execute(
                "SELECT * FROM removed_notes WHERE record_id = ? ORDER BY note_id", (record_id,)
            ).fetchall()
        )
        return [
            RemovedNote(note_id, record_id, author, name, moment(at))
            for note_id, record_id, author, name, at in rows
        ]

    async def find(self, note_id: int) -> Note:
        """The note with this id; NoSuchThing if there is none."""
        return await self._file.read(lambda db: _found(db, note_id))

    async def after(self, note_id: int, limit: int) -> list[Note]:
        """The next notes of all recordings, in the order of writing."""
        rows = await self._file.read(
            lambda db: db.execute(
                "SELECT * FROM notes WHERE note_id > ? ORDER BY note_id LIMIT ?",
                (note_id, limit),
            ).fetchall()
        )
        return [_note(row) for row in rows]

    async def add(
        self, by: Person, record_id: int, at: float, text: str, *, token: str = ""
    ) -> Note:
        """Add a note at a position in seconds; WrongInput if the text is empty or too long.

        The same token again returns the note created before; NoSuchThing if it was removed.
        """
        by.need(Right.JUDGE)
        if not math.isfinite(at) or not 0 <= at <= _LATEST:
            raise WrongInput("seconds", "not a position in a recording")
        kept, now = _kept(text), seconds(self._clock())
        row = (record_id, round(at, 2), kept, by.name, now, now)
        once = Once(by.name, f"note/{record_id}", token, now)

        def change(db: sqlite3.Connection) -> Note:
            return _found(db, once.make(db, lambda: _insert(db, row)))

        return await self._file.write(change)

    async def change(
        self, by: Person, note_id: int, text: str, *, basis: Basis | None = None
    ) -> Note:
        """Change one's own note; ChangedMeanwhile if it differs from `basis`."""
        by.need(Right.JUDGE)
        kept, now = _kept(text), seconds(self._clock())

        def change(db: sqlite3.Connection) -> Note:
            note = _found(db, note_id)
            if note.author != by.name:
                raise NotAllowed("only its author can change a note")
            if note.text == kept:
                return note
            if basis is not None:
                basis.need(note.version, _writer(db, note_id))
            db.execute(
                "UPDATE notes SET text = ?, changed_at = ?, version = version + 1, writer = ?"
                " WHERE note_id = ?",
                (kept, now, basis.writer if basis else "", note_id),
            )
            return _found(db, note_id)

        return await self._file.write(change)

    async def remove(self, by: Person, note_id: int) -> Note:
        """Remove one's own note; admins can remove any, which is recorded."""
        by.need(Right.JUDGE)
        now = seconds(self._clock())

        def change(db: sqlite3.Connection) -> Note:
            note = _found(db, note_id)
            if note.author != by.name and not by.may(Right.OVERSEE):
                raise NotAllowed("only its author, or an admin, can remove a note")
            db.execute("DELETE FROM notes WHERE note_id = ?", (note_id,))
            if note.author != by.name:
                db.execute(
                    "INSERT OR IGNORE INTO removed_notes VALUES (?, ?, ?, ?, ?)",
                    (note_id, note.record_id, note.author, by.name, now),
                )
            return note

        return await self._file.write(change)


def _kept(text: str) -> str:
    kept = free_text(text, "text", _LONGEST)
    if not kept:
        raise WrongInput("text", "a note needs text", problem="empty")
    return kept


def _insert(db: sqlite3.Connection, row: tuple[object, ...]) -> int:
    added = db.execute(
        "INSERT INTO notes (record_id, seconds, text, author, created_at, changed_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        row,
    )
    assert added.lastrowid is not None  # noqa: S101 - a row was inserted
    return added.lastrowid


def _writer(db: sqlite3.Connection, note_id: int) -> str:
    found = db.execute("SELECT writer FROM notes WHERE note_id = ?", (note_id,)).fetchone()
    return str(found[0])


def _found(db: sqlite3.Connection, note_id: int | None) -> Note:
    row = db.execute("SELECT * FROM notes WHERE note_id = ?", (note_id,)).fetchone()
    if row is None:
        raise NoSuchThing("this note no longer exists")
    return _note(row)


def counts_of(db: sqlite3.Connection, record_ids: Sequence[int]) -> dict[int, int]:
    """The number of notes on each recording; those without any are left out."""
    rows = db.execute(
        "SELECT record_id, count(*) FROM notes"
        " WHERE record_id IN (SELECT value FROM json_each(?)) GROUP BY record_id",
        (json.dumps(list(record_ids)),),
    )
    return dict(rows.fetchall())


def _note(row: sqlite3.Row) -> Note:
    return Note(
        row["note_id"],
        row["record_id"],
        row["seconds"],
        row["text"],
        row["author"],
        moment(row["created_at"]),
        moment(row["changed_at"]),
        row["version"],
    )
