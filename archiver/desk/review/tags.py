"""Tags: a few words on a recording, shared by all users."""

import json
import sqlite3
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio

from archiver.catalog.epoch import seconds
from archiver.clock import Clock, system_clock
from archiver.desk.accounts.person import Person, Right
from archiver.desk.file import DeskFile, open_desk_file
from archiver.desk.texts import one_line, short_text
from archiver.errors import UsageError, WrongInput

_LONGEST: Final = 40
_MOST: Final = 30
_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class TagCount:
    """A tag, and the number of recordings that have it."""

    tag: str
    recordings: int


class Tags:
    """The tags of one desk."""

    def __init__(self, file: DeskFile, clock: Clock) -> None:
        self._file = file
        self._clock = clock

    async def of(self, record_id: int) -> list[str]:
        """The tags of a recording, in alphabetical order."""
        found = await self._file.read(lambda db: tags_of(db, [record_id]))
        return found.get(record_id, [])

    async def add(self, by: Person, record_id: int, tag: str) -> str:
        """Tag a recording; the tag as it is kept. One that is there already stays as it is.

        Raises WrongInput for what is no tag, and for more tags than one recording may have.
        """
        by.need(Right.JUDGE)
        kept, now = proper_tag(tag), seconds(self._clock())

        def change(db: sqlite3.Connection) -> None:
            (others,) = db.execute(
                "SELECT count(*) FROM tags WHERE record_id = ? AND tag <> ?", (record_id, kept)
            ).fetchone()
            if others >= _MOST:
                raise WrongInput(
                    "tag",
                    f"a recording has at most {_MOST} tags",
                    problem="too-many",
                    limit=_MOST,
                )
            db.execute(
                "INSERT OR IGNORE INTO tags VALUES (?, ?, ?, ?)", (record_id, kept, by.name, now)
            )

        await self._file.write(change)
        return kept

    async def remove(self, by: Person, record_id: int, tag: str) -> None:
        """Remove a tag from a recording, even if added by others; no error if there is none."""
        by.need(Right.JUDGE)
        kept = proper_tag(tag)
        await self._file.write(
            lambda db: db.execute(
                "DELETE FROM tags WHERE record_id = ? AND tag = ?", (record_id, kept)
            )
        )

    async def all(self) -> dict[str, list[int]]:
        """Every tag in use, with the recordings that have it."""
        rows = await self._file.read(
            lambda db: db.execute("SELECT tag, record_id FROM tags").fetchall()
        )
        found: dict[str, list[int]] = {}
        for tag, record_id in rows:
            found.setdefault(tag, []).append(record_id)
        return found

    async def known(self, prefix: str = "") -> list[TagCount]:
        """Tags with this prefix, the most frequent first."""
        start = _folded(prefix)
        rows = await self._file.read(
            lambda db: db.execute(
                "SELECT tag, count(*) FROM tags WHERE substr(tag, 1, ?) = ?"
                " GROUP BY tag ORDER BY 2 DESC, 1 LIMIT ?",
                (len(start), start, _SHOWN),
            ).fetchall()
        )
        return [TagCount(*row) for row in rows]


def tags_of(db: sqlite3.Connection, record_ids: Sequence[int]) -> dict[int, list[str]]:
    """The tags of each recording that has any, in alphabetical order."""
    rows = db.execute(
        "SELECT record_id, tag FROM tags"
        " WHERE record_id IN (SELECT value FROM json_each(?)) ORDER BY 1, 2",
        (json.dumps(list(record_ids)),),
    )
    found: dict[int, list[str]] = {}
    for record_id, tag in rows:
        found.setdefault(record_id, []).append(tag)
    return found


async def recordings_with(path: Path, archive_id: str, tags: Iterable[str]) -> frozenset[int]:
    """The recordings with one of these tags, in the data of a desk on this machine.

    Raises WrongInput for what is no tag, UsageError where there is no desk, and what
    `open_desk_file` raises.
    """
    wanted = [proper_tag(tag) for tag in tags]
    if not await anyio.Path(path).exists():
        raise UsageError(
            f"there is no desk on this machine to look up tags in: {path} does not exist",
            hint="run this where `archiver serve` runs, or set desk.data",
        )
    async with open_desk_file(path, archive_id) as file:
        known = await Tags(file, system_clock).all()
    return frozenset(record_id for tag in wanted for record_id in known.get(tag, ()))


def proper_tag(text: str) -> str:
    """The tag as it is stored: lower case, single spaces, without a leading `#`."""
    tag = short_text(_folded(text), "tag", _LONGEST)
    if "," in tag:
        raise WrongInput("tag", "a tag cannot contain a comma")
    return tag


def _folded(text: str) -> str:
    line = one_line(unicodedata.normalize("NFKC", text), 200)
    return line.casefold().lstrip("# ")
