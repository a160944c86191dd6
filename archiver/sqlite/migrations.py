"""Numbered migrations: their number is the file's `user_version`."""

import sqlite3
from collections.abc import Sequence


class NewerVersionError(sqlite3.DatabaseError):
    """The file was made by a newer archiver."""

    def __init__(self, version: int) -> None:
        super().__init__(f"its version {version} is newer than this version of archiver supports")
        self.version = version


def migrate(db: sqlite3.Connection, migrations: Sequence[str]) -> None:
    """Migrate a database, new or old, to the newest version; each migration is one transaction.

    Raises NewerVersionError, and sqlite3.DatabaseError if the file is not a database.
    """
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version > len(migrations):
        raise NewerVersionError(version)
    for number, migration in enumerate(migrations[version:], start=version + 1):
        db.executescript(f"BEGIN IMMEDIATE; {migration} PRAGMA user_version = {number}; COMMIT")
