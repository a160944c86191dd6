"""Saved searches: views with a name, private or shared with all users who may listen."""

import sqlite3
from dataclasses import dataclass
from typing import Final

from archiver.catalog.epoch import seconds
from archiver.clock import Clock
from archiver.desk.accounts.person import Person, Right
from archiver.desk.file import DeskFile
from archiver.desk.texts import short_text
from archiver.errors import NoSuchThing, WrongInput

_LONGEST: Final = 60
_LONGEST_QUERY: Final = 4000
_MOST: Final = 50
"""The most searches of one person."""


@dataclass(frozen=True, slots=True)
class Search:
    """A saved view; `query` is its address."""

    search_id: int
    name: str
    owner: str
    query: str
    is_shared: bool


class Searches:
    """The saved searches of one desk."""

    def __init__(self, file: DeskFile, clock: Clock) -> None:
        self._file = file
        self._clock = clock

    async def save(self, by: Person, name: str, query: str, *, is_shared: bool) -> None:
        """Save a view under a name, replacing one with the same name. WrongInput names the
        field."""
        by.need(Right.LISTEN)
        named = short_text(name, "name", _LONGEST)
        kept = short_text(query, "query", _LONGEST_QUERY)
        now = seconds(self._clock())

        def change(db: sqlite3.Connection) -> None:
            (others,) = db.execute(
                "SELECT count(*) FROM searches WHERE owner = ? AND name <> ?", (by.name, named)
            ).fetchone()
            if others >= _MOST:
                raise WrongInput("name", f"at most {_MOST}", problem="too-many", limit=_MOST)
            db.execute(
                "INSERT INTO searches (name, owner, query, is_shared, made_at)"
                " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET query = excluded.query,"
                " is_shared = excluded.is_shared",
                (named, by.name, kept, is_shared, now),
            )

        await self._file.write(change)

    async def remove(self, by: Person, search_id: int) -> None:
        """Remove one's own; NoSuchThing for any other."""
        by.need(Right.LISTEN)
        gone = await self._file.write(
            lambda db: (
                db.execute(
                    "DELETE FROM searches WHERE search_id = ? AND owner = ?", (search_id, by.name)
                ).rowcount
            )
        )
        if not gone:
            raise NoSuchThing("this search does not exist")


def searches_of(db: sqlite3.Connection, by: Person) -> list[Search]:
    """One's own, and those shared by others, sorted by name."""
    by.need(Right.LISTEN)
    rows = db.execute(
        "SELECT search_id, name, owner, query, is_shared FROM searches"
        " WHERE owner = ? OR is_shared ORDER BY name, owner",
        (by.name,),
    )
    return [
        Search(search_id, name, owner, query, bool(is_shared))
        for search_id, name, owner, query, is_shared in rows
    ]
