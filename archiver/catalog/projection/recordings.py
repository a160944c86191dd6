"""How each event of the ledger changes the tables of the catalog.

A run records what it does with the same functions that rebuild a lost catalog from the ledger, so
the rebuilt one is identical, row by row.

Events may be late: a machine that died before it could publish does so when it is back, after
others have continued. So no event reverts newer ones: archived stays archived, a higher revision
stays, a later state of a call stays, a cursor only advances, and what was removed or erased does
not come back (`removals.py`). Replaying an event that was applied before changes nothing.
"""

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from functools import cache, lru_cache, singledispatch
from typing import Final, NamedTuple

from archiver.catalog.epoch import all_seconds, seconds
from archiver.catalog.projection import acts, exports, inspections, locks, removals
from archiver.catalog.states import IS_NOT_ARCHIVED, IS_OPEN, RecordingState
from archiver.ledger.events import (
    Acted,
    CallJudged,
    CursorMoved,
    Erased,
    Erasing,
    Event,
    Exported,
    Gone,
    Held,
    Inspected,
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
)
from archiver.ledger.lines import Entry
from archiver.ledger.lock_events import LegalHold, Locked, Restored
from archiver.sqlite.rows import Rows, insert, rows_of, update, upsert

KEEP_REVISION: Final = (
    "INSERT OR REPLACE INTO revisions (key, record_id, sha256, version) VALUES (?, ?, ?, ?)"
)
LINK: Final = "INSERT OR IGNORE INTO links (call_id, record_id) VALUES (?, ?)"


def apply(db: sqlite3.Connection, entry: Entry) -> None:
    """Apply an entry to the tables."""
    if entry.event is not None:
        _apply(entry.event, db, entry)


@singledispatch
def _apply(event: Event, db: sqlite3.Connection, entry: Entry) -> None:
    raise TypeError(f"unknown ledger event {type(event).__name__}")


class _Archived(NamedTuple):
    """A recording that is archived; what was open of it is over."""

    record_id: int
    state: str
    call_id: int
    key: str
    bytes: int
    sha256: str
    content_type: str
    sidecar_bytes: int
    sidecar_sha256: str
    metadata_sha256: str
    revision: int
    has_summary: bool
    lead_id: int | None
    user_id: int | None
    created_at: int | None
    duration_seconds: float | None
    findings: str
    archived_at: int
    version: str | None
    sidecar_version: str | None
    reason: str | None = None
    attempts: int = 0
    open_since: int | None = None
    missing_days: str = "[]"


@lru_cache(maxsize=64)
def archive(given: tuple[str, ...]) -> str:
    """The statement that adds recordings of which these columns are given."""
    where = f"state {IS_NOT_ARCHIVED} OR revision < excluded.revision"
    return upsert("recordings", _Archived, where=where, given=given)


def archived(events: Sequence[Stored], at: Sequence[datetime]) -> Rows:
    """The rows of recordings that were stored, each at its moment."""
    return rows_of(
        {
            "record_id": [one.record_id for one in events],
            "state": [RecordingState.ARCHIVED.value] * len(events),
            "call_id": [one.call_id for one in events],
            "key": [one.key for one in events],
            "bytes": [one.bytes for one in events],
            "sha256": [one.sha256 for one in events],
            "content_type": [one.content_type for one in events],
            "sidecar_bytes": [one.sidecar_bytes for one in events],
            "sidecar_sha256": [one.sidecar_sha256 for one in events],
            "metadata_sha256": [one.metadata_sha256 for one in events],
            "revision": [one.revision for one in events],
            "has_summary": [int(one.has_summary) for one in events],
            "lead_id": [one.lead_id for one in events],
            "user_id": [one.user_id for one in events],
            "created_at": all_seconds([one.created_at for one in events]),
            "duration_seconds": [one.duration_seconds for one in events],
            "findings": [_as_text(one.findings) if one.findings else "[]" for one in events],
            "archived_at": all_seconds(at),
            "version": [one.version for one in events],
            "sidecar_version": [one.sidecar_version for one in events],
        }
    )


@_apply.register
def _(event: Stored, db: sqlite3.Connection, entry: Entry) -> None:
    created = seconds(event.created_at or entry.at)
    if removals.is_removed(db, event.record_id, event.call_id, event.lead_id, created):
        return
    columns, (row,) = archived([event], [entry.at])
    if db.execute(archive(columns), row).rowcount:
        inspections.forget(db, event.record_id)
    _keep_revision(db, event.record_id, event.previous_key, event.previous_sha256, None)
    _link(db, event.call_id, event.record_id)


class _Sidecar(NamedTuple):
    """What a revision changes of a recording."""

    sidecar_bytes: int
    sidecar_sha256: str
    metadata_sha256: str
    revision: int
    has_summary: bool
    sidecar_version: str | None


_REVISE: Final = update("recordings", _Sidecar, "record_id = ? AND revision <= ?")


@_apply.register
def _(event: Revised, db: sqlite3.Connection, entry: Entry) -> None:
    if removals.is_buried(db, event.record_id):
        return
    row = _Sidecar(
        sidecar_bytes=event.sidecar_bytes,
        sidecar_sha256=event.sidecar_sha256,
        metadata_sha256=event.metadata_sha256,
        revision=event.revision,
        has_summary=event.has_summary,
        sidecar_version=event.sidecar_version,
    )
    db.execute(_REVISE, (*row, event.record_id, event.revision))
    if event.findings is not None:
        db.execute(
            "UPDATE recordings SET findings = ? WHERE record_id = ? AND revision = ?",
            (_as_text(event.findings), event.record_id, event.revision),
        )
        inspections.compare(db, event.record_id)
    _keep_revision(
        db, event.record_id, event.previous_key, event.previous_sha256, event.previous_version
    )


class _Judged(NamedTuple):
    """A call, and how it was judged last."""

    call_id: int
    state: str
    lead_id: int | None
    order_id: int | None
    user_id: int | None
    created_at: int | None
    talk_seconds: float | None
    has_records: bool | None
    asked_at: int | None
    due_at: int | None
    open_since: int | None
    attempts: int
    reason: str | None
    judged_at: int


@lru_cache(maxsize=64)
def judge(given: tuple[str, ...]) -> str:
    """The statement that adds calls of which these columns are given, or changes them."""
    return upsert(
        "calls",
        _Judged,
        fill=(
            *("lead_id", "order_id", "user_id", "created_at"),
            *("talk_seconds", "has_records", "asked_at"),
        ),
        where="excluded.judged_at >= judged_at",
        given=given,
    )


def judged(events: Sequence[CallJudged], at: Sequence[datetime]) -> Rows:
    """The rows of calls that were judged, each at its moment."""
    return rows_of(
        {
            "call_id": [one.call_id for one in events],
            "state": [one.state for one in events],
            "lead_id": [one.lead_id for one in events],
            "order_id": [one.order_id for one in events],
            "user_id": [one.user_id for one in events],
            "created_at": all_seconds([one.created_at for one in events]),
            "talk_seconds": [one.talk_seconds for one in events],
            "has_records": [
                None if one.has_records is None else int(one.has_records) for one in events
            ],
            "asked_at": all_seconds([one.asked_at for one in events]),
            "due_at": all_seconds([one.due_at for one in events]),
            "open_since": all_seconds([one.open_since for one in events]),
            "attempts": [one.attempts for one in events],
            "reason": [one.reason for one in events],
            "judged_at": all_seconds(at),
        }
    )


@_apply.register
def _(event: CallJudged, db: sqlite3.Connection, entry: Entry) -> None:
    if removals.is_erased(db, event.call_id, event.lead_id, seconds(event.created_at)):
        return
    columns, (row,) = judged([event], [entry.at])
    db.execute(judge(columns), row)
    for record_id in event.recordings:
        _link(db, event.call_id, record_id)
    for open_recording in event.open:
        if not removals.is_buried(db, open_recording.record_id):
            _keep_open(db, event.call_id, open_recording)


@_apply.register
def _(event: Gone, db: sqlite3.Connection, entry: Entry) -> None:
    db.execute(
        "UPDATE recordings SET state = ?, missing_days = ?,"  # noqa: S608 - constants
        f" reason = coalesce(?, reason) WHERE record_id = ? AND state {IS_NOT_ARCHIVED}",
        (RecordingState.GONE, json.dumps(event.missing_days), event.reason, event.record_id),
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
        "INSERT INTO cursors (kind, id, narrowed_to, until, run_id, since)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
        # Each listing begins before the end of the one before it. The least of NULL is NULL.
        " SET until = excluded.until, run_id = excluded.run_id, since = min(since, excluded.since)"
        " WHERE excluded.until >= until",
        [
            (
                *(event.kind, one, event.narrowed_to, seconds(event.until), entry.run),
                seconds(event.since),
            )
            for one in event.ids
        ],
    )


class _Run(NamedTuple):
    """A run that ended and left its report."""

    run_id: str
    ended_at: int
    report_key: str
    report_sha256: str
    report_version: str | None
    complete: bool
    purpose: str | None


_END_RUN: Final = insert("runs", _Run)


@_apply.register
def _(event: RunEnded, db: sqlite3.Connection, entry: Entry) -> None:
    row = _Run(
        run_id=entry.run,
        ended_at=seconds(entry.at),
        report_key=event.report_key,
        report_sha256=event.report_sha256,
        report_version=event.report_version,
        complete=event.complete,
        purpose=event.purpose,
    )
    db.execute(_END_RUN, row)


@_apply.register
def _(event: Repaired, db: sqlite3.Connection, entry: Entry) -> None:
    if removals.is_buried(db, event.record_id):
        return
    # What was kept aside is of the recording like a superseded sidecar, and goes when it goes.
    _keep_revision(
        db, event.record_id, event.damaged_key, event.damaged_sha256, event.damaged_version
    )
    locks.forget(db, event.record_id)
    if event.version is not None:
        db.execute(
            "UPDATE recordings SET version = ? WHERE record_id = ? AND key = ?",
            (event.version, event.record_id, event.key),
        )


for kind, bury in (
    (Held, removals.hold),
    (Lifted, removals.lift),
    (LegalHold, locks.legal_hold),
    (Locked, locks.locked),
    (Restored, locks.restored),
    (Removing, removals.removing),
    (Removed, removals.removed),
    (Erasing, removals.erasing),
    (Redacted, removals.redacted),
    (Erased, removals.erased),
    (Acted, acts.acted),
    (Exported, exports.exported),
    (Inspected, inspections.inspected),
):
    _apply.register(kind, bury)


class _Open(NamedTuple):
    """A recording that is open under a call."""

    record_id: int
    state: str
    call_id: int
    reason: str
    attempts: int
    open_since: int | None
    missing_days: str


_KEEP_OPEN: Final = upsert(
    "recordings", _Open, keep=("call_id", "open_since"), where=f"state {IS_OPEN}"
)


def _keep_open(db: sqlite3.Connection, call_id: int, event: OpenRecording) -> None:
    row = _Open(
        record_id=event.record_id,
        state=event.state,
        call_id=call_id,
        reason=event.reason,
        attempts=event.attempts,
        open_since=seconds(event.since),
        missing_days=json.dumps(event.missing_days),
    )
    db.execute(_KEEP_OPEN, row)


@cache
def _as_text(findings: tuple[str, ...]) -> str:
    """The findings as the catalog keeps them. Few combinations occur, the empty one most of all."""
    return json.dumps(findings)


def _keep_revision(
    db: sqlite3.Connection,
    record_id: int,
    key: str | None,
    sha256: str | None,
    version: str | None,
) -> None:
    if key is not None:
        db.execute(KEEP_REVISION, (key, record_id, sha256, version))


def _link(db: sqlite3.Connection, call_id: int, record_id: int) -> None:
    db.execute(LINK, (call_id, record_id))
