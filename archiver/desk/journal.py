"""The access log: who listened to what, took what away, and from where. It is never rewritten.

A browser asks for a recording piece by piece, again and again. What counts as one play is the first
request of a person, from one address, for one recording, and every later one that comes more than
half an hour after the entry. The entry is on the disk before the first byte is sent, so nothing is
heard that the log does not tell.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Final

from archiver.catalog.epoch import moment, seconds
from archiver.clock import Clock, local_stamp
from archiver.desk.accounts.person import Person, Right, proper_name
from archiver.desk.file import DeskFile
from archiver.desk.texts import one_line
from archiver.text.csv import BOM, csv_line

ONE_PLAY: Final = timedelta(minutes=30)
COLUMNS: Final = ("entry", "at", "user", "address", "act", "recordId", "detail")

_MOST_DETAIL: Final = 500
_MOST_NAME: Final = 100
_MOST_REMEMBERED: Final = 10_000
_PAGE: Final = 1000
_TIDY_EVERY: Final = timedelta(hours=1)


class Act(StrEnum):
    """The actions in the log."""

    PLAY = "play"
    DOWNLOAD = "download"
    EXPORT = "export"
    PACKAGE = "package"
    REDACT = "redact"
    LOG_IN = "log-in"
    LOG_IN_REFUSED = "log-in-refused"
    LOG_OUT = "log-out"
    SEARCH = "search"
    REMOVE_NOTE = "remove-note"
    DRAW = "draw"
    CLOSE = "close"
    ACKNOWLEDGE = "acknowledge"
    DISPUTE = "dispute"
    DECIDE = "decide"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line of the log. `detail` is the address of what was exported, where it was no record."""

    entry_id: int
    at: datetime
    name: str
    address: str
    act: str
    record_id: int | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries: of a user, an act, a recording, from a moment on, before another. An empty
    member asks for nothing."""

    name: str | None = None
    act: str | None = None
    record_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None


_EVERYTHING: Final = Wanted()


class Journal:
    """The access log of one desk; entries older than `keep` go."""

    def __init__(self, file: DeskFile, clock: Clock, keep: timedelta) -> None:
        self._file = file
        self._clock = clock
        self._keep = keep
        self._plays: OrderedDict[tuple[str, str, int], datetime] = OrderedDict()
        self._tidied_at: datetime | None = None

    async def played(self, person: Person, address: str, record_id: int) -> None:
        """A person requests audio of a recording: an entry, unless it continues a play.

        Raises StorageError if it cannot be written: then nothing may be played.
        """
        now, key = self._clock(), (person.name, address, record_id)
        begun = self._plays.get(key)
        if begun is not None and now - begun < ONE_PLAY:
            return

        def change(db: sqlite3.Connection) -> datetime:
            last: int | None = db.execute(
                "SELECT max(at) FROM log WHERE record_id = ? AND at > ? AND name = ?"
                " AND address = ? AND act = ?",
                (record_id, seconds(now - ONE_PLAY), person.name, address, Act.PLAY),
            ).fetchone()[0]
            if last is not None:
                return moment(last)
            _append(db, now, person.name, address, Act.PLAY, record_id, "")
            return now

        self._remember(key, await self._file.write(change))
        await self._tidy(now)

    async def record(
        self, who: str, address: str, act: Act, *, record_id: int | None = None, detail: str = ""
    ) -> None:
        """Any other action. `who` may be the name entered in a failed log-in."""
        now = self._clock()
        await self._file.write(lambda db: _append(db, now, who, address, act, record_id, detail))
        await self._tidy(now)

    async def page(
        self,
        by: Person,
        *,
        before: int | None = None,
        limit: int = 100,
        wanted: Wanted = _EVERYTHING,
    ) -> list[LogEntry]:
        """The newest of the entries, or those before the entry `before`."""
        by.need(Right.OVERSEE)
        asked = {
            "before": before,
            "limit": limit,
            "name": wanted.name,
            "act": wanted.act,
            "record_id": wanted.record_id,
            "since": seconds(wanted.since),
            "until": seconds(wanted.until),
        }
        rows = await self._file.read(lambda db: db.execute(_NEWEST, asked).fetchall())
        return [_entry(row) for row in rows]

    async def rows(
        self, by: Person, zone: tzinfo, wanted: Wanted = _EVERYTHING
    ) -> AsyncIterator[str]:
        """The entries as a table for spreadsheets, newest first, in pieces of text; moments are
        those of the zone."""
        by.need(Right.OVERSEE)
        yield BOM + csv_line(COLUMNS)
        before: int | None = None
        while entries := await self.page(by, before=before, limit=_PAGE, wanted=wanted):
            yield "".join(csv_line(_cells(entry, zone)) for entry in entries)
            before = entries[-1].entry_id

    def _remember(self, key: tuple[str, str, int], begun: datetime) -> None:
        self._plays.pop(key, None)
        self._plays[key] = begun
        if len(self._plays) > _MOST_REMEMBERED:
            self._plays.popitem(last=False)

    async def _tidy(self, now: datetime) -> None:
        """Let entries go that are past their time; now and then, when something is written."""
        if self._tidied_at is not None and now - self._tidied_at < _TIDY_EVERY:
            return
        self._tidied_at = now
        oldest = seconds(now - self._keep)

        def change(db: sqlite3.Connection) -> None:
            db.execute("UPDATE head SET logged_since = max(logged_since, ?)", (oldest,))
            db.execute("DELETE FROM log WHERE at < (SELECT logged_since FROM head)")

        await self._file.write(change)


_NEWEST: Final = """
    SELECT * FROM log
    WHERE (:before IS NULL OR entry_id < :before)
      AND (:name IS NULL OR name = :name) AND (:act IS NULL OR act = :act)
      AND (:since IS NULL OR at >= :since) AND (:until IS NULL OR at < :until)
      AND (:record_id IS NULL OR record_id = :record_id)
    ORDER BY entry_id DESC LIMIT :limit
"""


def _append(
    db: sqlite3.Connection,
    now: datetime,
    who: str,
    address: str,
    act: Act,
    record_id: int | None,
    detail: str,
) -> None:
    db.execute(
        "INSERT INTO log (at, name, address, act, record_id, detail) VALUES (?, ?, ?, ?, ?, ?)",
        (
            seconds(now),
            _as_known(who),
            one_line(address, _MOST_NAME),
            act,
            record_id,
            one_line(detail, _MOST_DETAIL),
        ),
    )


def _as_known(who: str) -> str:
    """The name as in the users file, even if it was typed differently."""
    try:
        return proper_name(who)
    except ValueError:
        return one_line(who, _MOST_NAME)


def _entry(row: sqlite3.Row) -> LogEntry:
    return LogEntry(
        row["entry_id"],
        moment(row["at"]),
        row["name"],
        row["address"],
        row["act"],
        row["record_id"],
        row["detail"],
    )


def _cells(entry: LogEntry, zone: tzinfo) -> tuple[object, ...]:
    return (
        entry.entry_id,
        local_stamp(entry.at, zone),
        entry.name,
        entry.address,
        entry.act,
        entry.record_id,
        entry.detail,
    )
