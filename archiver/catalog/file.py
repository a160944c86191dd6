"""The file of a catalog: opened, copied, scrubbed, and the border where its errors become ours."""

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from archiver.catalog.schema import prepare
from archiver.errors import StorageError, StorageFull, UsageError


def copy_catalog(path: Path, copy: Path) -> None:
    """Copy a catalog that may be in use. One that is not gets no company of SQLite's own files."""
    log = Path(f"{path}-wal")
    if not log.exists():
        shutil.copyfile(path, copy)
    if log.exists():
        address = f"{path.absolute().as_uri()}?mode=ro"
        with (
            contextlib.closing(sqlite3.connect(address, uri=True)) as source,
            contextlib.closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)


def connect(path: Path | None, archive_id: str) -> sqlite3.Connection:
    """The open catalog of that archive (None: in memory); what SQLite cannot read is set aside."""
    if path is None:
        return _prepared(":memory:", archive_id)
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
                hint="give each archive a catalog.path of its own, or leave catalog.path out",
            )
    except BaseException:
        db.close()
        raise
    return db


@contextlib.contextmanager
def sqlite_errors() -> Iterator[None]:
    """Turn every error of SQLite in the block into one of ours."""
    try:
        yield
    except sqlite3.Error as error:
        if error.sqlite_errorname == "SQLITE_FULL":
            raise StorageFull(
                "no space left for the catalog",
                hint="free some space, or point catalog.path to a larger disk",
            ) from error
        raise StorageError(
            f"the catalog cannot be used: {error}",
            hint="check catalog.path; the file may be removed, the ledger fills a new one",
        ) from error


@contextlib.contextmanager
def file_errors(path: Path | None) -> Iterator[None]:
    """Turn every error of the file system in the block into one of ours."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"the catalog {path} cannot be opened: {error.strerror}",
            hint="check the rights of its folder, or set catalog.path",
        ) from error


def scrub(db: sqlite3.Connection) -> None:
    """Leave no trace of deleted rows, in the file, in its log, or in one that was set aside.

    VACUUM writes every page anew: moved rows leave copies that `secure_delete` does not reach.
    """
    db.execute("VACUUM")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    name = db.execute("PRAGMA database_list").fetchone()[2]
    if name:
        _set_aside(Path(name)).unlink(missing_ok=True)


def _set_aside(path: Path) -> Path:
    return path.with_suffix(".unreadable")
