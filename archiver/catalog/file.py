"""The file of a catalog: opened, copied, scrubbed; and what its errors are to people."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from archiver.catalog.schema import prepare
from archiver.errors import UsageError
from archiver.sqlite.connections import open_reader
from archiver.sqlite.errors import Database

CATALOG: Final = Database(
    name="the catalog",
    if_full="free some disk space, or point catalog.path to a larger disk",
    if_unusable="check catalog.path; you can delete the file and rebuild it with `archiver "
    "reindex`",
    if_not_opened="check the permissions of its folder, or set catalog.path",
)


def copy_catalog(path: Path, copy: Path) -> None:
    """Copy a catalog that may be in use. One that is not gets no company of SQLite's own files."""
    log = Path(f"{path}-wal")
    if not log.exists():
        shutil.copyfile(path, copy)
    if log.exists():
        with closing(open_reader(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)


def connect(path: Path, archive_id: str) -> sqlite3.Connection:
    """The open catalog of that archive; what SQLite cannot read is set aside."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _prepared(str(path), archive_id)
    except sqlite3.OperationalError:
        raise  # locked, full, no rights: nothing is wrong with what is in it
    except sqlite3.DatabaseError:
        path.replace(_set_aside(path))
        for rest in ("-wal", "-shm"):
            Path(f"{path}{rest}").unlink(missing_ok=True)
        return _prepared(str(path), archive_id)


def _prepared(name: str, archive_id: str) -> sqlite3.Connection:
    db = sqlite3.connect(name, check_same_thread=False)
    try:
        prepare(db)
        with db:
            db.execute(
                "INSERT OR IGNORE INTO head (id, archive_id, number) VALUES (1, ?, 0)",
                (archive_id,),
            )
        (found,) = db.execute("SELECT archive_id FROM head").fetchone()
        if found != archive_id:
            raise UsageError(
                f"{name} is the catalog of another archive ({found})",
                hint="use a separate catalog.path for each archive, or do not set catalog.path",
            )
    except BaseException:
        db.close()
        raise
    return db


def scrub(db: sqlite3.Connection) -> None:
    """Remove all traces of deleted rows, from the file, its log, or one that was set aside.

    VACUUM rewrites every page: moved rows leave copies that `secure_delete` does not reach.
    """
    db.execute("VACUUM")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    name = db.execute("PRAGMA database_list").fetchone()[2]
    if name:
        _set_aside(Path(name)).unlink(missing_ok=True)


def _set_aside(path: Path) -> Path:
    return path.with_suffix(".unreadable")
