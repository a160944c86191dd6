"""How what is known of locked objects changes the tables of the catalog."""

import sqlite3
from typing import Final

from archiver.ledger.events import Locked
from archiver.ledger.lines import Entry

_KEEP: Final = """
    INSERT INTO locks (record_id, revision, seconds)
    SELECT record_id, ?, ? FROM recordings WHERE record_id = ?
    ON CONFLICT DO UPDATE SET revision = excluded.revision, seconds = excluded.seconds
"""


def locked(event: Locked, db: sqlite3.Connection, entry: Entry) -> None:
    """Recordings are locked, as far as they are known."""
    pairs = zip(event.record_ids, event.revisions, strict=True)
    db.executemany(_KEEP, [(revision, event.seconds, one) for one, revision in pairs])


def forget(db: sqlite3.Connection, record_id: int) -> None:
    """An object of the recording was stored anew: whether it is locked is not known."""
    db.execute("DELETE FROM locks WHERE record_id = ?", (record_id,))
