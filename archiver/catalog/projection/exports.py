"""How an export changes the tables of the catalog: who was given what stays known."""

import sqlite3

from archiver.catalog.epoch import seconds
from archiver.ledger.events import Entry, Exported


def exported(event: Exported, db: sqlite3.Connection, entry: Entry) -> None:
    """Recordings were handed over. One export may tell of them in several lines."""
    db.execute(
        "INSERT OR IGNORE INTO exports"
        " (export_id, exported_at, manifest_sha256, calls, recordings, bytes, missing)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            entry.run,
            seconds(entry.at),
            event.manifest_sha256,
            event.calls,
            event.recordings,
            event.bytes,
            event.missing,
        ),
    )
    db.executemany(
        "INSERT OR IGNORE INTO exported (record_id, export_id) VALUES (?, ?)",
        [(record_id, entry.run) for record_id in event.record_ids],
    )
