"""How each event of the ledger changes the tables of the catalog.

A run records what it does by the same functions that rebuild a lost catalog from the ledger, so the
rebuilt one is equal row for row.

Events may come late: a machine that died before it could publish does so when it comes back, after
others have gone on. So no event takes back what is newer: archived stays archived, a higher
revision stays, a later judgement of a call stays, a cursor only moves on, and what was removed or
erased does not come back (`afterlife.py`). Replaying an event that was applied before changes
nothing.
"""

import json
import sqlite3
from functools import singledispatch

from archiver.catalog.epoch import seconds
from archiver.catalog.projection import exports, removals
from archiver.errors import ArchiveDamaged
from archiver.ledger.events import (
    CallJudged,
    CursorMoved,
    Entry,
    Erased,
    Erasing,
    Event,
    Exported,
    Gone,
    Held,
    Lifted,
    OpenRecording,
    OrderSeen,
    Redacted,
    Removed,
    Removing,
    Repaired,
    Revised,
    RunEnded,
    Stored,
    decode,
)
from archiver.ledger.segments import Segment
from archiver.sqlite.errors import UNFIT


def apply(db: sqlite3.Connection, entry: Entry) -> None:
    """Bring the tables up to what the entry tells."""
    if entry.event is not None:
        _apply(entry.event, db, entry)


def replay(db: sqlite3.Connection, segment: Segment) -> None:
    """Bring the tables up to what the segment tells; one that was forged may tell nonsense.

    Raises ArchiveDamaged for a line that is no event.
    """
    for number, line in enumerate(segment.lines, start=2):
        try:
            apply(db, decode(line))
        except UNFIT as error:
            raise ArchiveDamaged(
                f"{segment.key}: line {number} is no event of the ledger",
                hint="`archiver verify` lists every finding; restore the segment from a copy",
            ) from error


@singledispatch
def _apply(event: Event, db: sqlite3.Connection, entry: Entry) -> None:
    raise TypeError(f"the catalog knows no event {type(event).__name__}")


@_apply.register
def _(event: Stored, db: sqlite3.Connection, entry: Entry) -> None:
    if removals.is_buried(db, event.record_id) or removals.is_erased(
        db, event.call_id, event.lead_id, seconds(event.created_at or entry.at)
    ):
        return
    db.execute(
        """
        INSERT INTO recordings (
            record_id, state, call_id, key, bytes, sha256, content_type,
            sidecar_bytes, sidecar_sha256, metadata_sha256, revision, has_summary,
            lead_id, user_id, created_at, duration_seconds, findings, archived_at,
            version, sidecar_version
        ) VALUES (?, 'archived', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (record_id) DO UPDATE SET
            state = 'archived', call_id = excluded.call_id, key = excluded.key,
            bytes = excluded.bytes, sha256 = excluded.sha256,
            content_type = excluded.content_type, sidecar_bytes = excluded.sidecar_bytes,
            sidecar_sha256 = excluded.sidecar_sha256, metadata_sha256 = excluded.metadata_sha256,
            revision = excluded.revision, has_summary = excluded.has_summary,
            lead_id = excluded.lead_id, user_id = excluded.user_id,
            created_at = excluded.created_at, duration_seconds = excluded.duration_seconds,
            findings = excluded.findings, archived_at = excluded.archived_at,
            version = excluded.version, sidecar_version = excluded.sidecar_version,
            reason = NULL, attempts = 0, open_since = NULL, missing_days = '[]'
        WHERE state <> 'archived' OR revision < excluded.revision
        """,
        (
            event.record_id,
            event.call_id,
            event.key,
            event.bytes,
            event.sha256,
            event.content_type,
            event.sidecar_bytes,
            event.sidecar_sha256,
            event.metadata_sha256,
            event.revision,
            event.has_summary,
            event.lead_id,
            event.user_id,
            seconds(event.created_at),
            event.duration_seconds,
            json.dumps(event.findings),
            seconds(entry.at),
            event.version,
            event.sidecar_version,
        ),
    )
    _keep_revision(db, event.record_id, event.previous_key, event.previous_sha256, None)
    _link(db, event.call_id, event.record_id)


@_apply.register
def _(event: Revised, db: sqlite3.Connection, entry: Entry) -> None:
    if removals.is_buried(db, event.record_id):
        return
    db.execute(
        """
        UPDATE recordings SET sidecar_bytes = ?, sidecar_sha256 = ?, metadata_sha256 = ?,
            revision = ?, has_summary = ?, sidecar_version = ?
        WHERE record_id = ? AND revision <= ?
        """,
        (
            event.sidecar_bytes,
            event.sidecar_sha256,
            event.metadata_sha256,
            event.revision,
            event.has_summary,
            event.sidecar_version,
            event.record_id,
            event.revision,
        ),
    )
    _keep_revision(
        db, event.record_id, event.previous_key, event.previous_sha256, event.previous_version
    )


@_apply.register
def _(event: CallJudged, db: sqlite3.Connection, entry: Entry) -> None:
    if removals.is_erased(db, event.call_id, event.lead_id, seconds(event.created_at)):
        return
    db.execute(
        """
        INSERT INTO calls (
            call_id, state, lead_id, order_id, user_id, created_at, talk_seconds, has_records,
            asked_at, due_at, open_since, attempts, reason, judged_at
        ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (call_id) DO UPDATE SET
            state = excluded.state,
            lead_id = coalesce(excluded.lead_id, lead_id),
            order_id = coalesce(excluded.order_id, order_id),
            user_id = coalesce(excluded.user_id, user_id),
            created_at = coalesce(excluded.created_at, created_at),
            talk_seconds = coalesce(excluded.talk_seconds, talk_seconds),
            has_records = coalesce(excluded.has_records, has_records),
            asked_at = coalesce(excluded.asked_at, asked_at),
            due_at = excluded.due_at, open_since = excluded.open_since,
            attempts = excluded.attempts, reason = excluded.reason, judged_at = excluded.judged_at
        WHERE excluded.judged_at >= judged_at
        """,
        (
            event.call_id,
            event.state,
            event.lead_id,
            event.order_id,
            event.user_id,
            seconds(event.created_at),
            event.talk_seconds,
            event.has_records,
            seconds(event.asked_at),
            seconds(event.due_at),
            seconds(event.open_since),
            event.attempts,
            event.reason,
            seconds(entry.at),
        ),
    )
    for record_id in event.recordings:
        _link(db, event.call_id, record_id)
    for open_recording in event.open:
        if not removals.is_buried(db, open_recording.record_id):
            _keep_open(db, event.call_id, open_recording)


@_apply.register
def _(event: Gone, db: sqlite3.Connection, entry: Entry) -> None:
    db.execute(
        "UPDATE recordings SET state = 'gone', missing_days = ?"
        " WHERE record_id = ? AND state <> 'archived'",
        (json.dumps(event.missing_days), event.record_id),
    )


@_apply.register
def _(event: OrderSeen, db: sqlite3.Connection, entry: Entry) -> None:
    db.executemany(
        "INSERT OR IGNORE INTO orders (order_id, seen_at) VALUES (?, ?)",
        [(order_id, seconds(entry.at)) for order_id in event.order_ids],
    )


@_apply.register
def _(event: CursorMoved, db: sqlite3.Connection, entry: Entry) -> None:
    db.executemany(
        "INSERT INTO cursors (kind, id, narrowed_to, until, run_id) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET until = excluded.until, run_id = excluded.run_id"
        " WHERE excluded.until >= until",
        [
            (event.kind, one, event.narrowed_to, seconds(event.until), entry.run)
            for one in event.ids
        ],
    )


@_apply.register
def _(event: RunEnded, db: sqlite3.Connection, entry: Entry) -> None:
    db.execute(
        "INSERT OR IGNORE INTO runs"
        " (run_id, ended_at, report_key, report_sha256, report_version, complete)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            entry.run,
            seconds(entry.at),
            event.report_key,
            event.report_sha256,
            event.report_version,
            event.complete,
        ),
    )


@_apply.register
def _(event: Repaired, db: sqlite3.Connection, entry: Entry) -> None:
    if removals.is_buried(db, event.record_id):
        return
    # What was kept aside is of the recording like a superseded sidecar, and goes when it goes.
    _keep_revision(
        db, event.record_id, event.damaged_key, event.damaged_sha256, event.damaged_version
    )
    if event.version is not None:
        db.execute(
            "UPDATE recordings SET version = ? WHERE record_id = ? AND key = ?",
            (event.version, event.record_id, event.key),
        )


for kind, bury in (
    (Held, removals.hold),
    (Lifted, removals.lift),
    (Removing, removals.removing),
    (Removed, removals.removed),
    (Erasing, removals.erasing),
    (Redacted, removals.redacted),
    (Erased, removals.erased),
    (Exported, exports.exported),
):
    _apply.register(kind, bury)


def _keep_open(db: sqlite3.Connection, call_id: int, event: OpenRecording) -> None:
    db.execute(
        """
        INSERT INTO recordings (
            record_id, state, call_id, reason, attempts, open_since, missing_days
        ) VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (record_id) DO UPDATE SET state = excluded.state, reason = excluded.reason,
            attempts = excluded.attempts, missing_days = excluded.missing_days
        WHERE state IN ('waiting', 'failed')
        """,
        (
            event.record_id,
            event.state,
            call_id,
            event.reason,
            event.attempts,
            seconds(event.since),
            json.dumps(event.missing_days),
        ),
    )


def _keep_revision(
    db: sqlite3.Connection,
    record_id: int,
    key: str | None,
    sha256: str | None,
    version: str | None,
) -> None:
    if key is not None:
        db.execute(
            "INSERT OR REPLACE INTO revisions (key, record_id, sha256, version)"
            " VALUES (?, ?, ?, ?)",
            (key, record_id, sha256, version),
        )


def _link(db: sqlite3.Connection, call_id: int, record_id: int) -> None:
    db.execute(
        "INSERT OR IGNORE INTO links (call_id, record_id) VALUES (?, ?)", (call_id, record_id)
    )
