"""What an archive holds under a key now, and what of a person was removed: for its replica."""

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from archiver.catalog.states import IS_ARCHIVED
from archiver.storage.keys import REVISIONS_PREFIX, parse_recording_key, sidecar_key

_JSON: Final = "application/json"

_RECORDINGS: Final = f"""
    SELECT record_id, key, sha256, sidecar_sha256, content_type FROM recordings
    WHERE state {IS_ARCHIVED} AND record_id NOT IN (SELECT record_id FROM removals)
        AND record_id IN (SELECT value FROM json_each(?))
"""  # noqa: S608 - constants only

_FORMER: Final = f"""
    SELECT record_id, sha256 FROM revisions
    WHERE record_id IN (SELECT value FROM json_each(?)) AND key GLOB '{REVISIONS_PREFIX}*'
"""  # noqa: S608 - constants only

_OTHERS: Final = """
    SELECT key, sha256 FROM (
        SELECT key, sha256 FROM revisions WHERE key IN (SELECT value FROM json_each(:keys))
            AND record_id NOT IN (SELECT record_id FROM removals)
        UNION ALL SELECT report_key, report_sha256 FROM runs
        UNION ALL SELECT key, sha256 FROM holds WHERE NOT is_erased
        UNION ALL SELECT lift_key, lift_sha256 FROM holds
            WHERE lift_key IS NOT NULL AND NOT is_erased
        UNION ALL SELECT key, sha256 FROM acts
    ) WHERE key IN (SELECT value FROM json_each(:keys))
"""

_REMOVED_OF_LEAD: Final = """
    SELECT DISTINCT key FROM tombstones
    WHERE key IS NOT NULL AND (lead_id = :lead OR key GLOB :stem || '/*'
        OR call_id IN (SELECT call_id FROM erased_calls WHERE lead_id = :lead))
    ORDER BY key
"""


@dataclass(frozen=True, slots=True)
class Held:
    """What the archive has under a key. `formers` are digests of earlier revisions of it."""

    key: str
    sha256: str
    content_type: str
    formers: frozenset[str] = frozenset()


def held_under(db: sqlite3.Connection, keys: Collection[str]) -> dict[str, Held]:
    """Of those of the keys under which the archive has something, and is not about to remove it."""
    names = {key: name for key in keys if (name := parse_recording_key(key)) is not None}
    ids = json.dumps(sorted({name.record_id for name in names.values()}))
    formers: dict[int, set[str]] = {}
    for record_id, sha256 in db.execute(_FORMER, (ids,)):
        formers.setdefault(record_id, set()).add(sha256)
    found: dict[str, Held] = {}
    for record_id, key, sha256, sidecar_sha256, kind in db.execute(_RECORDINGS, (ids,)):
        beside = sidecar_key(key)
        found[key] = Held(key, sha256, kind or "application/octet-stream")
        found[beside] = Held(beside, sidecar_sha256, _JSON, frozenset(formers.get(record_id, ())))
    others = json.dumps([key for key in keys if key not in names])
    for key, sha256 in db.execute(_OTHERS, {"keys": others}):
        found[key] = Held(key, sha256, _JSON)
    return {key: one for key, one in found.items() if key in keys}


def removed_of_lead(db: sqlite3.Connection, lead_id: int) -> list[str]:
    """The keys of recordings of an erased lead, also of those that had been pruned before."""
    rows = db.execute(_REMOVED_OF_LEAD, {"lead": lead_id, "stem": str(lead_id)})
    return [key for (key,) in rows]
