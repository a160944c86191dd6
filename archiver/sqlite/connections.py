"""Ways to open a database other than the owner's: to read it, and to throw it away afterwards."""

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Final

from archiver.errors import StorageError

PATIENCE_MS: Final = 10_000
"""How long to wait for another connection that writes."""


def open_reader(path: Path, *, immutable: bool = False) -> sqlite3.Connection:
    """A read-only connection. Raises sqlite3.Error.

    `immutable` promises that no one else writes either: then SQLite needs no files next to it.
    """
    db = _open(path, "&immutable=1" if immutable else "")
    db.execute("PRAGMA query_only = ON")  # not even temporary tables
    return db


def open_with_notes(path: Path) -> sqlite3.Connection:
    """A connection that cannot write to the file, but has temporary tables of its own, on disk."""
    db = _open(path)
    db.execute("PRAGMA temp_store = FILE")
    return db


def open_scratch(path: Path) -> sqlite3.Connection:
    """A new database for this process alone, thrown away at its end: without journal and sync."""
    db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    db.executescript(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -32768"
    )
    return db


def is_fast_in(folder: Path) -> bool:
    """Whether a database in that folder gets what fast ones need: shared memory and its locks.

    Raises StorageError where none can be kept, OSError where nothing can be written.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix=".doctor-") as scratch:
        try:
            with closing(sqlite3.connect(Path(scratch, "try.sqlite"))) as db:
                (mode,) = db.execute("PRAGMA journal_mode = WAL").fetchone()
                db.execute("CREATE TABLE tried (it INTEGER)")
        except sqlite3.Error as error:
            raise StorageError(str(error)) from error
    return bool(mode == "wal")


def _open(path: Path, and_also: str = "") -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?mode=ro{and_also}"
    db = sqlite3.connect(address, uri=True, check_same_thread=False)
    db.execute(f"PRAGMA busy_timeout = {PATIENCE_MS}")
    return db
