"""How an act changes the tables of the catalog: what was done, and its object."""

import sqlite3
from typing import Final, NamedTuple

from archiver.catalog.epoch import seconds
from archiver.ledger.events import Acted
from archiver.ledger.lines import Entry
from archiver.sqlite.rows import insert


class _Act(NamedTuple):
    """Something that a person did to the archive."""

    act_id: str
    did: str
    acted_at: int
    key: str
    sha256: str


_KEEP: Final = insert("acts", _Act)


def acted(event: Acted, db: sqlite3.Connection, entry: Entry) -> None:
    """An act was recorded."""
    row = _Act(event.act_id, event.did, seconds(entry.at), event.key, event.sha256)
    db.execute(_KEEP, row)
