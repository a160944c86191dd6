# ruff: noqa: S608 - constants are put together here
"""Kinds of calls, as a selection combines them: kinds narrow each other, in temporary tables."""

import json
import sqlite3
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from archiver.catalog.epoch import seconds

TABLES: Final = """
    CREATE TEMP TABLE fitting (
        call_id INTEGER NOT NULL, kind INTEGER NOT NULL, PRIMARY KEY (call_id, kind)
    ) WITHOUT ROWID;
    CREATE TEMP TABLE wanted (call_id INTEGER PRIMARY KEY);
    CREATE TEMP TABLE left_out (
        call_id INTEGER NOT NULL, record_id INTEGER NOT NULL, PRIMARY KEY (call_id, record_id)
    ) WITHOUT ROWID;
"""
"""`wanted` are the calls that fit; `left_out` the recordings of chosen calls that nobody named.
They want a table `told` beside them, see `selection`."""

_IN = "IN (SELECT value FROM json_each(:ids))"

_FITTING: Final = {
    "leads": (
        f"SELECT call_id FROM calls WHERE lead_id {_IN}",
        "SELECT links.call_id FROM recordings JOIN links USING (record_id)"
        f" WHERE recordings.lead_id {_IN}",
        f"SELECT call_id FROM told WHERE json_extract(facts, '$.lead') {_IN}",
    ),
    "orders": (
        f"SELECT call_id FROM calls WHERE order_id {_IN}",
        f"SELECT call_id FROM told WHERE json_extract(facts, '$.orderId') {_IN}",
    ),
    "users": (
        f"SELECT call_id FROM calls WHERE user_id {_IN}",
        "SELECT links.call_id FROM recordings JOIN links USING (record_id)"
        f" WHERE recordings.user_id {_IN}",
        f"SELECT call_id FROM told WHERE json_extract(facts, '$.userId') {_IN}",
    ),
    "calls": (
        f"SELECT call_id FROM calls WHERE call_id {_IN}",
        f"SELECT call_id FROM links WHERE call_id {_IN}",
        f"SELECT call_id FROM told WHERE call_id {_IN}",
    ),
    "recordings": (
        f"SELECT links.call_id FROM links JOIN recordings USING (record_id) WHERE record_id {_IN}",
        f"SELECT call_id FROM tombstones WHERE record_id {_IN}",
    ),
}
"""The calls that fit a kind, by what names them."""

_ALL: Final = """
    INSERT INTO wanted SELECT call_id FROM calls UNION SELECT call_id FROM links
    UNION SELECT call_id FROM told
"""

_IN_TIME: Final = """
    SELECT call_id FROM (
        SELECT call_id, created_at FROM calls
        UNION ALL SELECT call_id, json_extract(facts, '$.at') FROM told
            WHERE call_id NOT IN (SELECT call_id FROM calls WHERE created_at IS NOT NULL)
        UNION ALL SELECT links.call_id, min(recordings.created_at)
            FROM links JOIN recordings USING (record_id)
            WHERE links.call_id NOT IN (SELECT call_id FROM calls WHERE created_at IS NOT NULL)
            GROUP BY links.call_id
    ) WHERE created_at >= coalesce(:since, created_at) AND created_at < coalesce(:until, 1e18)
"""

_LEFT_OUT: Final = f"""
    INSERT OR IGNORE INTO left_out
    SELECT call_id, record_id FROM chosen JOIN links USING (call_id)
    WHERE NOT record_id {_IN} AND NOT call_id IN (SELECT value FROM json_each(:calls))
"""

_NOTHING_LEFT: Final = """
    DELETE FROM chosen WHERE call_id IN (SELECT call_id FROM left_out) AND NOT EXISTS (
        SELECT 1 FROM links WHERE links.call_id = chosen.call_id AND NOT EXISTS (
            SELECT 1 FROM left_out WHERE left_out.call_id = links.call_id
            AND left_out.record_id = links.record_id))
"""


class Kind(Struct, frozen=True):
    """One way of saying which calls are meant: whatever it names widens it.

    A call fits a lead by its own lead or by that of a recording, and a user likewise; it fits
    recordings that are listed under it. With `recordings` a call comes with these alone, unless
    `calls` names it. `since` (included) and `until` (excluded) are about when the call began.
    """

    leads: Collection[int] = ()
    orders: Collection[int] = ()
    users: Collection[int] = ()
    calls: Collection[int] = ()
    recordings: Collection[int] = ()
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_time(self) -> bool:
        """Whether it is about when calls began."""
        return self.since is not None or self.until is not None


def want(db: sqlite3.Connection, kinds: Sequence[Kind]) -> None:
    """Put the calls that fit every kind into `wanted`."""
    for table in ("wanted", "fitting"):
        db.execute(f"DELETE FROM {table}")
    if not kinds:
        db.execute(_ALL)
        return
    for number, kind in enumerate(kinds):
        into = f"INSERT OR IGNORE INTO fitting SELECT call_id, {number} FROM "
        for member, statements in _FITTING.items():
            if ids := getattr(kind, member):
                for statement in statements:
                    db.execute(f"{into} ({statement})", {"ids": _ids(ids)})
        if kind.is_time:
            bounds = {"since": _second(kind.since), "until": _second(kind.until)}
            db.execute(f"{into} ({_IN_TIME})", bounds)
    db.execute(
        "INSERT INTO wanted SELECT call_id FROM fitting GROUP BY call_id HAVING count(*) = ?",
        (len(kinds),),
    )


def leave_out(db: sqlite3.Connection, kinds: Sequence[Kind]) -> None:
    """Put the recordings that nobody named, of calls that others are named of, into `left_out`;
    a call of which nothing is left is chosen no more."""
    db.execute("DELETE FROM left_out")
    for kind in kinds:
        if kind.recordings:
            db.execute(_LEFT_OUT, {"ids": _ids(kind.recordings), "calls": _ids(kind.calls)})
    db.execute(_NOTHING_LEFT)


def _ids(ids: Collection[int]) -> str:
    return json.dumps(sorted(ids))


def _second(at: datetime | None) -> int | None:
    return None if at is None else seconds(at)
