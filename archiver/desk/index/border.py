"""The border where errors of SQLite and of the disk become ours."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from archiver.errors import StorageError, StorageFull


@contextlib.contextmanager
def index_errors(path: Path) -> Iterator[None]:
    """Turn what goes wrong with the index at `path` into one of our errors."""
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
            raise StorageFull(
                "no space left for the desk's index", hint=f"free some space for {path.parent}"
            ) from error
        raise StorageError(
            f"the desk's index cannot be used: {error}",
            hint=f"stop the desk and remove {path}; it is filled again from the archive",
        ) from error
    except OSError as error:
        raise StorageError(
            f"the desk's index {path} cannot be opened: {error.strerror}",
            hint=f"check the rights of {path.parent}",
        ) from error
