"""How holds, removals and erasures change the tables of the catalog.

What was removed leaves a tombstone, and what was erased a mark on its lead and calls; late events
never bring either back. See `recordings.py` for the rules that all events follow.
"""

import json
import sqlite3
from typing import Final, NamedTuple

from archiver.catalog.epoch import seconds
from archiver.ledger.events import Erased, Erasing, Held, Lifted, Redacted, Removed, Removing
from archiver.ledger.lines import Entry
from archiver.sqlite.rows import insert

_DOOMED_CALLS = """
    SELECT call_id FROM calls
    WHERE call_id IN (SELECT value FROM json_each(:calls))
       OR (lead_id = :lead AND coalesce(created_at, 0) < :before)
"""

_TOMBSTONE = "SELECT 1 FROM tombstones WHERE record_id = ?"
_ERASED = (
    "EXISTS (SELECT 1 FROM erased_calls WHERE call_id = ?)"
    " OR EXISTS (SELECT 1 FROM erasures WHERE lead_id = ? AND ? < before)"
)

_OF_RECORDINGS: Final = ("inspections", "locks", "legal_holds", "other_legal_holds")
"""Tables whose rows go with their recordings."""


def is_buried(db: sqlite3.Connection, record_id: int) -> bool:
    """Whether the recording has a tombstone."""
    found = db.execute(_TOMBSTONE, (record_id,)).fetchone()
    return found is not None


def is_erased(
    db: sqlite3.Connection, call_id: int | None, lead_id: int | None, created_at: int | None
) -> bool:
    """Whether the call, or one of that lead created then, is erased. Unknown moments count as old:
    a person who was erased must not come back for want of a date."""
    found = db.execute(
        f"SELECT 1 WHERE {_ERASED}",
        (call_id, lead_id, created_at or 0),
    ).fetchone()
    return found is not None


def is_removed(
    db: sqlite3.Connection,
    record_id: int,
    call_id: int,
    lead_id: int | None,
    created_at: int,
) -> bool:
    """Whether the recording has a tombstone, or its call is erased; one question for both."""
    found = db.execute(
        f"SELECT 1 WHERE EXISTS ({_TOMBSTONE}) OR {_ERASED}",
        (record_id, call_id, lead_id, created_at),
    ).fetchone()
    return found is not None


class _Hold(NamedTuple):
    """A hold that was placed."""

    hold_id: str
    placed_at: int
    key: str
    sha256: str
    version: str | None


_PLACE_HOLD: Final = insert("holds", _Hold)


def hold(event: Held, db: sqlite3.Connection, entry: Entry) -> None:
    """A hold is placed."""
    row = _Hold(
        hold_id=event.hold_id,
        placed_at=seconds(entry.at),
        key=event.key,
        sha256=event.sha256,
        version=event.version,
    )
    db.execute(_PLACE_HOLD, row)
    scopes = (("lead", event.lead_ids), ("call", event.call_ids), ("order", event.order_ids))
    db.executemany(
        "INSERT OR IGNORE INTO hold_scopes (kind, id, hold_id) VALUES (?, ?, ?)",
        [(kind, one, event.hold_id) for kind, ids in scopes for one in ids],
    )


def lift(event: Lifted, db: sqlite3.Connection, entry: Entry) -> None:
    """A hold is lifted, once."""
    db.execute(
        "UPDATE holds SET lifted_at = ?, lift_key = ?, lift_sha256 = ?, lift_version = ?"
        " WHERE hold_id = ? AND lifted_at IS NULL",
        (seconds(entry.at), event.key, event.sha256, event.version, event.hold_id),
    )


def removing(event: Removing, db: sqlite3.Connection, entry: Entry) -> None:
    """Recordings are about to go."""
    db.execute(
        "INSERT OR IGNORE INTO removals (record_id, why, lead_id, begun_at)"
        " SELECT value, ?, ?, ? FROM json_each(?)"
        " WHERE value NOT IN (SELECT record_id FROM tombstones)",
        (event.why, event.lead_id, seconds(entry.at), json.dumps(event.record_ids)),
    )


class _Tombstone(NamedTuple):
    """A recording that was removed."""

    record_id: int
    call_id: int
    key: str | None
    sha256: str | None
    why: str
    lead_id: int | None
    removed_at: int


_BURY: Final = insert("tombstones", _Tombstone)


def removed(event: Removed, db: sqlite3.Connection, entry: Entry) -> None:
    """A recording is gone; calls that list it keep only its id."""
    row = _Tombstone(
        record_id=event.record_id,
        call_id=event.call_id,
        key=event.key,
        sha256=event.sha256,
        why=event.why,
        lead_id=event.lead_id,
        removed_at=seconds(entry.at),
    )
    db.execute(_BURY, row)
    if event.why == "erasure":
        db.execute(
            "DELETE FROM rows WHERE call_id IN (SELECT call_id FROM links WHERE record_id = ?)",
            (event.record_id,),
        )
    for table in ("recordings", "revisions", *_OF_RECORDINGS, "removals"):
        db.execute(f"DELETE FROM {table} WHERE record_id = ?", (event.record_id,))  # noqa: S608 - constants


def erasing(event: Erasing, db: sqlite3.Connection, entry: Entry) -> None:
    """A lead is erased up to a moment: what is known of its calls goes at once, but their ids."""
    before = seconds(event.before)
    db.execute(
        "INSERT INTO erasures (lead_id, before) VALUES (?, ?)"
        " ON CONFLICT DO UPDATE SET before = max(before, excluded.before)",
        (event.lead_id, before),
    )
    doomed = {"calls": json.dumps(event.call_ids), "lead": event.lead_id, "before": before}
    for table in ("rows", "links", "calls"):
        db.execute(f"DELETE FROM {table} WHERE call_id IN ({_DOOMED_CALLS})", doomed)  # noqa: S608 - constants
    db.executemany(
        "INSERT OR IGNORE INTO erased_calls (call_id, lead_id) VALUES (?, ?)",
        [(one, event.lead_id) for one in event.call_ids],
    )
    db.executemany(
        "UPDATE holds SET is_erased = 1 WHERE hold_id = ?", [(one,) for one in event.hold_ids]
    )


def redacted(event: Redacted, db: sqlite3.Connection, entry: Entry) -> None:
    """A report has another digest now. Told again, it adds the version of the new object."""
    db.execute(
        "UPDATE runs SET report_sha256 = ?, report_version = NULL, previous_sha256 = ?"
        " WHERE report_key = ? AND report_sha256 = ?",
        (event.report_sha256, event.previous_sha256, event.report_key, event.previous_sha256),
    )
    db.execute(
        "UPDATE runs SET report_version = ? WHERE report_key = ? AND report_sha256 = ? AND ?",
        (
            event.report_version,
            event.report_key,
            event.report_sha256,
            event.report_version is not None,
        ),
    )


def erased(event: Erased, db: sqlite3.Connection, entry: Entry) -> None:
    """An erasure is complete. Unpublished data about the person on this machine is deleted now."""
    before = seconds(event.before)
    db.execute(
        "UPDATE erasures SET done_before = max(coalesce(done_before, 0), ?) WHERE lead_id = ?",
        (before, event.lead_id),
    )
    db.execute("UPDATE runs SET previous_sha256 = NULL WHERE previous_sha256 IS NOT NULL")
    db.execute(
        "DELETE FROM recordings WHERE (lead_id = ? AND coalesce(created_at, archived_at, 0) < ?)"
        " OR call_id IN (SELECT call_id FROM erased_calls WHERE lead_id = ?)",
        (event.lead_id, before, event.lead_id),
    )
    for table in _OF_RECORDINGS:
        db.execute(
            f"DELETE FROM {table} WHERE record_id NOT IN (SELECT record_id FROM recordings)"  # noqa: S608 - constants
        )
