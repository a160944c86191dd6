"""The border where errors of SQLite, and of the disk beneath it, become ours."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from msgspec import Struct

from archiver.errors import StorageError, StorageFull

UNFIT: Final = (
    *(ValueError, TypeError, AttributeError, OverflowError),
    *(sqlite3.IntegrityError, sqlite3.InterfaceError),
    *(sqlite3.ProgrammingError, sqlite3.DataError),
)
"""What a value of the wrong type or size ends in; a full disk or a locked file does not."""

_PRIMARY_CODE: Final = 0xFF


class Database(Struct, frozen=True):
    """One of our databases as people call it, and what they can do when it fails."""

    name: str
    if_full: str
    if_unusable: str
    if_not_opened: str

    @contextmanager
    def sqlite_errors(self) -> Iterator[None]:
        """Turn every error of SQLite in the block into one of ours: StorageFull or StorageError."""
        try:
            yield
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
                raise StorageFull(f"no space left for {self.name}", hint=self.if_full) from error
            raise StorageError(f"cannot use {self.name}: {error}", hint=self.if_unusable) from error

    @contextmanager
    def file_errors(self, path: Path | None) -> Iterator[None]:
        """Turn every error of the file system in the block into a StorageError."""
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"cannot open {self.name} {path}: {error.strerror}", hint=self.if_not_opened
            ) from error


def is_busy(error: sqlite3.OperationalError) -> bool:
    """Whether another connection was writing, for longer than there was patience."""
    return error.sqlite_errorcode & _PRIMARY_CODE == sqlite3.SQLITE_BUSY
