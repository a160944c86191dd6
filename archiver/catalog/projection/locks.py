"""How what is known of locked objects, and of those on legal hold, changes the tables."""

import sqlite3
from typing import Final

from archiver.ledger.lines import Entry
from archiver.ledger.lock_events import LegalHold, Locked, Restored

_KEEP: Final = """
    INSERT INTO locks (record_id, revision, seconds)
    SELECT record_id, ?, ? FROM recordings WHERE record_id = ?
    ON CONFLICT DO UPDATE SET revision = excluded.revision, seconds = excluded.seconds
"""

_VERSIONS: Final = {
    "recordings": ("version", "sidecar_version"),
    "revisions": ("version",),
    "runs": ("report_version",),
    "holds": ("version", "lift_version"),
}
"""Tables that name versions, and their columns."""


def locked(event: Locked, db: sqlite3.Connection, entry: Entry) -> None:
    """Recordings are locked, as far as they are known."""
    pairs = zip(event.record_ids, event.revisions, strict=True)
    db.executemany(_KEEP, [(revision, event.seconds, one) for one, revision in pairs])


_HOLD: Final = """
    INSERT INTO legal_holds (record_id, revision, is_set)
    SELECT record_id, ?, ? FROM recordings WHERE record_id = ?
    ON CONFLICT DO UPDATE SET revision = excluded.revision, is_set = excluded.is_set
"""
_OTHER: Final = "INSERT OR IGNORE INTO other_legal_holds (place, record_id) VALUES (?, ?)"


def legal_hold(event: LegalHold, db: sqlite3.Connection, entry: Entry) -> None:
    """Recordings are being put on legal hold, are, or are no more."""
    if event.state == "removed":
        for table in ("legal_holds", "other_legal_holds"):
            db.executemany(
                f"DELETE FROM {table} WHERE record_id = ?",  # noqa: S608 - constants
                [(one,) for one in event.record_ids],
            )
        return
    pairs = zip(event.record_ids, event.revisions, strict=True)
    is_set = event.state == "set"
    db.executemany(_HOLD, [(revision, is_set, one) for one, revision in pairs])
    others = [(place, _record_of(place)) for place in event.others]
    db.executemany(_OTHER, [one for one in others if one[1] in event.record_ids])


def _record_of(place: str) -> int | None:
    """The recording of a key, anywhere below the archive's root."""
    key = place.partition(" ")[0]
    name = key.rpartition("/")[2].partition(".")[0]
    return int(name) if name.isascii() and name.isdigit() else None


def forget(db: sqlite3.Connection, record_id: int) -> None:
    """An object of the recording was stored anew: whether it is locked is not known."""
    db.execute("DELETE FROM locks WHERE record_id = ?", (record_id,))
    db.execute("UPDATE legal_holds SET is_set = 0 WHERE record_id = ?", (record_id,))


def restored(event: Restored, db: sqlite3.Connection, entry: Entry) -> None:
    """Every object is a new one: no version is known, no lock and no legal hold."""
    for table, columns in _VERSIONS.items():
        changes = ", ".join(f"{name} = NULL" for name in columns)
        db.execute(f"UPDATE {table} SET {changes}")  # noqa: S608 - constants
    for table in ("locks", "legal_holds", "other_legal_holds"):
        db.execute(f"DELETE FROM {table}")  # noqa: S608 - constants
