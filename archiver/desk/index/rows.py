"""The questions that the index answers in SQL: rows for the columns, and entries for people.

A row is one recording. The sidecar takes precedence, then the recording in the ledger, then
its call. Of one that was removed only the ids are left.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from archiver.catalog.epoch import moment
from archiver.desk.index.entries import Entry
from archiver.desk.index.view import State

_STATE: Final = """
    CASE coalesce(removals.why, recordings.state) WHEN 'erasure' THEN 'erased'
        WHEN 'retention' THEN 'pruned' ELSE recordings.state END
"""
_HAS_SUMMARY: Final = """
    CASE WHEN removals.why IS NOT NULL THEN 0
         WHEN cards.revision IS NULL OR cards.trouble <> '' THEN has_summary IS 1
         ELSE cards.summary IS NOT NULL END
"""
_SOUND: Final = """
    CAST(json_extract(inspections.sound, '$.sides[0].talk') AS REAL),
    CAST(json_extract(inspections.sound, '$.sides[1].talk') AS REAL),
    CAST(json_extract(inspections.sound, '$.silence') AS REAL),
    CAST(json_extract(inspections.sound, '$.overtalk') AS REAL),
    recordings.findings || coalesce(inspections.findings, '')
"""
_FACTS: Final = f"""
    recordings.record_id, CAST(recordings.call_id AS INTEGER),
    CAST(coalesce(cards.lead_id, recordings.lead_id, calls.lead_id) AS INTEGER), cards.digits,
    coalesce(recordings.created_at, cards.created_at, calls.created_at),
    CAST(coalesce(cards.seconds, recordings.duration_seconds) AS REAL),
    CAST(coalesce(cards.order_id, calls.order_id) AS INTEGER),
    CAST(coalesce(cards.user_id, recordings.user_id, calls.user_id) AS INTEGER),
    cards.direction, cards.status, {_STATE}, {_HAS_SUMMARY}, {_SOUND}
"""
"""SQLite takes any type into any column: what a damaged ledger has for a number becomes one."""
_JOINED: Final = """
    FROM recordings LEFT JOIN calls ON calls.call_id = recordings.call_id
    LEFT JOIN cards USING (record_id) LEFT JOIN removals USING (record_id)
    LEFT JOIN inspections USING (record_id)
"""
_WAS: Final = "CASE why WHEN 'erasure' THEN 'erased' ELSE 'pruned' END"
_IDS: Final = f"""
    record_id, CAST(call_id AS INTEGER), CAST(lead_id AS INTEGER),
    {", ".join(["NULL"] * 7)}, {_WAS}, 0, NULL, NULL, NULL, NULL, NULL
"""
"""Of a removed recording, as wide as `_FACTS`."""


class Row(NamedTuple):
    """What the columns are made of. Times are seconds since 1970, UTC. What the sound check found:
    seconds of talk on each side, the share of silence, seconds of overtalk, and all findings."""

    record_id: int
    call_id: int
    lead_id: int | None
    phone: int | None
    created_at: int | None
    seconds: float | None
    order_id: int | None
    user_id: int | None
    direction: str | None
    status: str | None
    state: str
    has_summary: int
    talk_left: float | None = None
    talk_right: float | None = None
    silence: float | None = None
    overtalk: float | None = None
    findings: str | None = None


ALL_ROWS: Final = f"SELECT {_FACTS} {_JOINED} UNION ALL SELECT {_IDS} FROM tombstones"  # noqa: S608 - constants
ROWS_OF: Final = f"""
    SELECT {_FACTS} {_JOINED} WHERE recordings.record_id IN (SELECT record_id FROM temp.asked)
    UNION ALL SELECT {_IDS} FROM tombstones
    WHERE record_id IN (SELECT record_id FROM temp.asked)
"""  # noqa: S608 - constants
"""Rows of the recordings whose ids are in the temporary table `asked`."""

_OF_IDS: Final = "WHERE {} IN (SELECT value FROM json_each(:ids))"
_LINE: Final = f"""
    recordings.record_id, CAST(recordings.call_id AS INTEGER),
    coalesce(recordings.created_at, cards.created_at, calls.created_at),
    CAST(coalesce(cards.user_id, recordings.user_id, calls.user_id) AS INTEGER),
    CAST(coalesce(cards.order_id, calls.order_id) AS INTEGER),
    CAST(coalesce(cards.lead_id, recordings.lead_id, calls.lead_id) AS INTEGER),
    cards.phone, cards.direction, cards.status,
    CAST(coalesce(cards.seconds, recordings.duration_seconds) AS REAL), {_STATE}, cards.summary
"""
_LINE_OF_REMOVED: Final = f"""
    record_id, CAST(call_id AS INTEGER), NULL, NULL, NULL, CAST(lead_id AS INTEGER),
    NULL, NULL, NULL, NULL, {_WAS}, NULL
"""
_ENTRIES: Final = f"""
    SELECT {_LINE}, cards.is_transfer, cards.trouble, cards.revision, recordings.bytes,
        recordings.sha256, recordings.content_type, recordings.findings, recordings.reason,
        (SELECT count(*) FROM links WHERE links.call_id = recordings.call_id)
    FROM recordings LEFT JOIN calls ON calls.call_id = recordings.call_id
    LEFT JOIN cards USING (record_id) LEFT JOIN removals USING (record_id)
    {_OF_IDS.format("recordings.record_id")}
    UNION ALL SELECT {_LINE_OF_REMOVED}, 0, NULL, NULL, 0, sha256, NULL, '[]', NULL, 1
    FROM tombstones {_OF_IDS.format("record_id")}
"""  # noqa: S608 - constants
_LINES: Final = f"""
    SELECT {_LINE}
    FROM recordings LEFT JOIN calls ON calls.call_id = recordings.call_id
    LEFT JOIN cards USING (record_id) LEFT JOIN removals USING (record_id)
    {_OF_IDS.format("recordings.record_id")}
    UNION ALL SELECT {_LINE_OF_REMOVED}
    FROM tombstones {_OF_IDS.format("record_id")}
"""  # noqa: S608 - constants
_LEGS: Final = """
    SELECT record_id FROM links WHERE call_id = :call
    UNION SELECT record_id FROM tombstones WHERE call_id = :call
"""
_SOURCE: Final = f"""
    SELECT {_STATE}, key, bytes, recordings.sha256, content_type
    FROM recordings LEFT JOIN removals USING (record_id) WHERE record_id = :id
    UNION ALL SELECT {_WAS}, NULL, 0, sha256, NULL FROM tombstones WHERE record_id = :id
"""  # noqa: S608 - constants


Line: TypeAlias = tuple[
    int, int, int | None, int | None, int | None, int | None,
    str | None, str | None, str | None, float | None, str, str | None,
]  # fmt: skip
"""What a table shows of a recording: its id, its call, its moment (seconds since 1970, UTC), the
ids of agent, order and lead, telephone number, direction, status, seconds, state and summary. A
plain tuple: a table has hundreds of thousands."""


class Source(NamedTuple):
    """Where the audio of a recording is stored, for `media.py` only; `key` if it is archived."""

    state: str
    key: str | None
    size: int | None
    sha256: str | None
    content_type: str | None


class Flags(NamedTuple):
    """What is known of a recording outside of this file."""

    is_held: bool
    is_reviewed: bool


def entries(
    db: sqlite3.Connection, record_ids: Sequence[int], names: Mapping[tuple[str, int], str]
) -> dict[int, Entry]:
    """Those of the recordings that are known, by their ids; nothing is held or reviewed yet."""
    rows = db.execute(_ENTRIES, {"ids": json.dumps(list(record_ids))})
    return {row[0]: _entry(row, names) for row in rows}


def lines(db: sqlite3.Connection, record_ids: Sequence[int]) -> list[Line]:
    """Those of the recordings that are known, in the order of the ids."""
    found = {row[0]: row for row in db.execute(_LINES, {"ids": json.dumps(list(record_ids))})}
    return [found[one] for one in record_ids if one in found]


def legs(db: sqlite3.Connection, call_id: int) -> list[int]:
    """The ids of the recordings that are listed under a call."""
    return [row[0] for row in db.execute(_LEGS, {"call": call_id})]


def buried(db: sqlite3.Connection) -> list[int]:
    """Every recording that was removed, or is about to be."""
    rows = db.execute("SELECT record_id FROM tombstones UNION SELECT record_id FROM removals")
    return [row[0] for row in rows]


def source(db: sqlite3.Connection, record_id: int) -> Source | None:
    """Where the audio is stored; None for a recording that the archive does not know."""
    row = db.execute(_SOURCE, {"id": record_id}).fetchone()
    return None if row is None else Source(*row)


def _entry(row: Sequence[Any], names: Mapping[tuple[str, int], str]) -> Entry:
    """In the order of `Entry`: names of members would take as long as the question."""
    record_id, call_id, created_at, user_id, order_id, lead_id, phone, way, status, *rest = row
    seconds, state, summary, is_transfer, trouble, revision, *rest = rest
    size, sha256, kind, findings, why, legs = rest
    return Entry(
        record_id,
        call_id,
        State(state),
        lead_id,
        order_id,
        None if order_id is None else names.get(("order", order_id)),
        user_id,
        None if user_id is None else names.get(("agent", user_id)),
        way,
        status,
        phone,
        moment(created_at),
        seconds,
        summary,
        bool(is_transfer),
        False,
        False,
        revision is not None,
        max(1, legs),
        size or 0,
        sha256,
        kind,
        () if findings == "[]" else tuple(json.loads(findings)),
        why,
        trouble or "",
    )
