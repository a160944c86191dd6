"""The file of the index: its one writing connection, and what it reads in bulk.

Every method blocks and is called by one thread at a time; `DeskIndex` sees to that.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from archiver.catalog import schema
from archiver.catalog.file import scrub
from archiver.catalog.retention import held_among
from archiver.catalog.states import IS_ARCHIVED
from archiver.desk.index.apply import Parsed, Taken, parse, take
from archiver.desk.index.batches import KEPT, Batch
from archiver.desk.index.border import index_errors
from archiver.desk.index.rows import ALL_ROWS, ROWS_OF
from archiver.desk.index.schema import defer_indexes, make_indexes, prepare
from archiver.desk.index.staging import prepare as prepare_staging
from archiver.desk.index.staging import stage
from archiver.errors import UsageError
from archiver.ledger.segments import Head
from archiver.storage.local.filelock import FileLock

_CHECKPOINT_PAGES: Final = 4000
"""How large the log beside the file grows before it is written back: 16 MB. The catalog has its own
rule for that, and turns the automatic one off."""

_CACHE_KIB: Final = 32 * 1024
"""SQLite's own 2 MB are too few where every event of a long ledger touches a page of its own."""

_FORGET: Final = "DELETE FROM cards WHERE record_id IN (SELECT record_id FROM staged.cards)"
_KEEP: Final = (
    f"INSERT INTO cards ({', '.join(KEPT)})"  # noqa: S608 - names of our own
    f" SELECT {', '.join(KEPT)} FROM staged.cards AS new WHERE EXISTS (SELECT 1 FROM recordings"
    f" WHERE recordings.record_id = new.record_id AND state {IS_ARCHIVED})"
    " AND NOT EXISTS (SELECT 1 FROM removals WHERE removals.record_id = new.record_id)"
)
_INDEX_WORDS: Final = (
    "INSERT INTO words (rowid, summary) SELECT record_id, summary FROM folded"
    " WHERE summary IS NOT NULL AND record_id IN (SELECT record_id FROM staged.cards)"
)
"""Of many cards in one statement: FTS5 writes what it has gathered before every statement."""
_READ: Final = (
    "DELETE FROM pending WHERE record_id IN (SELECT record_id FROM staged.cards AS new"
    " WHERE NOT EXISTS (SELECT 1 FROM recordings WHERE recordings.record_id = new.record_id"
    " AND CAST(recordings.revision AS INTEGER) > new.revision))"
)
_NAME: Final = (
    "INSERT INTO names (kind, id, name, told_at) VALUES (?, ?, ?, ?)"
    " ON CONFLICT DO UPDATE SET name = excluded.name, told_at = excluded.told_at"
    " WHERE excluded.told_at >= told_at"
)
_PENDING: Final = (
    "SELECT record_id, key, coalesce(CAST(revision AS INTEGER), 1),"
    " coalesce(CAST(sidecar_bytes AS INTEGER), 0), sidecar_sha256"
    " FROM pending JOIN recordings USING (record_id)"
    " ORDER BY pending.created_at DESC, record_id DESC LIMIT ?"
)


class Unread(NamedTuple):
    """A sidecar to be read: its size and digest in the ledger."""

    record_id: int
    key: str
    revision: int
    size: int
    sha256: str


class Store:
    """The index of one archive in the file `path`, held for this process alone.

    Raises UsageError when another desk holds it, StorageError for what SQLite cannot.
    """

    def __init__(self, path: Path, archive_id: str) -> None:
        with index_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(f"{path}.lock")
            if not self._lock.acquire():
                raise UsageError(
                    f"another desk is using the index {path}",
                    hint="stop it first, or use a separate state folder for this one",
                )
        try:
            with index_errors(path):
                self._db = _connect(path, archive_id)
        except BaseException:
            self._lock.release()
            raise
        self.path = path

    def close(self) -> None:
        """Close the file; what was written is there."""
        with index_errors(self.path):
            try:
                # An interrupt counts until the next statement, and would keep SQLite from tidying.
                self._db.execute("SELECT 1").fetchone()
                self._db.close()
            finally:
                self._lock.release()

    def interrupt(self) -> None:
        """Interrupt the current transaction, from any thread: it is undone; raises StorageError."""
        self._db.interrupt()

    def head(self) -> Head:
        """The newest segment that is taken in."""
        with index_errors(self.path):
            return Head(*self._db.execute("SELECT number, digest FROM head").fetchone())

    def take(
        self, lines: Sequence[bytes], head: Head | None, parsed: Parsed | None = None
    ) -> Taken:
        """Apply the lines of a segment; with `head`, continue after it next time. `parsed` is what
        `apply.parse` makes of them, if that is known already."""
        taken = Taken()
        parsed = parsed or parse(lines)
        with index_errors(self.path):
            if parsed is not None and parsed.image:
                stage(self._db, parsed.image)
            with self._db:
                self._db.execute("BEGIN")
                take(self._db, lines, taken, parsed)
                if head is not None:
                    place = (head.number, head.digest)
                    self._db.execute("UPDATE head SET number = ?, digest = ?", place)
        return taken

    def make_indexes(self) -> None:
        """Create the indexes that a first filling does without; until then, some questions of the
        catalog read whole tables."""
        with index_errors(self.path), self._db:
            self._db.execute("BEGIN")
            make_indexes(self._db)

    def unread(self, most: int) -> list[Unread]:
        """Sidecars that are to be read, those of the newest recordings first."""
        with index_errors(self.path):
            return [Unread(*row) for row in self._db.execute(_PENDING, (most,))]

    def keep(self, batch: Batch) -> bool:
        """Store the data of sidecars, unless the recording is about to be removed.

        Whether all of them were stored, and are the first that is known of their recordings.
        """
        with index_errors(self.path):
            stage(self._db, batch.image)
            with self._db:
                self._db.execute("BEGIN")
                former = self._db.execute(_FORGET).rowcount
                kept = self._db.execute(_KEEP).rowcount
                self._db.execute(_INDEX_WORDS)
                self._db.execute(_READ)
                self._db.executemany(_NAME, batch.names)
        return not former and kept == len(batch.record_ids)

    def rows(self, record_ids: Sequence[int] | None = None) -> Iterator[list[tuple[Any, ...]]]:
        """Rows for the columns (see `rows.py`), some thousands at a time; None: all of them."""
        with index_errors(self.path):
            if record_ids is None:
                yield from self._batches(self._db.execute(ALL_ROWS))
                return
            self._db.execute("CREATE TEMP TABLE IF NOT EXISTS asked (record_id INTEGER)")
            with self._db:
                self._db.execute("DELETE FROM asked")
                self._db.executemany("INSERT INTO asked VALUES (?)", ((i,) for i in record_ids))
            yield from self._batches(self._db.execute(ROWS_OF))

    def names(self) -> dict[tuple[str, int], str]:
        """The newest known names, by `agent` or `order` and id."""
        with index_errors(self.path):
            rows = self._db.execute("SELECT kind, id, name FROM names")
            return {(kind, one): name for kind, one, name in rows}

    def held_among(self, record_ids: Sequence[int]) -> set[int]:
        """Those of the recordings that a legal hold covers."""
        with index_errors(self.path):
            active = "SELECT 1 FROM holds WHERE lifted_at IS NULL LIMIT 1"
            if self._db.execute(active).fetchone() is None:
                return set()
            return held_among(self._db, record_ids)

    def digests(self, record_ids: Iterable[int]) -> list[str]:
        """The digests of the audio of these recordings, removed ones included."""
        found: list[tuple[str]] = []
        with index_errors(self.path):
            for one in record_ids:
                found += self._db.execute(
                    "SELECT sha256 FROM recordings WHERE record_id = :id AND sha256 IS NOT NULL"
                    " UNION SELECT sha256 FROM tombstones WHERE record_id = :id"
                    " AND sha256 IS NOT NULL",
                    {"id": one},
                )
        return [row[0] for row in found]

    def counts(self) -> tuple[int, int]:
        """How many sidecars wait to be read, and how many could not be."""
        with index_errors(self.path):
            row = self._db.execute(
                "SELECT (SELECT count(*) FROM pending),"
                " (SELECT count(*) FROM cards WHERE trouble <> '')"
            ).fetchone()
            return (row[0], row[1])

    def try_troubled_again(self) -> None:
        """Let sidecars that were damaged or missing be read again: they may have been mended."""
        with index_errors(self.path), self._db:
            self._db.execute(
                "INSERT OR IGNORE INTO pending SELECT record_id, coalesce(recordings.created_at, 0)"
                " FROM cards JOIN recordings USING (record_id) WHERE trouble <> ''"
            )

    def scrub(self) -> None:
        """Leave no trace of removed texts in the file, its log or the words, if there may be any.

        What a reader keeps from being overwritten now is left for the next time.
        """
        with index_errors(self.path):
            if self._db.execute("SELECT is_dirty FROM desk").fetchone() == (0,):
                return
            with self._db:
                self._db.execute("INSERT INTO words (words) VALUES ('optimize')")
            scrub(self._db)
            (is_busy, *_) = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if not is_busy:
                with self._db:
                    self._db.execute("UPDATE desk SET is_dirty = 0")

    @staticmethod
    def _batches(rows: sqlite3.Cursor) -> Iterator[list[tuple[Any, ...]]]:
        while batch := rows.fetchmany(5_000):
            yield batch


def _connect(path: Path, archive_id: str) -> sqlite3.Connection:
    """The open file, readable by its owner alone; what is no index of that archive, or of another
    version, is thrown away."""
    for _ in range(2):
        path.touch(mode=0o600)
        db = sqlite3.connect(path, check_same_thread=False)
        try:
            schema.prepare(db)
            prepare(db)
            prepare_staging(db)
            db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            db.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            with db:
                told = "INSERT OR IGNORE INTO head (id, archive_id, number) VALUES (1, ?, 0)"
                if db.execute(told, (archive_id,)).rowcount:
                    defer_indexes(db)
            if db.execute("SELECT archive_id FROM head").fetchone() == (archive_id,):
                return db
        except sqlite3.OperationalError:
            db.close()
            raise  # locked, full, no rights: nothing is wrong with what is in it
        except sqlite3.DatabaseError:
            pass
        db.close()
        discard(path)
    raise sqlite3.DatabaseError("cannot create the index")


def discard(path: Path) -> None:
    """Remove the file of an index and what SQLite keeps beside it."""
    for rest in ("", "-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            Path(f"{path}{rest}").unlink()
