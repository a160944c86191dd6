"""The questions that the catalog answers in SQL, each as a function of a connection."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from archiver.catalog.epoch import moment
from archiver.catalog.states import (
    IS_ARCHIVED,
    IS_GONE,
    IS_OPEN,
    CallState,
    RecordingState,
    Standing,
)
from archiver.catalog.work import KnownRecording, Problem, Task
from archiver.clock import from_stamp
from archiver.ledger.segments import Head
from archiver.liner.fields import read_call
from archiver.liner.models import Call

_KNOWN: Final = f"""
    SELECT record_id, state, attempts, open_since, missing_days,
           key, bytes, sha256, sidecar_sha256, metadata_sha256, 0
    FROM recordings WHERE record_id IN (SELECT value FROM json_each(:ids))
    UNION ALL
    SELECT record_id, '{RecordingState.ARCHIVED}', 0, NULL, '[]', NULL, NULL, NULL, NULL, NULL, 1
    FROM tombstones WHERE record_id IN (SELECT value FROM json_each(:ids))
"""  # noqa: S608 - constants

_KNOWN_OF_CALLS: Final = f"""
    SELECT links.call_id, recordings.record_id, state, attempts, open_since, missing_days,
           key, bytes, sha256, sidecar_sha256, metadata_sha256, 0
    FROM links JOIN recordings USING (record_id)
    WHERE links.call_id IN (SELECT value FROM json_each(:ids))
    UNION ALL
    SELECT links.call_id, record_id, '{RecordingState.ARCHIVED}', 0, NULL, '[]',
           NULL, NULL, NULL, NULL, NULL, 1
    FROM links JOIN tombstones USING (record_id)
    WHERE links.call_id IN (SELECT value FROM json_each(:ids))
"""  # noqa: S608 - constants

_STANDING = """
    SELECT call_id, state, has_records, due_at, attempts, open_since, created_at
    FROM calls WHERE call_id IN (SELECT value FROM json_each(?))
"""

_DUE = """
    SELECT calls.call_id, lead_id, order_id, user_id, created_at, talk_seconds, has_records,
           attempts, open_since, row
    FROM calls LEFT JOIN rows USING (call_id)
    WHERE due_at <= :now AND calls.call_id NOT IN (SELECT call_id FROM temp.listed)
      AND (:everywhere
           OR lead_id IN (SELECT value FROM json_each(:leads))
           OR order_id IN (SELECT value FROM json_each(:orders)))
    ORDER BY due_at LIMIT :most
"""

_OPEN: Final = f"""
    SELECT calls.call_id, recordings.record_id,
           coalesce(recordings.state, calls.state) AS state,
           coalesce(recordings.reason, calls.reason),
           coalesce(recordings.attempts, calls.attempts),
           coalesce(recordings.open_since, calls.open_since)
    FROM calls
    LEFT JOIN links USING (call_id)
    LEFT JOIN recordings ON recordings.record_id = links.record_id
         AND recordings.state {IS_OPEN}
    WHERE calls.state {IS_OPEN}
      AND (recordings.record_id IS NOT NULL OR NOT EXISTS (
          SELECT 1 FROM links AS other JOIN recordings AS open USING (record_id)
          WHERE other.call_id = calls.call_id AND open.state {IS_OPEN}))
    GROUP BY calls.call_id, recordings.record_id
"""  # noqa: S608 - constants

PENDING_SUMMARIES: Final = f"""
    SELECT count(*) FROM recordings
    WHERE state {IS_ARCHIVED} AND has_summary = 0
      AND EXISTS (SELECT 1 FROM links JOIN calls USING (call_id)
                  WHERE links.record_id = recordings.record_id AND calls.due_at IS NOT NULL)
"""  # noqa: S608 - constants

_RATE: Final = f"""
    SELECT sum(bytes) / sum(duration_seconds) FROM recordings
    WHERE state {IS_ARCHIVED} AND duration_seconds > 0
"""  # noqa: S608 - constants

_GONE: Final = f"SELECT count(*) FROM recordings WHERE state {IS_GONE}"  # noqa: S608 - constants

_FURTHEST: Final = "SELECT until, run_id FROM cursors ORDER BY until DESC, run_id DESC LIMIT 1"

_NEWEST_OF_AGENTS: Final = f"""
    SELECT user_id, key FROM recordings WHERE record_id IN (
        SELECT max(record_id) FROM recordings
        WHERE state {IS_ARCHIVED} AND user_id IS NOT NULL GROUP BY user_id)
"""  # noqa: S608 - constants

_ARCHIVED_ORDERS: Final = f"""
    SELECT DISTINCT order_id FROM calls WHERE state {IS_ARCHIVED} AND order_id IS NOT NULL
"""  # noqa: S608 - constants

_ORDERS_FROM_THE_NEWEST: Final = f"""
    SELECT order_id, key FROM recordings JOIN calls USING (call_id)
    WHERE recordings.state {IS_ARCHIVED} AND order_id IS NOT NULL ORDER BY record_id DESC
"""  # noqa: S608 - constants


def head(db: sqlite3.Connection) -> Head:
    """The newest segment that is applied."""
    return Head(*db.execute("SELECT number, digest FROM head").fetchone())


def outbox(db: sqlite3.Connection, most: int) -> tuple[int, list[bytes]]:
    """The oldest lines that are in no segment yet, and the number of the last of them."""
    rows = db.execute("SELECT seq, line FROM outbox ORDER BY seq LIMIT ?", (most,)).fetchall()
    return (rows[-1][0] if rows else 0), [bytes(line) for _, line in rows]


def orders_seen(db: sqlite3.Connection) -> set[int]:
    """Every order that this archive has ever seen."""
    return {row[0] for row in db.execute("SELECT order_id FROM orders")}


class Cursor(NamedTuple):
    """A scope is listed without a gap up to `until`, and from `since` on (None: unknown)."""

    until: datetime
    since: datetime | None = None


def cursors(db: sqlite3.Connection, *, kind: str, narrowed_to: str) -> dict[int, Cursor]:
    """How far the scopes of that kind are enumerated, under that filter."""
    question = "SELECT id, until, since FROM cursors WHERE kind = ? AND narrowed_to = ?"
    rows = db.execute(question, (kind, narrowed_to))
    return {one: Cursor(moment(until), moment(since)) for one, until, since in rows}


def rate(db: sqlite3.Connection) -> float | None:
    """Bytes a second of the archived audio, by the lengths that the API gave; None: unknown."""
    (found,) = db.execute(_RATE).fetchone()
    return None if found is None else float(found)


def pending_summaries(db: sqlite3.Connection) -> int:
    """Archived recordings without a summary whose call will be looked at again."""
    return int(db.execute(PENDING_SUMMARIES).fetchone()[0])


def gone(db: sqlite3.Connection) -> int:
    """How many recordings the source no longer has."""
    return int(db.execute(_GONE).fetchone()[0])


def known(db: sqlite3.Connection, record_ids: Iterable[int]) -> dict[int, KnownRecording]:
    """What is known of those recordings, by id."""
    rows = db.execute(_KNOWN, {"ids": json.dumps(list(record_ids))})
    return {row[0]: _known_from(row) for row in rows}


def recorded_revisions(db: sqlite3.Connection, keys: Sequence[str]) -> set[str]:
    """Those of the keys of superseded sidecars that the ledger names."""
    rows = db.execute(
        "SELECT key FROM revisions WHERE key IN (SELECT value FROM json_each(?))",
        (json.dumps(list(keys)),),
    )
    return {key for (key,) in rows}


def recorded_sidecars(
    db: sqlite3.Connection, record_ids: Sequence[int]
) -> dict[int, tuple[str, int, str]]:
    """Digest and revision of the sidecar, and digest of the audio, of archived recordings, by
    id."""
    rows = db.execute(
        "SELECT record_id, sidecar_sha256, revision, sha256 FROM recordings"  # noqa: S608 - constants
        f" WHERE state {IS_ARCHIVED} AND record_id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(record_ids)),),
    )
    return {record_id: (sidecar, revision, audio) for record_id, sidecar, revision, audio in rows}


def known_of_calls(
    db: sqlite3.Connection, call_ids: Sequence[int]
) -> dict[int, tuple[KnownRecording, ...]]:
    """What is known of the recordings of those calls, by call."""
    found: dict[int, tuple[KnownRecording, ...]] = {}
    for call_id, *row in db.execute(_KNOWN_OF_CALLS, {"ids": json.dumps(list(call_ids))}):
        found[call_id] = (*found.get(call_id, ()), _known_from(row))
    return found


def standing(db: sqlite3.Connection, call_ids: Sequence[int]) -> dict[int, Standing]:
    """Where those of the calls stand that are known."""
    rows = db.execute(_STANDING, (json.dumps(list(call_ids)),))
    return {
        call_id: Standing(
            CallState(state),
            None if flag is None else bool(flag),
            moment(due),
            attempts,
            moment(since),
            moment(created),
        )
        for call_id, state, flag, due, attempts, since, created in rows
    }


def due_tasks(
    db: sqlite3.Connection,
    now: datetime,
    *,
    leads: Sequence[int],
    orders: Sequence[int],
    most: int,
) -> list[Task]:
    """Calls that are due and not listed in this run, longest due first."""
    rows = db.execute(
        _DUE,
        {
            "now": int(now.timestamp()),
            "everywhere": not leads and not orders,
            "leads": json.dumps(list(leads)),
            "orders": json.dumps(list(orders)),
            "most": most,
        },
    ).fetchall()
    recordings = known_of_calls(db, [row[0] for row in rows])
    return [_task_from(row, recordings.get(row[0], ())) for row in rows]


def open_problems(db: sqlite3.Connection, most: int) -> tuple[list[Problem], int]:
    """What is open, lowest call first: at most `most` of it, and how much there is in all."""
    total = db.execute(f"SELECT count(*) FROM ({_OPEN})").fetchone()[0]  # noqa: S608 - a constant
    rows = db.execute(f"{_OPEN} ORDER BY calls.call_id, recordings.record_id LIMIT ?", (most,))
    problems = [
        Problem(call_id, record_id, state, reason, attempts, moment(since))
        for call_id, record_id, state, reason, attempts, since in rows
    ]
    return problems, int(total)


def last_whole_run(db: sqlite3.Connection) -> datetime | None:
    """When the run began that moved the furthest cursor; None when none was moved yet.

    The id of a run begins with that time. If a catalog does not have it, the cursor's own time is
    used, which is `window.settle` earlier.
    """
    found: tuple[int, str | None] | None = db.execute(_FURTHEST).fetchone()
    if found is None:
        return None
    until, run_id = found
    try:
        return from_stamp((run_id or "").partition("-")[0])
    except ValueError:
        return moment(until)


def _known_from(row: Sequence[Any]) -> KnownRecording:
    (
        record_id, state, attempts, since, days, key, size, sha, sidecar_sha, metadata_sha, removed,
    ) = row  # fmt: skip
    return KnownRecording(
        record_id=record_id,
        state=RecordingState(state),
        attempts=attempts,
        open_since=moment(since),
        missing_days=tuple(json.loads(days)),
        key=key or "",
        size=size or 0,
        sha256=sha or "",
        sidecar_sha256=sidecar_sha or "",
        metadata_sha256=metadata_sha or "",
        is_removed=bool(removed),
    )


def _task_from(row: Sequence[Any], recordings: tuple[KnownRecording, ...]) -> Task:
    call_id, lead, order, user, created, talk, flag, attempts, since, given = row
    remembered = Call(
        id=call_id,
        lead_id=lead,
        order_id=order,
        user_id=user,
        created_at=moment(created),
        talk_seconds=talk,
        has_records=None if flag is None else bool(flag),
    )
    return Task(
        call=remembered if given is None else _with_row(remembered, json.loads(given)),
        known=recordings,
        attempts=attempts,
        open_since=moment(since),
        counted_from=moment(created),
        has_row=given is not None,
    )


def _with_row(remembered: Call, row: dict[str, Any]) -> Call:
    told = read_call(row)
    return replace(
        remembered,
        created_at=told.created_at if told else remembered.created_at,
        status_id=told.status_id if told else None,
        status_code=told.status_code if told else None,
        row=row,
    )


def newest_of_agents(db: sqlite3.Connection) -> dict[int, str]:
    """The key of the newest archived recording of each agent."""
    return dict(db.execute(_NEWEST_OF_AGENTS))


def newest_of_orders(db: sqlite3.Connection) -> dict[int, str]:
    """The key of the newest archived recording of each order.

    The newest recordings are read until every order was met: few, as orders go on.
    """
    wanted = {order for (order,) in db.execute(_ARCHIVED_ORDERS)}
    found: dict[int, str] = {}
    for order, key in db.execute(_ORDERS_FROM_THE_NEWEST):
        found.setdefault(order, key)
        if found.keys() >= wanted:
            break
    return found
