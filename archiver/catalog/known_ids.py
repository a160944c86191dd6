"""Recordings that are certainly not in the catalog, without a query.

A backfill lists recordings that are newer than all known ones, for several calls in parallel and so
not quite in order. A query for each of them would make the event loop wait for the writing thread:
0.1 to 0.3 ms per recording (measured), and in vain.
"""

import sqlite3
from collections.abc import Iterable
from typing import Final

_MOST: Final = 10_000
"""Ids that are remembered, at some 60 bytes each."""

_NEWEST = """
    SELECT max(coalesce((SELECT max(record_id) FROM recordings), 0),
               coalesce((SELECT max(record_id) FROM tombstones), 0)),
           EXISTS (SELECT 1 FROM erasures)
"""


class Horizon:
    """For one connection. `note` and `look_again` are called by the writer, within a transaction.

    Ids up to the horizon may be known; beyond it, those noted since.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._noted: set[int] = set()
        self.look_again()

    def is_beyond(self, record_ids: Iterable[int]) -> bool:
        """Whether none of them is known for sure."""
        return all(one > self._newest and one not in self._noted for one in record_ids)

    def knows_nothing_of(self, record_ids: Iterable[int]) -> bool:
        """Whether none of them is known, nor any erasure that could concern them."""
        return not self.has_erasures and self.is_beyond(record_ids)

    def note(self, record_ids: Iterable[int] = ()) -> None:
        """These are known now, and nothing else has changed."""
        self._noted.update(record_ids)
        if len(self._noted) > _MOST or self._changes() != self._seen_changes:
            self.look_again()

    def look_again(self) -> None:
        """Determine the horizon again: something was written without being noted."""
        self._seen_changes = self._changes()
        self._newest, has_erasures = self._db.execute(_NEWEST).fetchone()
        self.has_erasures = bool(has_erasures)
        self._noted.clear()

    def _changes(self) -> int:
        """A number that becomes another one when another connection has written."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])
