"""How an examination of sound changes the tables of the catalog.

`recordings.findings` are those in the sidecar, `inspections.findings` those of the newest
examination; `is_written` says whether the sidecar has these, which a later revision ensures.
"""

import json
import sqlite3
from typing import Final, NamedTuple

from archiver.catalog.epoch import seconds
from archiver.catalog.projection.removals import is_buried
from archiver.ledger.events import Inspected
from archiver.ledger.lines import Entry
from archiver.sound.figures import SOUND_FINDINGS
from archiver.sqlite.rows import upsert


class _Inspection(NamedTuple):
    record_id: int
    inspected_at: int
    rules: int
    undecoded: str | None
    seconds: float | None
    heard_seconds: float | None
    findings: str
    sound: str | None
    is_written: bool


_KEEP: Final = upsert("inspections", _Inspection, where="excluded.inspected_at >= inspected_at")


def inspected(event: Inspected, db: sqlite3.Connection, entry: Entry) -> None:
    """Keep the newest examination, if it was of the audio that is archived."""
    if is_buried(db, event.record_id):
        return
    known = db.execute(
        "SELECT findings FROM recordings WHERE record_id = ? AND sha256 = ?",
        (event.record_id, event.sha256),
    ).fetchone()
    if known is None:
        return
    row = _Inspection(
        record_id=event.record_id,
        inspected_at=seconds(entry.at),
        rules=event.rules,
        undecoded=event.undecoded,
        seconds=event.seconds,
        heard_seconds=_heard(event),
        findings=json.dumps(event.findings),
        sound=None if event.seconds is None else json.dumps(sound_of(event)),
        is_written=_of_sound(known[0]) == [*event.findings],
    )
    db.execute(_KEEP, row)


def forget(db: sqlite3.Connection, record_id: int) -> None:
    """The recording was stored again: no sidecar has the sound findings."""
    db.execute("DELETE FROM inspections WHERE record_id = ?", (record_id,))


def compare(db: sqlite3.Connection, record_id: int) -> None:
    """The sidecar names other findings now: whether those of the newest examination are among
    them."""
    found = db.execute(
        "SELECT recordings.findings, inspections.findings"
        " FROM recordings JOIN inspections USING (record_id) WHERE record_id = ?",
        (record_id,),
    ).fetchone()
    if found is not None:
        is_written = _of_sound(found[0]) == json.loads(found[1])
        db.execute(
            "UPDATE inspections SET is_written = ? WHERE record_id = ?", (is_written, record_id)
        )


def _of_sound(findings: str) -> list[str]:
    return [one for one in json.loads(findings) if one in SOUND_FINDINGS]


def sound_of(event: Inspected) -> dict[str, object]:
    """The figures as the member `audio.sound` of a sidecar has them."""
    sides = zip(event.levels, event.peaks, event.clipped, event.talk, strict=True)
    return {
        "seconds": event.seconds,
        "silence": event.silence,
        "overtalk": event.overtalk,
        "sides": [
            {"level": level, "peak": peak, "clipped": clipped, "talk": talk}
            for level, peak, clipped, talk in sides
        ],
    }


def _heard(event: Inspected) -> float | None:
    if event.seconds is None or event.silence is None:
        return None
    return event.seconds * (1 - event.silence)
