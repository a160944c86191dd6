"""A catalog rebuilt from the ledger, next to the old one, which it then replaces.

The new file has a temporary name and replaces the old one when it is complete, so a kill at any
point leaves either. Nobody else sees it until then: it needs no journal and no sync until the end,
which is most of what makes a million recordings a matter of a minute.

What only the old catalog knows is kept if it can be read: events that a killed run had not
published are moved to the new outbox, unless the ledger has them already. The API's rows of calls
are not kept: the next run reads those that it needs again.
"""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from archiver.catalog.file import CATALOG, connect, scrub
from archiver.catalog.projection.recordings import apply
from archiver.catalog.projection.replay import replay
from archiver.catalog.readonly import Glimpse
from archiver.ledger.events import Erasing
from archiver.ledger.lines import beginning, decode
from archiver.ledger.segments import Head, Segment

_COMPANIONS = ("-wal", "-shm", "-journal")
_COUNTED = ("calls", "recordings", "revisions", "orders", "cursors", "runs")
_ERASING = b"\n" + beginning(Erasing)
_PREPARED = """
    PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;
    PRAGMA ignore_check_constraints = ON;
"""
"""What constraints check, `ledger.members` has checked: it takes a fifth of the time of a row."""


class Rebuilding:
    """A new catalog on its way to `path`. Every method blocks; `discard` or `install` ends it.

    `known` is what the old catalog still knew. Raises StorageError for what SQLite or the file
    system cannot, ArchiveDamaged for a line of the ledger that is no event.
    """

    def __init__(self, path: Path, archive_id: str, known: Glimpse) -> None:
        self._path = path
        self._beside = path.with_name(f"{path.name}.new")
        self._known = known
        self._waiting = set(known.outbox)
        self._head = Head()
        self._erases = False
        self.events = 0
        with CATALOG.file_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._remove(self._beside)
        with CATALOG.sqlite_errors():
            self._db = connect(self._beside, archive_id)
            self._db.executescript(_PREPARED)
            self._indexes = _drop_indexes(self._db)

    def take(self, segments: Sequence[Segment]) -> None:
        """Apply segments that follow the last ones."""
        with CATALOG.sqlite_errors(), self._db:
            for segment in segments:
                if not self._erases and _ERASING in segment.data:
                    self._erases = True
                    self._make_indexes()  # an erasure looks for the calls of a lead
                replay(self._db, segment)
                self.events += len(segment.lines)
                if self._waiting:
                    self._waiting.difference_update(segment.lines)
                self._head = segment.head

    def install(self) -> dict[str, int]:
        """Finish the new catalog and move it to its place; how many rows its tables have."""
        with CATALOG.sqlite_errors():
            with self._db:
                self._make_indexes()
                self._take_over()
                self._db.execute(
                    "UPDATE head SET number = ?, digest = ?", (self._head.number, self._head.digest)
                )
            if self._erases:
                scrub(self._db)
            counts = {
                table: self._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
                for table in _COUNTED
            }
            self._db.close()
        with CATALOG.file_errors(self._path):
            _sync(self._beside)
            # A log of the old file must not be taken for one of the new; what is in it is lost
            # should the power fail right here, and the next run proves that against the source.
            for rest in _COMPANIONS:
                Path(f"{self._path}{rest}").unlink(missing_ok=True)
            self._beside.replace(self._path)
            _sync(self._path.parent)
        return counts | {"events": self.events, "takenOver": len(self._waiting)}

    def discard(self) -> None:
        """Leave the old catalog as it is. Harmless after `install`."""
        self._db.close()
        with suppress(OSError):
            self._remove(self._beside)

    def _make_indexes(self) -> None:
        while self._indexes:
            self._db.execute(self._indexes.pop())

    def _take_over(self) -> None:
        for line in self._known.outbox:
            if line in self._waiting:
                with suppress(ValueError):
                    apply(self._db, decode(line))
                    self._db.execute("INSERT INTO outbox (line) VALUES (?)", (line,))

    @staticmethod
    def _remove(path: Path) -> None:
        for rest in ("", *_COMPANIONS):
            Path(f"{path}{rest}").unlink(missing_ok=True)


def _drop_indexes(db: sqlite3.Connection) -> list[str]:
    """Drop what can be made again, and return how: made at once it takes less than row by row."""
    found = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql NOT NULL")
    statements = dict(found.fetchall())
    for name in statements:
        db.execute(f"DROP INDEX {name}")
    return list(statements.values())


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
