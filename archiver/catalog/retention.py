"""What may be removed, what must not, and what is in progress: queries of a catalog.

What a hold covers is defined once, by the views `held_calls` and `held_recordings` of `schema.py`.
They are read from the side of the holds, which name few calls: `IN (SELECT record_id FROM ...)`,
never `EXISTS` for each recording. For 200,000 recordings with 15 holds the first takes 0.4 s, the
second took 52 s (measured).
"""

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from archiver.catalog.epoch import moment, seconds
from archiver.catalog.states import IS_ARCHIVED, IS_OPEN

_RECORDING = """
    recordings.record_id, recordings.call_id, key, bytes, sha256, sidecar_bytes, sidecar_sha256,
    recordings.lead_id, recordings.created_at, archived_at
"""

_AGED = f"""
    SELECT {_RECORDING}, record_id IN (SELECT record_id FROM held_recordings),
        EXISTS (SELECT 1 FROM links JOIN calls USING (call_id)
                WHERE links.record_id = recordings.record_id
                  AND calls.state {IS_OPEN})
    FROM recordings
    WHERE state {IS_ARCHIVED} AND max(coalesce(created_at, archived_at), archived_at) < ?
      AND record_id > ? AND record_id NOT IN (SELECT record_id FROM removals)
    ORDER BY record_id LIMIT ?
"""  # noqa: S608 - constants only

_OF_LEAD = f"""
    SELECT {_RECORDING} FROM recordings
    WHERE (lead_id = :lead OR record_id IN (
              SELECT record_id FROM links JOIN calls USING (call_id) WHERE calls.lead_id = :lead))
      AND record_id NOT IN (SELECT record_id FROM removals)
    ORDER BY record_id
"""  # noqa: S608 - constants only

_HOLDS_OF_LEAD = """
    SELECT hold_id FROM held_recordings
        WHERE record_id IN (SELECT value FROM json_each(:records))
    UNION SELECT hold_id FROM held_calls JOIN calls USING (call_id) WHERE calls.lead_id = :lead
    UNION SELECT hold_id FROM hold_scopes JOIN holds USING (hold_id)
        WHERE kind = 'lead' AND id = :lead AND lifted_at IS NULL
"""


class Shelved(Struct, frozen=True):
    """A recording as the catalog knows it; without a key it was never archived."""

    record_id: int
    call_id: int
    key: str | None
    size: int
    sha256: str | None
    sidecar_size: int
    sidecar_sha256: str | None
    lead_id: int | None
    created_at: datetime | None
    archived_at: datetime | None


class Aged(Struct, frozen=True):
    """A recording past its retention period, and what may prevent its removal."""

    recording: Shelved
    is_held: bool
    is_open: bool


class Hold(Struct, frozen=True):
    """A legal hold, lifted or not. With `is_erased` its texts were removed with a person."""

    hold_id: str
    placed_at: datetime
    key: str
    lifted_at: datetime | None
    lift_key: str | None
    is_erased: bool
    leads: tuple[int, ...]
    calls: tuple[int, ...]
    orders: tuple[int, ...]


class Erasure(Struct, frozen=True):
    """The newest erasure of a lead: of all that was created before that moment; not `is_done`
    while something of it may be left."""

    before: datetime
    is_done: bool


class Pending(Struct, frozen=True):
    """A recording whose removal was announced and is not complete; `lead_id` is that of an
    erasure."""

    recording: Shelved
    why: str
    lead_id: int | None


class Report(Struct, frozen=True):
    """The report of a run, as recorded."""

    key: str
    sha256: str
    previous_sha256: str | None
    version: str | None


def aged(db: sqlite3.Connection, before: datetime, after: int, most: int) -> list[Aged]:
    """Archived recordings created and archived before that moment, by id, after that id."""
    rows = db.execute(_AGED, (seconds(before), after, most))
    return [Aged(_shelved(row[:-2]), bool(row[-2]), bool(row[-1])) for row in rows]


def archived(db: sqlite3.Connection) -> int:
    """How many recordings are archived and not about to be removed."""
    return _number(
        db,
        f"SELECT count(*) FROM recordings WHERE state {IS_ARCHIVED}"  # noqa: S608 - constants only
        " AND record_id NOT IN (SELECT record_id FROM removals)",
    )


def named(db: sqlite3.Connection, record_ids: Collection[int]) -> list[Shelved]:
    """Those recordings that the catalog knows."""
    rows = db.execute(
        f"SELECT {_RECORDING} FROM recordings"  # noqa: S608 - constants only
        " WHERE record_id IN (SELECT value FROM json_each(?)) ORDER BY record_id",
        (json.dumps(list(record_ids)),),
    )
    return [_shelved(row) for row in rows]


def held_among(db: sqlite3.Connection, record_ids: Collection[int]) -> set[int]:
    """Those of the recordings that a hold covers."""
    rows = db.execute(
        "SELECT DISTINCT record_id FROM held_recordings"
        " WHERE record_id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(record_ids)),),
    )
    return {row[0] for row in rows}


def of_lead(db: sqlite3.Connection, lead_id: int) -> list[Shelved]:
    """Every recording of the lead, archived or not: its own, and those listed under its calls."""
    return [_shelved(row) for row in db.execute(_OF_LEAD, {"lead": lead_id})]


def calls_of_lead(db: sqlite3.Connection, lead_id: int) -> list[int]:
    """The calls whose lead it is."""
    rows = db.execute("SELECT call_id FROM calls WHERE lead_id = ? ORDER BY call_id", (lead_id,))
    return [row[0] for row in rows]


def holds_of_lead(db: sqlite3.Connection, lead_id: int, record_ids: Collection[int]) -> list[str]:
    """The holds, not lifted, that cover the lead, its calls or these recordings."""
    rows = db.execute(_HOLDS_OF_LEAD, {"lead": lead_id, "records": json.dumps(list(record_ids))})
    return sorted(row[0] for row in rows)


def lifted_holds_naming(
    db: sqlite3.Connection, lead_id: int, call_ids: Collection[int]
) -> list[str]:
    """Lifted holds that name the lead or one of the calls, and still have their texts."""
    rows = db.execute(
        "SELECT DISTINCT hold_id FROM holds JOIN hold_scopes USING (hold_id)"
        " WHERE lifted_at IS NOT NULL AND NOT is_erased AND ((kind = 'lead' AND id = ?)"
        " OR (kind = 'call' AND id IN (SELECT value FROM json_each(?))))",
        (lead_id, json.dumps(list(call_ids))),
    )
    return sorted(row[0] for row in rows)


def holds(db: sqlite3.Connection) -> list[Hold]:
    """Every hold, oldest first."""
    scopes: dict[tuple[str, str], list[int]] = {}
    for kind, one, hold_id in db.execute("SELECT kind, id, hold_id FROM hold_scopes ORDER BY id"):
        scopes.setdefault((hold_id, kind), []).append(one)
    rows = db.execute(
        "SELECT hold_id, placed_at, key, lifted_at, lift_key, is_erased FROM holds"
        " ORDER BY placed_at, rowid"
    )
    return [
        Hold(
            hold_id,
            moment(placed),
            key,
            moment(lifted),
            lift_key,
            bool(is_erased),
            *(tuple(scopes.get((hold_id, kind), ())) for kind in ("lead", "call", "order")),
        )
        for hold_id, placed, key, lifted, lift_key, is_erased in rows
    ]


def covered(db: sqlite3.Connection, hold_id: str) -> int:
    """How many archived recordings a hold covers now, if it is not lifted."""
    rows = db.execute(
        f"SELECT count(*) FROM recordings WHERE state {IS_ARCHIVED}"  # noqa: S608 - constants only
        " AND record_id IN (SELECT record_id FROM held_recordings WHERE hold_id = ?)",
        (hold_id,),
    )
    return int(rows.fetchone()[0])


def being_removed(db: sqlite3.Connection, hold_id: str) -> int:
    """How many recordings that the hold would cover were on their way out before it came."""
    rows = db.execute(
        "SELECT count(*) FROM removals"
        " WHERE record_id IN (SELECT record_id FROM held_recordings WHERE hold_id = ?)",
        (hold_id,),
    )
    return int(rows.fetchone()[0])


def pending(db: sqlite3.Connection, most: int) -> list[Pending]:
    """Announced removals for retention that are not complete."""
    return [*_pending(db, "why = 'retention'", (), most)]


def pending_of_lead(db: sqlite3.Connection, lead_id: int) -> list[Pending]:
    """Announced removals for the erasure of the lead that are not complete."""
    return [*_pending(db, "why = 'erasure' AND removals.lead_id = ?", (lead_id,), -1)]


def pending_erasures(db: sqlite3.Connection) -> list[tuple[int, datetime]]:
    """Leads whose erasure was announced and is not complete, and up to when."""
    rows = db.execute(
        "SELECT lead_id, before FROM erasures WHERE coalesce(done_before, 0) < before"
    )
    return [(lead_id, moment(before)) for lead_id, before in rows]


def erasure_of_lead(db: sqlite3.Connection, lead_id: int) -> Erasure | None:
    """The recorded erasure of the lead; None if there is none."""
    row = db.execute(
        "SELECT before, coalesce(done_before, 0) >= before FROM erasures WHERE lead_id = ?",
        (lead_id,),
    ).fetchone()
    return None if row is None else Erasure(moment(row[0]), bool(row[1]))


def erased_of_lead(db: sqlite3.Connection, lead_id: int) -> tuple[set[int], set[int]]:
    """The ids of calls and of recordings of an erased lead."""
    calls = db.execute("SELECT call_id FROM erased_calls WHERE lead_id = ?", (lead_id,))
    records = db.execute(
        "SELECT record_id FROM removals WHERE lead_id = :lead"
        " UNION SELECT record_id FROM tombstones WHERE lead_id = :lead",
        {"lead": lead_id},
    )
    return {row[0] for row in calls}, {row[0] for row in records}


def erased_hold_ids(db: sqlite3.Connection) -> list[str]:
    """Holds whose texts are to be gone."""
    return [row[0] for row in db.execute("SELECT hold_id FROM holds WHERE is_erased")]


def reports(db: sqlite3.Connection) -> dict[str, Report]:
    """The reports of all runs, by key."""
    rows = db.execute("SELECT report_key, report_sha256, previous_sha256, report_version FROM runs")
    return {row[0]: Report(*row) for row in rows}


def is_living(db: sqlite3.Connection, record_id: int) -> bool:
    """Whether the recording is archived, and not about to be removed."""
    question = (
        f"SELECT count(*) FROM recordings WHERE record_id = ? AND state {IS_ARCHIVED}"  # noqa: S608 - constants
        " AND record_id NOT IN (SELECT record_id FROM removals)"
    )
    return bool(db.execute(question, (record_id,)).fetchone()[0])


def _pending(
    db: sqlite3.Connection, where: str, given: Sequence[Any], most: int
) -> Iterator[Pending]:
    rows = db.execute(
        f"SELECT {_RECORDING}, why, removals.lead_id"  # noqa: S608 - constants only
        f" FROM removals JOIN recordings USING (record_id) WHERE {where}"
        " ORDER BY record_id LIMIT ?",
        (*given, most),
    )
    for row in rows:
        yield Pending(_shelved(row[:-2]), row[-2], row[-1])


def _shelved(row: Sequence[Any]) -> Shelved:
    record, call, key, size, sha256, card_size, card_sha256, lead, created, archived_at = row
    return Shelved(
        record_id=record,
        call_id=call,
        key=key,
        size=size or 0,
        sha256=sha256,
        sidecar_size=card_size or 0,
        sidecar_sha256=card_sha256,
        lead_id=lead,
        created_at=moment(created),
        archived_at=moment(archived_at),
    )


def _number(db: sqlite3.Connection, question: str) -> int:
    return int(db.execute(question).fetchone()[0])
