"""Many entries at once: those that only add rows are written in groups.

Most events of a ledger store a new recording or judge its call. Each of them alone takes several
statements, which ask first whether the recording was removed or its lead erased. For a group, these
questions are asked once, and each table is written with one statement.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain, groupby
from typing import Any, Final, NamedTuple, TypeVar

from archiver.catalog.projection.recordings import (
    ARCHIVE,
    JUDGE,
    KEEP_REVISION,
    LINK,
    apply,
    archived_row,
    judged_row,
)
from archiver.errors import ArchiveDamaged
from archiver.ledger.events import CallJudged, Stored
from archiver.ledger.lines import Entry, decode
from archiver.ledger.segments import Segment
from archiver.sqlite.errors import UNFIT
from archiver.sqlite.rows import for_rows

T = TypeVar("T")

_FEWEST: Final = 8
"""Fewer entries than these are written one by one, which then takes no longer."""

_ROWS: Final = 20
"""Rows of one statement: with 24 columns each, below every version's limit of parameters."""

_GIVEN: Final = "IN (SELECT value FROM json_each(?))"
_CONCERNED: Final = f"""
    SELECT EXISTS (SELECT 1 FROM recordings WHERE record_id {_GIVEN})
        OR EXISTS (SELECT 1 FROM tombstones WHERE record_id {_GIVEN})
        OR EXISTS (SELECT 1 FROM erased_calls WHERE call_id {_GIVEN})
        OR EXISTS (SELECT 1 FROM erasures WHERE lead_id {_GIVEN})
"""  # noqa: S608 - constants
"""Whether any of these recordings is known or removed, or any of these calls or leads erased."""


def apply_all(db: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    """Apply entries in their order: the tables are then as after `apply` of one after the other."""
    for some in _groups(entries):
        if not _add(db, some):
            for entry in some:
                apply(db, entry)


def replay(db: sqlite3.Connection, segment: Segment) -> None:
    """Apply a segment to the tables; a forged one may be invalid.

    Raises ArchiveDamaged for a line that is not an event.
    """
    lines = enumerate(segment.lines, start=2)
    entries = [_at_line(segment, number, partial(decode, line)) for number, line in lines]
    number = 1
    for some in _groups(entries):
        is_added = _can_add(db, some)
        for entry in some:
            number += 1
            if not is_added:
                _at_line(segment, number, partial(apply, db, entry))


def _at_line(segment: Segment, number: int, work: Callable[[], T]) -> T:
    try:
        return work()
    except UNFIT as error:
        raise ArchiveDamaged(
            f"{segment.key}: line {number} is not a ledger event",
            hint="run `archiver verify` for all findings; restore the segment from a copy",
        ) from error


def _can_add(db: sqlite3.Connection, entries: Sequence[Entry]) -> bool:
    """As `_add`, and False for a group with an entry that no table takes: applied one by one, its
    entries show which (those that were added do not change when they are applied again)."""
    try:
        return _add(db, entries)
    except UNFIT:
        return False


def _groups(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    for _, some in groupby(entries, key=only_adds):
        yield [*some]


def only_adds(entry: Entry) -> bool:
    """Whether the event adds rows, and changes none of a recording that is open."""
    match entry.event:
        case Stored():
            return True
        case CallJudged(open=found):
            return not found
        case _:
            return False


def _add(db: sqlite3.Connection, entries: Sequence[Entry]) -> bool:
    """Write these entries at once. False, and nothing is written, where there are few of them, or
    where one of them depends on what is known."""
    found = additions(entries)
    return found is not None and add(db, found)


class Additions(NamedTuple):
    """The rows that entries add; and the ids that decide whether they can be added, as JSON.

    Rows are plain tuples, which SQLite's module reads faster than named ones, and which go from one
    process to another fastest.
    """

    recordings: list[tuple[Any, ...]]
    revisions: list[tuple[Any, ...]]
    calls: list[tuple[Any, ...]]
    links: list[tuple[int, int]]
    record_ids: str
    call_ids: str
    lead_ids: str


def additions(entries: Sequence[Entry]) -> Additions | None:
    """What these entries add; None where there are few of them, or others among them (pure)."""
    if len(entries) < _FEWEST or not only_adds(entries[0]):
        return None
    stored = [(one.event, one) for one in entries if isinstance(one.event, Stored)]
    judged = [(one.event, one) for one in entries if isinstance(one.event, CallJudged)]
    events = [one.event for one in entries if isinstance(one.event, Stored | CallJudged)]
    links = {(event.call_id, event.record_id) for event, _ in stored}
    links.update((event.call_id, one) for event, _ in judged for one in event.recordings)
    return Additions(
        recordings=[tuple(archived_row(event, entry)) for event, entry in stored],
        revisions=[
            (event.previous_key, event.record_id, event.previous_sha256, None)
            for event, _ in stored
            if event.previous_key is not None
        ],
        calls=[tuple(judged_row(event, entry)) for event, entry in judged],
        links=sorted(links),
        record_ids=json.dumps([event.record_id for event, _ in stored]),
        call_ids=json.dumps([event.call_id for event in events]),
        lead_ids=json.dumps([event.lead_id for event in events]),
    )


def add(db: sqlite3.Connection, found: Additions) -> bool:
    """Write these rows. False, and nothing is written, if one depends on what is known."""
    records = found.record_ids
    given = (records, records, found.call_ids, found.lead_ids)
    if db.execute(_CONCERNED, given).fetchone()[0]:
        return False
    _write(db, ARCHIVE, found.recordings)
    _write(db, KEEP_REVISION, found.revisions)
    _write(db, JUDGE, found.calls)
    _write(db, LINK, found.links)
    return True


def _write(db: sqlite3.Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Execute the statement for all rows, many at a time: to begin and end it takes as long as a
    row."""
    whole = len(rows) - len(rows) % _ROWS
    for start in range(0, whole, _ROWS):
        values = [*chain.from_iterable(rows[start : start + _ROWS])]
        db.execute(for_rows(statement, _ROWS), values)
    db.executemany(statement, rows[whole:])
