"""The catalog of this machine read as it is: without locking, copying or updating it.

It is used for two things. What an archive alone cannot show: the newest segment that this machine
has seen, which reveals a truncated ledger, and events that a killed run has not published yet. And
the archive in a few numbers, which is cheap enough to be read every few seconds, even during a run.

A file that cannot be read is ignored: the catalog is no evidence.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final

from msgspec import Struct, field

from archiver.catalog.epoch import moment
from archiver.catalog.inspections import SoundCheck, take_sound_check
from archiver.catalog.queries import PENDING_SUMMARIES
from archiver.catalog.states import (
    IS_ARCHIVED,
    IS_NOT_ARCHIVED,
    IS_OPEN,
    CallState,
    RecordingState,
)
from archiver.ledger.segments import Head
from archiver.sqlite.connections import open_reader

_OLDEST: Final = f"""
    SELECT min(open_since) FROM (
        SELECT open_since FROM calls WHERE state {IS_OPEN}
        UNION ALL
        SELECT open_since FROM recordings
        WHERE state {IS_NOT_ARCHIVED} AND state {IS_OPEN})
"""  # noqa: S608 - constants
_BYTES: Final = f"SELECT sum(bytes) FROM recordings WHERE state {IS_ARCHIVED}"  # noqa: S608 - constants
_CREATED: Final = "SELECT count(*) FROM calls WHERE created_at >= ? AND created_at < ?"


class Glimpse(Struct, frozen=True):
    """The newest segment that was seen, and the lines that are in no segment yet."""

    head: Head = field(default_factory=Head)
    outbox: tuple[bytes, ...] = ()


def glimpse(path: Path, archive_id: str | None) -> Glimpse:
    """What the catalog at `path` remembers of that archive; nothing where it is of another one."""
    if not path.is_file():
        return Glimpse()
    try:
        with closing(_read_only(path)) as db:
            found, number, digest = db.execute(
                "SELECT archive_id, number, digest FROM head"
            ).fetchone()
            if found != archive_id:
                return Glimpse()
            lines = db.execute("SELECT line FROM outbox ORDER BY seq").fetchall()
            return Glimpse(Head(int(number), digest), tuple(bytes(line) for (line,) in lines))
    except (sqlite3.Error, TypeError, ValueError):
        return Glimpse()


class Vitals(Struct, frozen=True):
    """How many calls and recordings are in each state, the bytes of archived audio, since when the
    oldest open one is open (None: nothing is), how many segments the ledger has, and how far the
    sound of the recordings was examined."""

    calls: Mapping[str, int]
    recordings: Mapping[str, int]
    bytes: int
    oldest_open: datetime | None
    pending_summaries: int
    segments: int
    sound: SoundCheck = field(default_factory=SoundCheck)


def vitals_of(path: Path, archive_id: str) -> Vitals | None:
    """The numbers of that archive; None where the catalog is missing, unreadable or of another."""
    try:
        with closing(_read_only(path)) as db:
            found, segments = db.execute("SELECT archive_id, number FROM head").fetchone()
            return _counted(db, segments) if found == archive_id else None
    except (sqlite3.Error, OSError, TypeError):
        return None


def calls_created(path: Path, stretches: Sequence[tuple[datetime, datetime]]) -> list[int] | None:
    """How many calls were created in each `[begin, end)`; None if unknown."""
    try:
        with closing(_read_only(path)) as db:
            bounds = [(int(begin.timestamp()), int(end.timestamp())) for begin, end in stretches]
            return [db.execute(_CREATED, each).fetchone()[0] for each in bounds]
    except (sqlite3.Error, OSError, TypeError):
        return None


def _counted(db: sqlite3.Connection, segments: int) -> Vitals:
    calls = dict(db.execute("SELECT state, count(*) FROM calls GROUP BY state"))
    recordings = dict(db.execute("SELECT state, count(*) FROM recordings GROUP BY state"))
    (size,) = db.execute(_BYTES).fetchone()
    return Vitals(
        calls={state.value: calls.get(state.value, 0) for state in CallState},
        recordings={state.value: recordings.get(state.value, 0) for state in RecordingState},
        bytes=size or 0,
        oldest_open=moment(db.execute(_OLDEST).fetchone()[0]),
        pending_summaries=db.execute(PENDING_SUMMARIES).fetchone()[0],
        segments=segments,
        sound=take_sound_check(db),
    )


def _read_only(path: Path) -> sqlite3.Connection:
    """A catalog as it is, read-only. Raises sqlite3.Error.

    Without a log next to it, the file is complete: then SQLite need not write anything.
    """
    return open_reader(path, immutable=not Path(f"{path}-wal").exists())
