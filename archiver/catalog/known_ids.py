"""What the catalog surely does not know, told without asking it.

A backfill lists recordings that are newer than all that are known, several calls at a time and so
not quite in their order. A look-up for each of them would make the event loop wait for the thread
that writes: 0.1 to 0.3 ms a recording (measured), and all in vain.
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
    """Of one connection. `note` and `look_again` are called by whoever writes, in a transaction.

    Ids up to the horizon may be known; of those beyond it, those are that were noted since.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._noted: set[int] = set()
        self.look_again()

    def is_beyond(self, record_ids: Iterable[int]) -> bool:
        """Whether none of them is known for sure."""
        return all(one > self._newest and one not in self._noted for one in record_ids)

    def note(self, record_ids: Iterable[int]) -> None:
        """These are known now."""
        self._noted.update(record_ids)
        if len(self._noted) > _MOST or self._changes() != self._seen_changes:
            self.look_again()

    def look_again(self) -> None:
        """Find the horizon anew: something has been written that was not noted one by one."""
        self._seen_changes = self._changes()
        self._newest, has_erasures = self._db.execute(_NEWEST).fetchone()
        self.has_erasures = bool(has_erasures)
        self._noted.clear()

    def _changes(self) -> int:
        """A number that becomes another one when another connection has written."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])
