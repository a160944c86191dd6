"""The archive in a few numbers, read from the catalog of this machine as it lies there.

It is neither copied nor brought up to the ledger, so asking costs next to nothing and may be done
every few seconds, also while a run works.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from archiver.catalog.epoch import moment
from archiver.catalog.queries import PENDING_SUMMARIES
from archiver.catalog.readonly import read_only
from archiver.catalog.states import CallState, RecordingState
from archiver.clock import from_stamp

_OLDEST: Final = """
    SELECT min(open_since) FROM (
        SELECT open_since FROM calls WHERE state IN ('waiting', 'failed')
        UNION ALL
        SELECT open_since FROM recordings
        WHERE state <> 'archived' AND state IN ('waiting', 'failed'))
"""
_FURTHEST: Final = "SELECT until, run_id FROM cursors ORDER BY until DESC, run_id DESC LIMIT 1"
_CREATED: Final = "SELECT count(*) FROM calls WHERE created_at >= ? AND created_at < ?"


@dataclass(frozen=True, slots=True)
class Vitals:
    """How many calls and recordings are in each state, the bytes of archived audio, since when the
    oldest open one is open (None: nothing is), how many segments the ledger has."""

    calls: Mapping[str, int]
    recordings: Mapping[str, int]
    bytes: int
    oldest_open: datetime | None
    pending_summaries: int
    segments: int


def vitals_of(path: Path, archive_id: str) -> Vitals | None:
    """The numbers of that archive; None where the catalog is missing, unreadable or of another."""
    try:
        with closing(read_only(path)) as db:
            found, segments = db.execute("SELECT archive_id, number FROM head").fetchone()
            return _taken(db, segments) if found == archive_id else None
    except (sqlite3.Error, OSError, TypeError):
        return None


def calls_created(path: Path, stretches: Sequence[tuple[datetime, datetime]]) -> list[int] | None:
    """How many calls were created in each `[begin, end)`; None where it cannot be told."""
    try:
        with closing(read_only(path)) as db:
            bounds = [(int(begin.timestamp()), int(end.timestamp())) for begin, end in stretches]
            return [db.execute(_CREATED, each).fetchone()[0] for each in bounds]
    except (sqlite3.Error, OSError, TypeError):
        return None


def last_whole_run(db: sqlite3.Connection) -> datetime | None:
    """When the run began that moved the furthest cursor; None when none was moved yet.

    The id of a run begins with that moment. Where a catalog does not know it, the cursor's own
    moment has to do: it lies `window.settle` before.
    """
    found: tuple[int, str | None] | None = db.execute(_FURTHEST).fetchone()
    if found is None:
        return None
    until, run_id = found
    try:
        return from_stamp((run_id or "").partition("-")[0])
    except ValueError:
        return moment(until)


def _taken(db: sqlite3.Connection, segments: int) -> Vitals:
    calls = dict(db.execute("SELECT state, count(*) FROM calls GROUP BY state"))
    recordings = dict(db.execute("SELECT state, count(*) FROM recordings GROUP BY state"))
    (size,) = db.execute("SELECT sum(bytes) FROM recordings WHERE state = 'archived'").fetchone()
    return Vitals(
        calls={state.value: calls.get(state.value, 0) for state in CallState},
        recordings={state.value: recordings.get(state.value, 0) for state in RecordingState},
        bytes=size or 0,
        oldest_open=moment(db.execute(_OLDEST).fetchone()[0]),
        pending_summaries=db.execute(PENDING_SUMMARIES).fetchone()[0],
        segments=segments,
    )
