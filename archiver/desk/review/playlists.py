"""Playlists: an ordered list of moments in recordings, for coaching. All users can see them."""

import math
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from archiver.catalog.epoch import moment, seconds
from archiver.clock import Clock
from archiver.desk.accounts.person import Person, Right
from archiver.desk.file import DeskFile
from archiver.desk.review.basis import Once
from archiver.desk.texts import one_line, short_text
from archiver.errors import NoSuchThing, NotAllowed, WrongInput

_LONGEST: Final = 100
_LONGEST_TEXT: Final = 300
_MOST: Final = 200
"""The most moments of one playlist."""
_LATEST: Final = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Playlist:
    """A playlist, and the number of its moments."""

    playlist_id: int
    title: str
    owner: str
    made_at: datetime
    moments: int


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment: `seconds` from the beginning of a recording, and what to listen for."""

    moment_id: int
    playlist_id: int
    record_id: int
    seconds: float
    text: str
    name: str


_ALL: Final = """
    SELECT p.*, count(m.moment_id) AS moments
    FROM playlists p LEFT JOIN moments m USING (playlist_id)
    GROUP BY p.playlist_id ORDER BY p.playlist_id DESC
"""


class Playlists:
    """The playlists of one desk."""

    def __init__(self, file: DeskFile, clock: Clock) -> None:
        self._file = file
        self._clock = clock

    async def all(self) -> list[Playlist]:
        """Every playlist, newest first."""
        rows = await self._file.read(lambda db: db.execute(_ALL).fetchall())
        return [_playlist(row) for row in rows]

    async def find(self, playlist_id: int) -> tuple[Playlist, list[Moment]]:
        """A playlist with its moments in order; NoSuchThing if there is none."""
        moments = await self._file.read(
            lambda db: db.execute(
                "SELECT * FROM moments WHERE playlist_id = ? ORDER BY moment_id", (playlist_id,)
            ).fetchall()
        )
        found = [one for one in await self.all() if one.playlist_id == playlist_id]
        if not found:
            raise NoSuchThing("this playlist does not exist")
        return found[0], [_moment(row) for row in moments]

    async def add(
        self,
        by: Person,
        place: Mapping[str, float],
        text: str,
        *,
        playlist_id: int | None,
        title: str = "",
        token: str = "",
    ) -> int:
        """Add a moment (`record_id`, `seconds`) to a playlist, or to a new one with this title.

        Returns the playlist's id. WrongInput names the field; the same token again adds nothing.
        """
        by.need(Right.JUDGE)
        at = place["seconds"]
        if not math.isfinite(at) or not 0 <= at <= _LATEST:
            raise WrongInput("at", "not a position in a recording")
        said, now = one_line(text, _LONGEST_TEXT), seconds(self._clock())
        named = short_text(title, "playlist", _LONGEST) if playlist_id is None else ""

        def change(db: sqlite3.Connection) -> int:
            one = _made(db, named, by.name, now) if playlist_id is None else playlist_id
            row = db.execute("SELECT 1 FROM playlists WHERE playlist_id = ?", (one,)).fetchone()
            if row is None:
                raise NoSuchThing("this playlist does not exist")
            (count,) = db.execute(
                "SELECT count(*) FROM moments WHERE playlist_id = ?", (one,)
            ).fetchone()
            if count >= _MOST:
                raise WrongInput("playlist", f"at most {_MOST}", problem="too-many", limit=_MOST)
            db.execute(
                "INSERT INTO moments (playlist_id, record_id, seconds, text, name, added_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (one, int(place["record_id"]), round(at, 2), said, by.name, now),
            )
            return one

        once = Once(by.name, f"moment/{int(place['record_id'])}", token, now)
        return await self._file.write(lambda db: once.make(db, lambda: change(db)))

    async def take_out(self, by: Person, moment_id: int) -> int:
        """Remove a moment, by its author or a lead; returns the playlist's id."""
        by.need(Right.JUDGE)

        def change(db: sqlite3.Connection) -> int:
            row = db.execute("SELECT * FROM moments WHERE moment_id = ?", (moment_id,)).fetchone()
            if row is None:
                raise NoSuchThing("this moment is no longer in the playlist")
            if row["name"] != by.name and not by.may(Right.LEAD):
                raise NotAllowed("only its author, or a lead, can take a moment out")
            db.execute("DELETE FROM moments WHERE moment_id = ?", (moment_id,))
            return int(row["playlist_id"])

        return await self._file.write(change)

    async def remove(self, by: Person, playlist_id: int) -> None:
        """Remove a playlist, by its owner or a lead."""
        playlist, _ = await self.find(playlist_id)
        if playlist.owner != by.name and not by.may(Right.LEAD):
            raise NotAllowed("only its owner, or a lead, can remove a playlist")

        def change(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM moments WHERE playlist_id = ?", (playlist_id,))
            db.execute("DELETE FROM playlists WHERE playlist_id = ?", (playlist_id,))

        await self._file.write(change)


def _made(db: sqlite3.Connection, title: str, owner: str, now: int) -> int:
    added = db.execute(
        "INSERT INTO playlists (title, owner, made_at) VALUES (?, ?, ?)", (title, owner, now)
    )
    assert added.lastrowid is not None  # noqa: S101 - a row was inserted
    return added.lastrowid


def _playlist(row: sqlite3.Row) -> Playlist:
    return Playlist(
        row["playlist_id"], row["title"], row["owner"], moment(row["made_at"]), row["moments"]
    )


def _moment(row: sqlite3.Row) -> Moment:
    return Moment(
        row["moment_id"],
        row["playlist_id"],
        row["record_id"],
        row["seconds"],
        row["text"],
        row["name"],
    )
