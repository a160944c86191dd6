"""Which recordings are not known to be locked, or on legal hold, as they should be: questions."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from archiver.catalog.classes import Class
from archiver.catalog.states import IS_ARCHIVED
from archiver.storage.keys import sidecar_key

_IS_DUE: Final = f"""
    state {IS_ARCHIVED} AND record_id NOT IN (SELECT record_id FROM removals)
    AND (:again OR NOT EXISTS (
        SELECT 1 FROM locks WHERE locks.record_id = recordings.record_id
            AND locks.revision >= recordings.revision AND locks.seconds >= :seconds))
"""  # noqa: S608 - constants only

_KNOWN: Final = """
    (SELECT seconds FROM locks WHERE locks.record_id = recordings.record_id
        AND locks.revision >= recordings.revision AND NOT :again)
"""

_DUE: Final = f"""
    SELECT record_id, key, version, sidecar_version, revision, bytes + sidecar_bytes, {_KNOWN}
    FROM recordings WHERE record_id > :after AND {_IS_DUE} ORDER BY record_id LIMIT :most
"""  # noqa: S608 - constants only

_HOW_MANY: Final = """
    SELECT coalesce(sum(is_due), 0), coalesce(sum(is_due * objects), 0),
        coalesce(sum(is_due * size), 0), coalesce(sum(hangs), 0)
    FROM (
        SELECT coalesce(known, 0) < CASE term {seconds} END AS is_due,
            2 + (SELECT count(*) FROM revisions WHERE revisions.record_id = one.record_id)
                AS objects,
            size, term IN (SELECT value FROM json_each(:hanging)) AS hangs
        FROM (
            SELECT record_id, bytes + sidecar_bytes AS size, {known} AS known,
                CASE {terms} ELSE 0 END AS term
            FROM recordings WHERE {is_due}
            LIMIT -1  -- a pass of its own, else SQLite evaluates a term wherever it is named
        ) AS one
    )
"""

_TO_HOLD: Final = f"""
    SELECT recordings.record_id, key, recordings.revision, legal_holds.revision,
        coalesce(is_set AND legal_holds.revision >= recordings.revision, FALSE) AS is_done
    FROM recordings LEFT JOIN legal_holds USING (record_id)
    WHERE state {IS_ARCHIVED} AND recordings.record_id > :after
        AND recordings.record_id IN (SELECT record_id FROM held_recordings)
        AND recordings.record_id NOT IN (SELECT record_id FROM removals)
        AND (:again OR NOT is_done)
    ORDER BY recordings.record_id LIMIT :most
"""  # noqa: S608 - constants only

_TO_RELEASE: Final = """
    SELECT record_id, key, recordings.revision, legal_holds.revision, is_set
    FROM legal_holds JOIN recordings USING (record_id)
    WHERE record_id > :after AND record_id NOT IN (SELECT record_id FROM held_recordings)
    ORDER BY record_id LIMIT :most
"""


@dataclass(frozen=True, slots=True)
class Holdable:
    """A recording that should have a legal hold on the storage, or should have none. `known` is the
    revision of its sidecar for which the ledger records one, or that it may have one; None: none.
    With `is_set` the ledger records that it has one."""

    record_id: int
    key: str
    revision: int
    known: int | None
    is_set: bool


@dataclass(frozen=True, slots=True)
class Place:
    """An object, and its version where the ledger names one."""

    key: str
    version: str | None


@dataclass(frozen=True, slots=True)
class Lockable:
    """An archived recording with its objects: audio, sidecar, superseded sidecars and what a
    repair kept aside. `revision` is that of the sidecar, `size` in bytes without what was kept, and
    `known` for how many seconds it is known to be locked."""

    record_id: int
    revision: int
    size: int
    known: int
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class LockTerm:
    """For how many seconds the recordings of a class are locked. With `hangs` a status decides
    whether they are, which the catalog does not have."""

    of: Class
    seconds: int
    hangs: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """How many recordings are not known to be locked, with how many objects and bytes; and for how
    many a status decides whether they are locked for long enough (`hanging`)."""

    recordings: int
    objects: int
    bytes: int
    hanging: int = 0


def how_many_to_lock(
    db: sqlite3.Connection, seconds: int, terms: Sequence[LockTerm] = (), *, again: bool
) -> Due:
    """What is not known to be locked for as long as the first of `terms` that matches says, else
    for `seconds`; with `again`, all that is archived. One pass over the recordings."""
    numbered = list(enumerate(terms, 1))
    given: dict[str, Any] = {
        "seconds": max(seconds, *(one.seconds for one in terms)) if terms else seconds,
        "again": again,
        "default": seconds,
        "hanging": json.dumps([number for number, one in numbered if one.hangs]),
    }
    for number, one in numbered:
        given |= {f"s{number}": seconds if one.hangs else max(seconds, one.seconds)}
        given |= one.of.parameters(f"t{number}")
    question = _HOW_MANY.format(
        known=_KNOWN,
        is_due=_IS_DUE,
        terms=" ".join(
            ["WHEN FALSE THEN 0"]
            + [f"WHEN {one.of.matches(f't{number}')} THEN {number}" for number, one in numbered]
        ),
        seconds=" ".join(
            ["WHEN 0 THEN :default"] + [f"WHEN {number} THEN :s{number}" for number, _ in numbered]
        ),
    )
    return Due(*db.execute(question, given).fetchone())


def to_lock(
    db: sqlite3.Connection, seconds: int, after: int, most: int, *, again: bool
) -> list[Lockable]:
    """The first of them by id, after that id."""
    wanted = {"seconds": seconds, "again": again, "after": after, "most": most}
    rows = db.execute(_DUE, wanted).fetchall()
    former = _former(db, rows[0][0], rows[-1][0]) if rows else {}
    return [
        Lockable(
            record_id,
            revision,
            size,
            known or 0,
            (
                Place(key, version),
                Place(sidecar_key(key), sidecar_version),
                *former.get(record_id, ()),
            ),
        )
        for record_id, key, version, sidecar_version, revision, size, known in rows
    ]


def to_hold(
    db: sqlite3.Connection, after: int, most: int, *, again: bool = False
) -> list[Holdable]:
    """Recordings that a hold covers and that have no legal hold on the storage according to the
    ledger, by id; with `again`, also those that have one."""
    wanted = {"after": after, "most": most, "again": again}
    return [_holdable(row) for row in db.execute(_TO_HOLD, wanted)]


def to_release(db: sqlite3.Connection, after: int, most: int) -> list[Holdable]:
    """Recordings with a legal hold on the storage that no hold covers any more, by id."""
    return [_holdable(row) for row in db.execute(_TO_RELEASE, {"after": after, "most": most})]


def others_on_hold(db: sqlite3.Connection, record_ids: Sequence[int]) -> set[str]:
    """The versions (`key version`) of these recordings on which someone else had set a hold."""
    rows = db.execute(
        "SELECT place FROM other_legal_holds WHERE record_id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(record_ids)),),
    )
    return {place for (place,) in rows}


def known_versions(db: sqlite3.Connection) -> dict[str, str | None]:
    """The reports, holds and acts that the ledger names, by key, each with its version if any."""
    found = dict(db.execute("SELECT report_key, report_version FROM runs"))
    found |= dict(db.execute("SELECT key, version FROM holds WHERE NOT is_erased"))
    found |= dict(
        db.execute(
            "SELECT lift_key, lift_version FROM holds WHERE lift_key IS NOT NULL AND NOT is_erased"
        )
    )
    return found | {key: None for (key,) in db.execute("SELECT key FROM acts")}


def _holdable(row: Sequence[Any]) -> Holdable:
    record_id, key, revision, known, is_set = row
    return Holdable(record_id, key, revision, known, bool(is_set))


def _former(db: sqlite3.Connection, first: int, last: int) -> dict[int, Sequence[Place]]:
    found: dict[int, list[Place]] = {}
    rows = db.execute(
        "SELECT record_id, key, version FROM revisions WHERE record_id BETWEEN ? AND ?",
        (first, last),
    )
    for record_id, key, version in rows:
        found.setdefault(record_id, []).append(Place(key, version))
    return dict(found)
