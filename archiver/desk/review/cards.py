"""The scorecards of one desk: reloaded when their files change, and kept for ever.

Every scorecard ever in use is stored in the desk's file by name and version, so that a verdict
keeps the one it was given on. If the files become invalid, the desk continues with the last valid
scorecards, even after a restart, and reports the problem.
"""

import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread

from archiver.desk.file import DeskFile
from archiver.desk.review.card_file import EVERYTHING, CardFile, Scope, card_paths, read_card_files
from archiver.desk.review.scorecard import Question, Scorecard, dump_scorecard, load_scorecard
from archiver.errors import ConfigError

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Edition:
    """A scorecard in use: its name, its version (from 1), and the recordings it applies to."""

    name: str
    version: int
    card: Scorecard
    scope: Scope = EVERYTHING


class Cards:
    """The scorecards in use. `trouble` describes a problem with their files; empty if none."""

    def __init__(self, file: DeskFile, path: Path | None) -> None:
        self._file = file
        self._path = path
        self._seen: object = None
        self._one_reads = anyio.Lock()
        self.trouble = ""
        self.current: tuple[Edition, ...] = ()

    async def refresh(self) -> None:
        """Reload the files if they have changed. ConfigError if they are invalid and the desk never
        had valid ones."""
        async with self._one_reads:
            facts = await anyio.to_thread.run_sync(_facts, self._path)
            if self.current and facts == self._seen:
                return
            try:
                found = await anyio.to_thread.run_sync(read_card_files, self._path)
            except ConfigError as error:
                await self._go_on(error)
            else:
                self.current = await self._file.write(lambda db: keep_cards(db, found))
                self.trouble = ""
            self._seen = facts

    async def _go_on(self, error: ConfigError) -> None:
        if not self.current:
            self.current = await self._file.read(_in_use)
        if not self.current:
            raise error
        self.trouble = str(error)
        _LOG.warning("%s; the desk continues with the last valid scorecards", error)

    def find(self, name: str) -> Edition | None:
        """The scorecard with this name."""
        return next((one for one in self.current if one.name == name), None)

    def proposed(self, order_id: int | None, direction: str | None, tags: Sequence[str]) -> Edition:
        """The first one that applies to such a recording, else the first of all."""
        fitting = (one for one in self.current if one.scope.fits(order_id, direction, tags))
        return next(fitting, self.current[0])

    def question(self, question_id: str) -> Question | None:
        """A question of any of them, by id."""
        asked = (each for one in self.current for each in one.card.questions)
        return next((one for one in asked if one.question_id == question_id), None)


def keep_cards(db: sqlite3.Connection, found: Sequence[CardFile]) -> tuple[Edition, ...]:
    """Store these as the scorecards in use; a changed one gets the next version of its name."""
    db.execute("UPDATE scorecards SET position = NULL")
    return tuple(_keep(db, position, one) for position, one in enumerate(found))


def _keep(db: sqlite3.Connection, position: int, one: CardFile) -> Edition:
    digest = one.card.digest
    known = db.execute(
        "SELECT name, version FROM scorecards WHERE digest = ?", (digest,)
    ).fetchone()
    if known is not None and known["name"] == one.name:
        version = known["version"]
    else:
        (version,) = db.execute(
            "SELECT coalesce(max(version), 0) + 1 FROM scorecards WHERE name = ?", (one.name,)
        ).fetchone()
    db.execute(
        "INSERT INTO scorecards (digest, definition, name, version, position)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET name = excluded.name,"
        " version = excluded.version, position = excluded.position",
        (digest, dump_scorecard(one.card), one.name, version, position),
    )
    return Edition(one.name, version, one.card, one.scope)


def _in_use(db: sqlite3.Connection) -> tuple[Edition, ...]:
    """Those in use when the desk last ran; the recordings they applied to are not stored."""
    rows = db.execute(
        "SELECT name, version, definition FROM scorecards WHERE position IS NOT NULL"
        " ORDER BY position"
    )
    return tuple(Edition(name, version, load_scorecard(text)) for name, version, text in rows)


def _facts(path: Path | None) -> object:
    """A value that changes whenever one of the files does."""
    if path is None:
        return ()
    try:
        stats = [(one, one.stat()) for one in card_paths(path)]
    except OSError as error:
        return error.errno
    return tuple((str(one), each.st_ino, each.st_size, each.st_mtime_ns) for one, each in stats)
