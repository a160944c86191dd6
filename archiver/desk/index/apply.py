"""Applying the ledger to the index: the catalog's projection, and what follows from it here.

A line that is not an event, or that SQLite rejects, is skipped: the desk shows what it can, and
`archiver verify` reports the rest. A recording that is about to be removed loses its card at once;
its text is removed from the file when the index is scrubbed.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from archiver.catalog.projection.recordings import apply
from archiver.catalog.projection.replay import Additions, add, additions, apply_all, only_adds
from archiver.catalog.states import IS_ARCHIVED
from archiver.desk.index.schema import make_indexes
from archiver.ledger.events import (
    CallJudged,
    Erased,
    Erasing,
    Event,
    Gone,
    Held,
    Inspected,
    Lifted,
    Removed,
    Removing,
    Repaired,
    Revised,
    Stored,
)
from archiver.ledger.lines import Entry, decode
from archiver.ledger.lock_events import LegalHold

_OF_LEAD = (
    "SELECT record_id FROM recordings WHERE lead_id = :lead UNION"
    " SELECT record_id FROM links JOIN calls USING (call_id) WHERE calls.lead_id = :lead UNION"
    " SELECT record_id FROM links WHERE call_id IN (SELECT value FROM json_each(:calls))"
)
_READABLE = (
    "INSERT OR REPLACE INTO pending (record_id, created_at)"  # noqa: S608 - constants
    " SELECT record_id, coalesce(created_at, archived_at, 0) FROM recordings"
    f" WHERE record_id IN (SELECT value FROM json_each(?)) AND state {IS_ARCHIVED}"
    " AND record_id NOT IN (SELECT record_id FROM removals)"
)
_LOOKS_UP = (Held, LegalHold, Removing, Removed, Erasing, Erased)
"""Events that concern recordings by their call, lead or order: without an index, each would read
whole tables."""
_SENSELESS = (ValueError, TypeError, OverflowError, RecursionError, sqlite3.Error)
_FATAL = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_BUSY", "SQLITE_READONLY", "SQLITE_CORRUPT")


@dataclass(slots=True)
class Taken:
    """The changes made by some lines of the ledger."""

    touched: set[int] = field(default_factory=set)
    buried: set[int] = field(default_factory=set)
    are_holds_changed: bool = False
    skipped: int = 0


class Group(NamedTuple):
    """Some lines of a segment that only add rows, or some others (without `additions`); and the
    recordings that are stored, or concerned at all."""

    lines: int
    additions: Additions | None
    stored: list[int]
    touched: list[int]


def prepare(lines: Iterable[bytes]) -> list[Group]:
    """What the lines add, as far as it does not depend on what is known (pure).

    ValueError for a line that makes no sense.
    """
    groups = []
    for _, some in groupby((decode(line) for line in lines), key=only_adds):
        entries = [*some]
        found = additions(entries)
        groups.append(Group(len(entries), found, *(_concerned(entries) if found else ([], []))))
    return groups


def parsed(lines: Sequence[bytes]) -> list[Group] | None:
    """What `prepare` makes of the lines; None where a line makes no sense. For a worker process."""
    try:
        return prepare(lines)
    except _SENSELESS:
        return None


def take(
    db: sqlite3.Connection,
    lines: Iterable[bytes],
    taken: Taken,
    groups: Sequence[Group] | None = None,
) -> None:
    """Apply lines of the ledger, in the current transaction; `groups` is what `prepare` made of
    them, if that is known already.

    Lines that make no sense are rare: all are taken together, and one by one only where one fails.
    """
    all_ = [*lines]
    together = Taken()
    db.execute("SAVEPOINT lines")
    try:
        _take_together(db, all_, prepare(all_) if groups is None else groups, together)
    except _SENSELESS as error:
        db.execute("ROLLBACK TO lines")
        if _is_fatal(error):
            raise
        _take_singly(db, all_, taken)
    else:
        taken.touched |= together.touched
        taken.buried |= together.buried
        taken.are_holds_changed |= together.are_holds_changed
    finally:
        db.execute("RELEASE lines")


def _take_together(
    db: sqlite3.Connection, lines: Sequence[bytes], groups: Iterable[Group], taken: Taken
) -> None:
    """Apply lines in their order. Events that only add rows are written in groups: most of a long
    ledger."""
    start = 0
    for group in groups:
        if group.additions is not None and add(db, group.additions):
            taken.touched.update(group.touched)
            db.execute(_READABLE, (json.dumps(group.stored),))
        else:
            some = lines[start : start + group.lines]
            _take_entries(db, [decode(line) for line in some], taken)
        start += group.lines


def _take_entries(db: sqlite3.Connection, entries: Sequence[Entry], taken: Taken) -> None:
    for are_additions, some in groupby(entries, key=_is_addition):
        group = [*some]
        if not are_additions:
            for entry in group:
                _take(db, entry, taken)
            continue
        apply_all(db, group)
        stored, touched = _concerned(group)
        taken.touched.update(touched)
        db.execute(_READABLE, (json.dumps(stored),))


def _concerned(entries: Iterable[Entry]) -> tuple[list[int], list[int]]:
    """The recordings that the entries store, and all that they concern."""
    stored: list[int] = []
    touched: list[int] = []
    for one in entries:
        if isinstance(one.event, Stored):
            stored.append(one.event.record_id)
        elif isinstance(one.event, CallJudged):
            touched.extend(_recordings_of(one.event))
    return stored, stored + touched


def _is_addition(entry: Entry) -> bool:
    return isinstance(entry.event, Stored | CallJudged)


def _recordings_of(event: CallJudged) -> Iterator[int]:
    yield from event.recordings
    yield from (one.record_id for one in event.open)


def _take_singly(db: sqlite3.Connection, lines: Iterable[bytes], taken: Taken) -> None:
    for line in lines:
        try:
            entry = decode(line)
            db.execute("SAVEPOINT line")
            try:
                _take(db, entry, taken)
            except BaseException:
                db.execute("ROLLBACK TO line")
                raise
            finally:
                db.execute("RELEASE line")
        except _SENSELESS as error:
            if _is_fatal(error):
                raise
            taken.skipped += 1


def _is_fatal(error: Exception) -> bool:
    """Whether it is the file or the disk that is at fault, and not the line."""
    return bool(getattr(error, "sqlite_errorname", "").startswith(_FATAL))


def _take(db: sqlite3.Connection, entry: Entry, taken: Taken) -> None:
    if isinstance(entry.event, _LOOKS_UP):
        make_indexes(db)
    if isinstance(entry.event, Erasing):
        # Queried before it is applied: afterwards it is not known whose they were.
        taken.touched |= _of_lead(db, entry.event.lead_id, entry.event.call_ids)
    apply(db, entry)
    _note(db, entry.event, taken)


def _note(db: sqlite3.Connection, event: Event | None, taken: Taken) -> None:
    """What an applied event changes besides the tables of the catalog."""
    match event:
        case Stored() | Revised() | Repaired():
            taken.touched.add(event.record_id)
            if isinstance(event, Repaired):
                db.execute("DELETE FROM cards WHERE record_id = ?", (event.record_id,))
            db.execute(_READABLE, (json.dumps([event.record_id]),))
        case CallJudged():
            taken.touched.update(_recordings_of(event))
        case Gone() | Inspected():
            taken.touched.add(event.record_id)
        case Removing():
            _bury(db, event.record_ids, taken)
        case Removed():
            _bury(db, (event.record_id,), taken)
        case Erased():
            _forget_strays(db, taken)
        case Held() | Lifted():
            taken.are_holds_changed = True
        case _:
            pass


def _bury(db: sqlite3.Connection, record_ids: Sequence[int], taken: Taken) -> None:
    ids = [(one,) for one in record_ids]
    if ids:
        db.execute("UPDATE desk SET is_dirty = 1")
    db.executemany("DELETE FROM cards WHERE record_id = ?", ids)
    db.executemany("DELETE FROM pending WHERE record_id = ?", ids)
    taken.touched.update(record_ids)
    taken.buried.update(record_ids)


def _forget_strays(db: sqlite3.Connection, taken: Taken) -> None:
    """Whatever an erasure took out of the catalog goes here, too."""
    for table in ("cards", "pending"):
        strays = db.execute(
            f"SELECT record_id FROM {table}"  # noqa: S608 - constants only
            " WHERE record_id NOT IN (SELECT record_id FROM recordings)"
        )
        _bury(db, [row[0] for row in strays], taken)


def _of_lead(db: sqlite3.Connection, lead_id: int, call_ids: Sequence[int]) -> set[int]:
    given = {"lead": lead_id, "calls": json.dumps(list(call_ids))}
    return {row[0] for row in db.execute(_OF_LEAD, given)}
