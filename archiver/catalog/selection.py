"""Which calls an export includes, and everything that the catalog has about them.

The selection is in temporary tables, in the order of packing, and is read page by page: an export
of an order with a million calls needs no more memory than one of a lead. Data from elsewhere (the
API's rows, sidecars) is kept there, too.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from msgspec import Struct

from archiver.catalog.connection import Turns
from archiver.catalog.epoch import moment
from archiver.catalog.kinds import TABLES, Kind, leave_out, want
from archiver.catalog.states import IS_ARCHIVED
from archiver.sqlite.connections import open_with_notes

T = TypeVar("T")

_TABLES: Final = """
    CREATE TEMP TABLE told (call_id INTEGER PRIMARY KEY, facts TEXT NOT NULL);
    CREATE TEMP TABLE read (record_id INTEGER PRIMARY KEY, facts TEXT NOT NULL);
    CREATE TEMP TABLE chosen (place INTEGER PRIMARY KEY, call_id INTEGER NOT NULL UNIQUE);
"""

_IS_IN: Final = """
    NOT EXISTS (SELECT 1 FROM left_out
        WHERE left_out.call_id = links.call_id AND left_out.record_id = links.record_id)
"""

_ORDERED = """
    INSERT INTO chosen (call_id)
    SELECT call_id FROM wanted LEFT JOIN calls USING (call_id) LEFT JOIN told USING (call_id)
    ORDER BY coalesce(
        calls.created_at, json_extract(told.facts, '$.at'),
        (SELECT min(created_at) FROM links JOIN recordings USING (record_id)
         WHERE links.call_id = wanted.call_id),
        0
    ), call_id
"""

_CALLS = """
    SELECT chosen.place, chosen.call_id, state, lead_id, order_id, user_id,
           created_at, talk_seconds, reason, told.facts, rows.row,
           EXISTS (SELECT 1 FROM left_out WHERE left_out.call_id = chosen.call_id)
    FROM chosen LEFT JOIN calls USING (call_id) LEFT JOIN told USING (call_id)
    LEFT JOIN rows USING (call_id)
    WHERE chosen.place > ? ORDER BY chosen.place LIMIT ?
"""

_RECORDINGS = f"""
    SELECT links.call_id, links.record_id, coalesce(recordings.call_id, tombstones.call_id),
           CASE WHEN removals.why IS NULL THEN recordings.state END AS state,
           recordings.key, bytes, recordings.sha256, content_type, sidecar_sha256, revision,
           coalesce(recordings.lead_id, tombstones.lead_id), user_id, created_at, duration_seconds,
           recordings.reason, coalesce(removals.why, tombstones.why), read.facts, archived_at
    FROM links LEFT JOIN recordings USING (record_id) LEFT JOIN removals USING (record_id)
    LEFT JOIN tombstones USING (record_id) LEFT JOIN temp.read AS read USING (record_id)
    WHERE links.call_id IN (SELECT value FROM json_each(?))
      AND coalesce(recordings.call_id, tombstones.call_id) IS NOT NULL AND {_IS_IN}
    ORDER BY links.call_id, coalesce(created_at, 0), links.record_id
"""  # noqa: S608 - constants

_PRESENT: Final = f"""
    recordings.state {IS_ARCHIVED}
    AND NOT EXISTS (SELECT 1 FROM removals WHERE removals.record_id = recordings.record_id)
"""  # noqa: S608 - constants

_SCANNED_EVERYWHERE = f"""
    SELECT call_id, call_id, min(key), lead_id FROM (
        SELECT recordings.call_id, key, calls.lead_id
        FROM recordings LEFT JOIN calls USING (call_id)
        WHERE {_PRESENT} AND recordings.call_id > ?
    ) GROUP BY call_id ORDER BY call_id LIMIT ?
"""  # noqa: S608 - constants

_SCANNED = f"""
    SELECT place, chosen.call_id, min(key), calls.lead_id
    FROM chosen JOIN recordings USING (call_id) LEFT JOIN calls USING (call_id)
    WHERE {_PRESENT} AND place > ? GROUP BY place ORDER BY place LIMIT ?
"""  # noqa: S608 - constants

_SCANS = f"SELECT count(DISTINCT call_id) FROM recordings WHERE {_PRESENT}"  # noqa: S608 - constants

_UNTOLD = f"""
    SELECT chosen.call_id, calls.created_at, calls.lead_id, calls.order_id
    FROM chosen LEFT JOIN calls USING (call_id)
    WHERE chosen.call_id NOT IN (SELECT call_id FROM told) AND NOT EXISTS (
        SELECT 1 FROM recordings WHERE recordings.call_id = chosen.call_id AND {_PRESENT}
        AND recordings.record_id IN (
            SELECT record_id FROM links WHERE links.call_id = chosen.call_id))
    ORDER BY chosen.place
"""  # noqa: S608 - constants

_SUMS = f"""
    SELECT (SELECT count(*) FROM chosen), count(*), coalesce(sum(bytes), 0)
    FROM recordings WHERE {_PRESENT} AND record_id IN (
        SELECT record_id FROM chosen JOIN links USING (call_id) WHERE {_IS_IN})
"""  # noqa: S608 - constants

_TOLD = """
    SELECT call_id, json_extract(facts, '$.phone'), json_extract(facts, '$.status')
    FROM chosen JOIN told USING (call_id)
    UNION SELECT call_id, json_extract(row, '$.clientPhone'), json_extract(row, '$.statusCode')
    FROM chosen JOIN rows USING (call_id)
"""


class Scanned(Struct, frozen=True):
    """A call that has a sidecar, by the key of one of its recordings. `place` orders them."""

    place: int
    call_id: int
    key: str
    lead_id: int | None


class Untold(Struct, frozen=True):
    """A call without a sidecar, so that it is not known who called whom."""

    call_id: int
    created_at: datetime | None
    lead_id: int | None
    order_id: int | None


class ChosenRecording(Struct, frozen=True):
    """A recording of a chosen call; `key` and what follows it only of an archived one.

    `owner` is the call under which it is stored. `facts` is what `keep_read` kept of its sidecar.
    One that was removed, or is about to be, has the state `removed`; `reason` then says why.
    """

    record_id: int
    owner: int
    state: str
    key: str
    size: int
    sha256: str
    content_type: str
    sidecar_sha256: str
    revision: int
    lead_id: int | None
    user_id: int | None
    created_at: datetime | None
    duration_seconds: float | None
    reason: str | None
    facts: dict[str, Any] | None
    archived_at: datetime | None


class ChosenCall(Struct, frozen=True):
    """A chosen call as the ledger knows it; one that only the API knows is `not-fetched`.

    `told` is what `keep_told` kept of the API's answer, `row` the API's row as the catalog of this
    machine still has it.
    """

    place: int
    call_id: int
    state: str
    lead_id: int | None
    order_id: int | None
    user_id: int | None
    created_at: datetime | None
    talk_seconds: float | None
    reason: str | None
    told: dict[str, Any] | None
    row: dict[str, Any] | None
    recordings: tuple[ChosenRecording, ...]


class Sums(Struct, frozen=True):
    """How much was chosen: calls, and the archived recordings of them with their bytes."""

    calls: int
    recordings: int
    bytes: int


class Selection:
    """The choice of one export, in temporary tables of a connection that cannot write the catalog.

    Raises StorageError for what SQLite cannot.
    """

    def __init__(self, path: Path, turns: Turns) -> None:
        self._path = path
        self._turns = turns
        self._opened: sqlite3.Connection | None = None

    def close(self) -> None:
        """Forget the choice."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    async def choose(self, kinds: Sequence[Kind]) -> Sums:
        """Choose the calls that fit every kind, in the order of time; without any kind, all calls.
        An earlier choice is forgotten."""

        def choose(db: sqlite3.Connection) -> Sums:
            db.execute("DELETE FROM chosen")
            want(db, kinds)
            db.execute(_ORDERED)
            leave_out(db, kinds)
            return Sums(*db.execute(_SUMS).fetchone())

        return await self._do(choose)

    async def counted(self, kind: Kind) -> int:
        """The number of calls."""

        def count(db: sqlite3.Connection) -> int:
            want(db, [kind])
            return int(db.execute("SELECT count(*) FROM wanted").fetchone()[0])

        return await self._do(count)

    async def scanned(self, after: int, most: int) -> list[Scanned]:
        """The chosen calls that have a sidecar, from after that place on, at most so many."""
        rows = await self._do(lambda db: db.execute(_SCANNED, (after, most)).fetchall())
        return [Scanned(*row) for row in rows]

    async def page(self, after: int, most: int) -> list[ChosenCall]:
        """The chosen calls that follow that place, at most so many."""

        def read(db: sqlite3.Connection) -> list[ChosenCall]:
            rows = db.execute(_CALLS, (after, most)).fetchall()
            recordings: dict[int, list[ChosenRecording]] = {}
            for call_id, *row in db.execute(_RECORDINGS, (json.dumps([row[1] for row in rows]),)):
                recordings.setdefault(call_id, []).append(_recording(row))
            return [_call(row, recordings.get(row[1], ())) for row in rows]

        return await self._do(read)

    async def among(self, call_ids: Iterable[int]) -> frozenset[int]:
        """Those of the calls that are chosen."""
        asked = json.dumps(list(call_ids))
        if asked == "[]":
            return frozenset()
        found = await self._do(
            lambda db: db.execute(
                "SELECT call_id FROM chosen WHERE call_id IN (SELECT value FROM json_each(?))",
                (asked,),
            ).fetchall()
        )
        return frozenset(row[0] for row in found)

    async def untold(self) -> list[Untold]:
        """The chosen calls that have no sidecar."""
        rows = await self._do(lambda db: db.execute(_UNTOLD).fetchall())
        return [Untold(call, moment(created), lead, order) for call, created, lead, order in rows]

    async def told(self) -> list[tuple[int, object, object]]:
        """Number and status of the selected calls, if the API's rows have them."""
        return await self._do(lambda db: db.execute(_TOLD).fetchall())

    async def keep_told(self, facts: Iterable[tuple[int, dict[str, Any]]]) -> None:
        """Keep what the API told of calls; a later choice can use it, too."""
        await self._keep("INSERT OR REPLACE INTO told VALUES (?, ?)", facts)

    async def keep_read(self, facts: Iterable[tuple[int, dict[str, Any]]]) -> None:
        """Keep what sidecars told of recordings."""
        await self._keep("INSERT OR REPLACE INTO read VALUES (?, ?)", facts)

    async def _keep(self, statement: str, facts: Iterable[tuple[int, dict[str, Any]]]) -> None:
        rows = [(one, json.dumps(told)) for one, told in facts]
        await self._do(lambda db: db.executemany(statement, rows))

    async def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def transaction() -> T:
            if self._opened is None:
                self._opened = open_with_notes(self._path)
                self._opened.executescript(_TABLES + TABLES)
            with self._opened as db:
                return work(db)

        return await self._turns.in_thread(transaction)


def unknown(db: sqlite3.Connection, call_ids: Sequence[int]) -> set[int]:
    """Those of the calls that the ledger does not know, nor knows to be erased."""
    asked = json.dumps(call_ids)
    known = db.execute(
        "SELECT call_id FROM calls WHERE call_id IN (SELECT value FROM json_each(:ids))"
        " UNION SELECT call_id FROM erased_calls"
        " WHERE call_id IN (SELECT value FROM json_each(:ids))",
        {"ids": asked},
    )
    return set(call_ids) - {row[0] for row in known}


def scanned_everywhere(db: sqlite3.Connection, after: int, most: int) -> list[Scanned]:
    """All calls that have a sidecar, from after that place on, at most so many."""
    return [Scanned(*row) for row in db.execute(_SCANNED_EVERYWHERE, (after, most))]


def scans(db: sqlite3.Connection) -> int:
    """How many calls have a sidecar."""
    return int(db.execute(_SCANS).fetchone()[0])


def erased(
    db: sqlite3.Connection, *, leads: Sequence[int], calls: Sequence[int]
) -> tuple[list[int], list[int]]:
    """Those of the leads that were erased, and those of the calls that were, with their lead."""
    lead = "SELECT lead_id FROM erasures WHERE lead_id IN (SELECT value FROM json_each(?))"
    call = "SELECT call_id FROM erased_calls WHERE call_id IN (SELECT value FROM json_each(?))"
    return (
        [row[0] for row in db.execute(lead, (json.dumps(leads),))],
        [row[0] for row in db.execute(call, (json.dumps(calls),))],
    )


def last_run(db: sqlite3.Connection) -> datetime | None:
    """When the last run that is known ended."""
    ended: int | None = db.execute("SELECT max(ended_at) FROM runs").fetchone()[0]
    return moment(ended)


def _call(row: Sequence[Any], recordings: Sequence[ChosenRecording]) -> ChosenCall:
    place, call_id, state, lead, order, user, created, talk, reason, told, given, is_partial = row
    known = None if told is None else json.loads(told)
    if is_partial and recordings:
        state = recordings[0].state if len({one.state for one in recordings}) == 1 else "archived"
    return ChosenCall(
        place=place,
        call_id=call_id,
        state=state or ("archived" if recordings else "not-fetched"),
        lead_id=lead or (known or {}).get("lead"),
        order_id=order or (known or {}).get("orderId"),
        user_id=user,
        created_at=moment(created or (known or {}).get("at")),
        talk_seconds=talk,
        reason=reason,
        told=known,
        row=None if given is None else json.loads(given),
        recordings=tuple(recordings),
    )


def _recording(row: Sequence[Any]) -> ChosenRecording:
    (
        record_id, owner, state, key, size, sha256, content_type, sidecar_sha256, revision,
        lead, user, created, duration, reason, removed, facts, archived,
    ) = row  # fmt: skip
    return ChosenRecording(
        record_id=record_id,
        owner=owner,
        state=state or "removed",
        key=key or "",
        size=size or 0,
        sha256=sha256 or "",
        content_type=content_type or "",
        sidecar_sha256=sidecar_sha256 or "",
        revision=revision or 0,
        lead_id=lead,
        user_id=user,
        created_at=moment(created),
        duration_seconds=duration,
        reason=removed or reason,
        facts=None if facts is None else json.loads(facts),
        archived_at=moment(archived),
    )
