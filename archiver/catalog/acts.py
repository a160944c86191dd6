"""The acts recorded in the archive."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from archiver.catalog.epoch import moment


class KnownAct(Struct, frozen=True):
    """One act: `did` is what was done, `key` the object with who did it and why."""

    act_id: str
    did: str
    at: datetime
    key: str


def known_acts(db: sqlite3.Connection) -> Sequence[KnownAct]:
    """All of them, the oldest first."""
    rows = db.execute("SELECT act_id, did, acted_at, key FROM acts ORDER BY acted_at, act_id")
    return [
        KnownAct(act_id, did, at, key)
        for act_id, did, seconds, key in rows
        if (at := moment(seconds)) is not None
    ]
