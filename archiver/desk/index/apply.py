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
from typing import Final, NamedTuple

import numpy as np

from archiver.catalog.projection.recordings import KEEP_REVISION, LINK, apply, archive, judge
from archiver.catalog.projection.replay import Additions, additions, apply_all, only_adds
from archiver.catalog.states import IS_ARCHIVED
from archiver.desk.index.arrivals import Arrivals, arrivals_of
from archiver.desk.index.schema import make_indexes
from archiver.desk.index.staging import from_staged, image_of
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
from archiver.ledger.lines import Entry, as_entry, decode, decode_all
from archiver.ledger.lock_events import LegalHold
from archiver.sqlite.rows import Rows

_OF_LEAD = (
    "SELECT record_id FROM recordings WHERE lead_id = :lead UNION"
    " SELECT record_id FROM links JOIN calls USING (call_id) WHERE calls.lead_id = :lead UNION"
    " SELECT record_id FROM links WHERE call_id IN (SELECT value FROM json_each(:calls))"
)
_READABLE = (
    "INSERT OR REPLACE INTO pending (record_id, created_at)"  # noqa: S608 - constants
    " SELECT record_id, coalesce(created_at, archived_at, 0) FROM recordings"
    f" WHERE record_id IN ({{}}) AND state {IS_ARCHIVED}"
    " AND record_id NOT IN (SELECT record_id FROM removals)"
)
_READABLE_GIVEN: Final = _READABLE.format("SELECT value FROM json_each(?)")
_CONCERNED: Final = """
    SELECT EXISTS (SELECT 1 FROM staged.recordings_{0}
            WHERE record_id IN (SELECT record_id FROM recordings)
            OR record_id IN (SELECT record_id FROM tombstones)
            OR call_id IN (SELECT call_id FROM erased_calls)
            OR lead_id IN (SELECT lead_id FROM erasures))
        OR EXISTS (SELECT 1 FROM staged.calls_{0}
            WHERE call_id IN (SELECT call_id FROM erased_calls)
            OR lead_id IN (SELECT lead_id FROM erasures))
"""
"""Whether any recording of a group in the image is known or removed, or any call or lead erased: as
`projection.replay` asks before it adds rows."""
_KNOWN: Final = """
    SELECT record_id FROM staged.recordings_{}
    WHERE call_id IN (SELECT call_id FROM calls)
        OR record_id IN (SELECT record_id FROM cards)
        OR record_id IN (SELECT record_id FROM removals)
        OR record_id IN (SELECT record_id FROM inspections)
"""
"""Recordings of a group in the image of which more is known than the image says."""
_LOOKS_UP = (Held, LegalHold, Removing, Removed, Erasing, Erased)
"""Events that concern recordings by their call, lead or order: without an index, each would read
whole tables."""
_SENSELESS = (ValueError, TypeError, OverflowError, RecursionError, sqlite3.Error)
_FATAL = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_BUSY", "SQLITE_READONLY", "SQLITE_CORRUPT")


@dataclass(slots=True)
class Taken:
    """The changes made by some lines of the ledger."""

    touched: set[int] = field(default_factory=set)
    arrived: list[Arrivals] = field(default_factory=list)
    buried: set[int] = field(default_factory=set)
    are_holds_changed: bool = False
    skipped: int = 0


class Addition(NamedTuple):
    """What some lines add, if they only add rows: statements that write these from the image of the
    segment, the recordings that are new, and all recordings that the lines concern."""

    statements: list[str]
    arrivals: Arrivals
    touched: list[int]


class Group(NamedTuple):
    """Some lines of a segment, and what they add (None: they may change something as well)."""

    lines: int
    addition: Addition | None


class Parsed(NamedTuple):
    """The lines of a segment, as far as they do not depend on what is known."""

    groups: list[Group]
    image: bytes


def parse(lines: Iterable[bytes]) -> Parsed | None:
    """What the lines add; None where one of them makes no sense. Also for a worker process."""
    try:
        return _parse(lines)
    except _SENSELESS:
        return None


def _parse(lines: Iterable[bytes]) -> Parsed:
    groups: list[Group] = []
    image: dict[str, Rows] = {}
    for _, some in groupby(map(as_entry, decode_all(lines)), key=only_adds):
        entries = [*some]
        found, addition = additions(entries), None
        if found is not None:
            tables, statements = _staged(found, len(groups))
            image |= tables
            addition = Addition(statements, arrivals_of(found), _concerned(entries)[1])
        groups.append(Group(len(entries), addition))
    return Parsed(groups, image_of(image) if image else b"")


def _staged(found: Additions, number: int) -> tuple[dict[str, Rows], list[str]]:
    """The rows as tables of an image, and the statements that write them."""
    links = Rows(("call_id", "record_id"), [*found.links])
    kept = Rows(("key", "record_id", "sha256", "version"), found.revisions)
    rows = {"recordings": found.recordings, "revisions": kept, "calls": found.calls, "links": links}
    writes = {
        "recordings": archive(found.recordings.columns),
        "revisions": KEEP_REVISION,
        "calls": judge(found.calls.columns),
        "links": LINK,
    }
    statements = [from_staged(writes[name], f"{name}_{number}") for name in rows]
    statements.append(_READABLE.format(f"SELECT record_id FROM staged.recordings_{number}"))  # noqa: S608
    return {f"{name}_{number}": _with_lead(some) for name, some in rows.items()}, statements


def _with_lead(rows: Rows) -> Rows:
    """The rows with the column that is asked for, whether they have it or not."""
    if "lead_id" in rows.columns:
        return rows
    return Rows((*rows.columns, "lead_id"), [(*row, None) for row in rows.rows])


def take(
    db: sqlite3.Connection, lines: Sequence[bytes], taken: Taken, parsed: Parsed | None
) -> None:
    """Apply lines of the ledger, in the current transaction; `parsed` is what `parse` made of them,
    whose image is staged.

    Lines that make no sense are rare: all are taken together, and one by one only where one fails.
    """
    together = Taken()
    db.execute("SAVEPOINT lines")
    try:
        if parsed is None:
            _take_singly(db, lines, taken)
            return
        _take_together(db, lines, parsed.groups, together)
    except _SENSELESS as error:
        db.execute("ROLLBACK TO lines")
        if _is_fatal(error):
            raise
        _take_singly(db, lines, taken)
    else:
        taken.arrived += together.arrived
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
    for number, group in enumerate(groups):
        if group.addition is None or not _add(db, number, group.addition, taken):
            some = lines[start : start + group.lines]
            _take_entries(db, [decode(line) for line in some], taken)
        start += group.lines


def _add(db: sqlite3.Connection, number: int, added: Addition, taken: Taken) -> bool:
    """Write the rows of a group of the image. False, and nothing is written, if one depends on what
    is known."""
    if db.execute(_CONCERNED.format(number)).fetchone()[0]:
        return False
    known = np.array([row[0] for row in db.execute(_KNOWN.format(number))], np.int64)
    for statement in added.statements:
        db.execute(statement)
    arrived = added.arrivals._replace(columns=added.arrivals.columns.without(known))
    taken.arrived.append(arrived)
    taken.touched.update(set(added.touched).difference(arrived.columns.record_id.tolist()))
    return True


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
        db.execute(_READABLE_GIVEN, (json.dumps(stored),))


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
            db.execute(_READABLE_GIVEN, (json.dumps([event.record_id]),))
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
