"""Which recordings are to be examined, the findings, and the sidecars to be updated."""

import json
import sqlite3
from collections import Counter
from collections.abc import Collection
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from archiver.catalog.epoch import seconds
from archiver.catalog.states import IS_ARCHIVED, IS_NOT_ARCHIVED
from archiver.sound.figures import SOUND_FINDINGS

_IS_DUE = f"""
    state {IS_ARCHIVED} AND (:since IS NULL OR archived_at >= :since)
    AND (:again OR NOT EXISTS (
        SELECT 1 FROM inspections
        WHERE inspections.record_id = recordings.record_id AND rules >= :rules))
"""  # noqa: S608 - constants only

_DUE = f"""
    SELECT record_id, call_id, key, bytes, sha256, sidecar_sha256, metadata_sha256
    FROM recordings WHERE record_id > :after AND {_IS_DUE} ORDER BY record_id LIMIT :most
"""  # noqa: S608 - constants only

_HOW_MANY = f"SELECT count(*), coalesce(sum(bytes), 0) FROM recordings WHERE {_IS_DUE}"  # noqa: S608

_UNWRITTEN = """
    SELECT record_id, call_id, key, bytes, sha256, sidecar_sha256, metadata_sha256,
           recordings.findings, inspections.findings, inspections.sound
    FROM inspections JOIN recordings USING (record_id)
    WHERE is_written = 0 AND record_id > ? ORDER BY record_id LIMIT ?
"""

_CALLS = f"""
    SELECT calls.call_id, calls.talk_seconds,
           sum(seconds), sum(heard_seconds), count(*), count(seconds),
           sum(recordings.state {IS_NOT_ARCHIVED})
    FROM calls JOIN links USING (call_id) JOIN recordings USING (record_id)
    LEFT JOIN inspections USING (record_id)
    WHERE calls.call_id IN (SELECT value FROM json_each(?))
    GROUP BY calls.call_id
"""  # noqa: S608 - constants only

_TAKEN = f"""
    SELECT count(*), count(inspections.record_id), count(undecoded)
    FROM recordings LEFT JOIN inspections USING (record_id) WHERE state {IS_ARCHIVED}
"""  # noqa: S608 - constants only

_WHY_UNDECODED = f"""
    SELECT undecoded, count(*) FROM inspections JOIN recordings USING (record_id)
    WHERE undecoded IS NOT NULL AND state {IS_ARCHIVED} GROUP BY undecoded ORDER BY undecoded
"""  # noqa: S608 - constants only

_FOUND = """
    SELECT record_id, call_id, inspections.findings
    FROM inspections JOIN recordings USING (record_id)
    WHERE inspections.findings <> '[]' ORDER BY record_id
"""


class Examinable(Struct, frozen=True):
    """An archived recording: its audio, and the digests of its sidecar and of the API's data."""

    record_id: int
    call_id: int
    key: str
    size: int
    sha256: str
    sidecar_sha256: str
    metadata_sha256: str


class Unwritten(Struct, frozen=True):
    """A recording whose sidecar lacks sound findings. `findings` are all that it should have."""

    recording: Examinable
    findings: tuple[str, ...]
    sound: dict[str, Any] | None


class HeardCall(Struct, frozen=True):
    """A call of which all recordings were examined: sums in seconds over them."""

    call_id: int
    talk_seconds: float | None
    seconds: float
    heard_seconds: float


class SoundCheck(Struct):
    """How far the archive was examined. `why_undecoded` counts the reasons of those that were not
    decoded; `found` names every recording with a finding of its sound: its id, its call, and the
    findings."""

    examined: int = 0
    not_examined: int = 0
    undecoded: int = 0
    why_undecoded: dict[str, int] = field(default_factory=dict)
    findings: Counter[str] = field(default_factory=Counter)
    found: list[tuple[int, int, tuple[str, ...]]] = field(default_factory=list)


class Wanted(Struct, frozen=True):
    """Which recordings are examined: those archived since a moment, not yet under rules of this
    number; with `again`, those as well that were."""

    rules: int
    since: datetime | None = None
    again: bool = False

    @property
    def bounds(self) -> dict[str, int | None]:
        """As the parameters of a query."""
        return {"rules": self.rules, "since": seconds(self.since), "again": self.again}


def due(db: sqlite3.Connection, wanted: Wanted, *, after: int, most: int) -> list[Examinable]:
    """The next recordings by id that are to be examined."""
    bounds = {**wanted.bounds, "after": after, "most": most}
    return [Examinable(*row) for row in db.execute(_DUE, bounds)]


def how_many(db: sqlite3.Connection, wanted: Wanted) -> tuple[int, int]:
    """The number of recordings that are to be examined, and the bytes of their audio."""
    count, size = db.execute(_HOW_MANY, wanted.bounds).fetchone()
    return int(count), int(size)


def unwritten(db: sqlite3.Connection, *, after: int, most: int) -> list[Unwritten]:
    """The next recordings by id whose sidecars need a revision for findings."""
    return [
        Unwritten(
            Examinable(*rest),
            (*_beside_sound(before), *json.loads(found)),
            None if sound is None else json.loads(sound),
        )
        for *rest, before, found, sound in db.execute(_UNWRITTEN, (after, most))
    ]


def _beside_sound(findings: str) -> list[str]:
    return [one for one in json.loads(findings) if one not in SOUND_FINDINGS]


def heard_calls(db: sqlite3.Connection, call_ids: Collection[int]) -> list[HeardCall]:
    """Those of the calls all of whose recordings are archived, examined and decoded."""
    rows = db.execute(_CALLS, (json.dumps([*call_ids]),))
    return [
        HeardCall(call_id, talk, length, heard)
        for call_id, talk, length, heard, recordings, decoded, missing in rows
        if recordings == decoded and not missing
    ]


def take_sound_check(db: sqlite3.Connection) -> SoundCheck:
    """How far the archive was examined, and what was found."""
    archived, examined, undecoded = db.execute(_TAKEN).fetchone()
    why = dict(db.execute(_WHY_UNDECODED)) if undecoded else {}
    check = SoundCheck(examined, archived - examined, undecoded, why)
    for record_id, call_id, text in db.execute(_FOUND):
        findings = tuple(json.loads(text))
        check.findings.update(findings)
        check.found.append((record_id, call_id, findings))
    return check
