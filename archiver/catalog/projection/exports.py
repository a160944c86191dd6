"""How an export changes the tables of the catalog: what was exported stays known."""

import sqlite3
from typing import Final, NamedTuple

from archiver.catalog.epoch import seconds
from archiver.ledger.events import Exported
from archiver.ledger.lines import Entry
from archiver.sqlite.rows import insert


class _Export(NamedTuple):
    """A package that was handed over."""

    export_id: str
    exported_at: int
    manifest_sha256: str
    calls: int
    recordings: int
    bytes: int
    missing: int


_KEEP_EXPORT: Final = insert("exports", _Export)


def exported(event: Exported, db: sqlite3.Connection, entry: Entry) -> None:
    """Recordings were exported. One export may be recorded in several lines."""
    row = _Export(
        export_id=entry.run,
        exported_at=seconds(entry.at),
        manifest_sha256=event.manifest_sha256,
        calls=event.calls,
        recordings=event.recordings,
        bytes=event.bytes,
        missing=event.missing,
    )
    db.execute(_KEEP_EXPORT, row)
    db.executemany(
        "INSERT OR IGNORE INTO exported (record_id, export_id) VALUES (?, ?)",
        [(record_id, entry.run) for record_id in event.record_ids],
    )
