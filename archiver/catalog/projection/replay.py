"""Many entries at once: those that only add rows are written in groups.

Most events of a ledger store a new recording or judge its call. Each of them alone takes several
statements, which ask first whether the recording was removed or its lead erased. For a group, these
questions are asked once, and each table is written with one statement.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Any, Final, NamedTuple, TypeAlias

from archiver.catalog.known_ids import Horizon
from archiver.catalog.projection.recordings import (
    KEEP_REVISION,
    LINK,
    apply,
    archive,
    archived,
    judge,
    judged,
)
from archiver.errors import ArchiveDamaged
from archiver.ledger.events import CallJudged, Stored
from archiver.ledger.lines import CallLine, Entry, StoredLine, as_entry, decode_all, read
from archiver.ledger.segments import Segment
from archiver.sqlite.errors import UNFIT
from archiver.sqlite.rows import Rows
from archiver.sqlite.writing import write_rows

_Line: TypeAlias = StoredLine | CallLine | Entry

_FEWEST: Final = 4
"""Fewer entries than these are written one by one, which then takes no longer."""

_GIVEN: Final = "IN (SELECT value FROM json_each(?))"
_CONCERNED: Final = f"""
    SELECT EXISTS (SELECT 1 FROM recordings WHERE record_id {_GIVEN})
        OR EXISTS (SELECT 1 FROM tombstones WHERE record_id {_GIVEN})
        OR EXISTS (SELECT 1 FROM erased_calls WHERE call_id {_GIVEN})
        OR EXISTS (SELECT 1 FROM erasures WHERE lead_id {_GIVEN})
"""  # noqa: S608 - constants
"""Whether any of these recordings is known or removed, or any of these calls or leads erased."""
_MAY_CONCERN: Final = """
    SELECT (SELECT max(record_id) FROM recordings) >= ?
        OR EXISTS (SELECT 1 FROM tombstones) OR EXISTS (SELECT 1 FROM erased_calls)
        OR EXISTS (SELECT 1 FROM erasures)
"""
"""Whether that can be: not if the recordings are newer than all known ones and nothing was removed.
"""


def apply_all(
    db: sqlite3.Connection, entries: Sequence[Entry], known_ids: Horizon | None = None
) -> None:
    """Apply entries in their order: the tables are then as after `apply` of one after the other.

    `known_ids` are those of the database, if they are known without a question.
    """
    for _, group in groupby(entries, key=only_adds):
        some = [*group]
        found = additions(some)
        if found is None or not add(db, found, known_ids):
            for entry in some:
                apply(db, entry)
        known_ids = None  # what was applied just now is not noted there yet


def replay(db: sqlite3.Connection, segment: Segment) -> None:
    """Apply a segment to the tables; a forged one may be invalid.

    Raises ArchiveDamaged for a line that is not an event.
    """
    start = 0
    for some in _groups(_decoded(segment)):
        if not _can_add(db, some):
            for number, line in enumerate(some, start + 2):
                _at_line(segment, number, partial(_apply_line, db, line))
        start += len(some)


def _apply_line(db: sqlite3.Connection, line: _Line) -> None:
    apply(db, as_entry(line))


def _decoded(segment: Segment) -> list[_Line]:
    try:
        return decode_all(segment.lines)
    except UNFIT:
        for number, line in enumerate(segment.lines, start=2):
            _at_line(segment, number, partial(read, line))
        raise


def _at_line(segment: Segment, number: int, work: Callable[[], object]) -> None:
    try:
        work()
    except UNFIT as error:
        raise ArchiveDamaged(
            f"{segment.key}: line {number} is not a ledger event",
            hint="run `archiver verify` for all findings; restore the segment from a copy",
        ) from error


def _groups(lines: Sequence[_Line]) -> Iterator[Sequence[_Line]]:
    """The lines, all of those together that only add rows and follow one another."""
    start = 0
    for position, line in enumerate(lines):
        if type(line) is StoredLine or (type(line) is CallLine and not line.open):
            continue
        if start < position:
            yield lines[start:position]
        yield lines[position : position + 1]
        start = position + 1
    if start < len(lines):
        yield lines[start:]


def _can_add(db: sqlite3.Connection, lines: Sequence[_Line]) -> bool:
    """Write these lines at once. False where there are few of them, where one depends on what is
    known, or where no table takes one: applied one by one, they show which (those that were added
    do not change when they are applied again)."""
    if len(lines) < _FEWEST:
        return False
    stored = [line for line in lines if type(line) is StoredLine]
    calls = [line for line in lines if type(line) is CallLine]
    at, calls_at = [line.at for line in stored], [line.at for line in calls]
    try:
        return add(db, _additions(stored, at, calls, calls_at))
    except UNFIT:
        return False


def only_adds(entry: Entry) -> bool:
    """Whether the event adds rows, and changes none of a recording that is open."""
    match entry.event:
        case Stored():
            return True
        case CallJudged(open=found):
            return not found
        case _:
            return False


class Additions(NamedTuple):
    """The rows that entries add."""

    recordings: Rows
    revisions: list[tuple[Any, ...]]
    calls: Rows
    links: list[tuple[int, int]]


def additions(entries: Sequence[Entry]) -> Additions | None:
    """What these entries add; None where there are few of them, or others among them (pure)."""
    if len(entries) < _FEWEST or not only_adds(entries[0]):
        return None
    stored = [(one.event, one.at) for one in entries if isinstance(one.event, Stored)]
    calls = [(one.event, one.at) for one in entries if isinstance(one.event, CallJudged)]
    return _additions(
        *([event for event, _ in stored], [at for _, at in stored]),
        *([event for event, _ in calls], [at for _, at in calls]),
    )


def _additions(
    stored: Sequence[Stored],
    stored_at: Sequence[datetime],
    calls: Sequence[CallJudged],
    judged_at: Sequence[datetime],
) -> Additions:
    links = {(one.call_id, one.record_id): None for one in stored}
    links.update(((one.call_id, found), None) for one in calls for found in one.recordings)
    return Additions(
        recordings=archived(stored, stored_at),
        revisions=[
            (one.previous_key, one.record_id, one.previous_sha256, None)
            for one in stored
            if one.previous_key is not None
        ],
        calls=judged(calls, judged_at),
        links=sorted(links),
    )


def add(db: sqlite3.Connection, found: Additions, known_ids: Horizon | None = None) -> bool:
    """Write these rows. False, and nothing is written, if one depends on what is known."""
    are_new = known_ids is not None and known_ids.knows_nothing_of(
        found.recordings.values("record_id")
    )
    if not are_new and _are_concerned(db, found):
        return False
    write_rows(db, archive(found.recordings.columns), found.recordings.rows)
    write_rows(db, KEEP_REVISION, found.revisions)
    write_rows(db, judge(found.calls.columns), found.calls.rows)
    write_rows(db, LINK, found.links)
    return True


def _are_concerned(db: sqlite3.Connection, found: Additions) -> bool:
    stored, calls = found.recordings, found.calls
    record_ids = stored.values("record_id")
    oldest = min(record_ids, default=None)
    if not db.execute(_MAY_CONCERN, (oldest,)).fetchone()[0]:
        return False
    records = json.dumps(record_ids)
    call_ids = json.dumps(stored.values("call_id") + calls.values("call_id"))
    lead_ids = json.dumps(stored.values("lead_id") + calls.values("lead_id"))
    given = (records, records, call_ids, lead_ids)
    return bool(db.execute(_CONCERNED, given).fetchone()[0])
