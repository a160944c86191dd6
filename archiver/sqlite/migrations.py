"""Numbered migrations: their number is the file's `user_version`."""

import sqlite3
from collections.abc import Iterator, Sequence


class NewerVersionError(sqlite3.DatabaseError):
    """The file was made by a newer archiver."""

    def __init__(self, version: int) -> None:
        super().__init__(f"its version {version} is newer than this version of archiver supports")
        self.version = version


def migrate(db: sqlite3.Connection, migrations: Sequence[str]) -> None:
    """Migrate a database, new or old, to the newest version; each migration is one transaction.

    Several processes may open one database at the same time: each migration is done by one of them.
    Raises NewerVersionError, and sqlite3.DatabaseError if the file is not a database.
    """
    while _version(db) < len(migrations):
        with db:
            db.execute("BEGIN IMMEDIATE")
            version = _version(db)  # another process may have migrated it while this one waited
            if version < len(migrations):
                for statement in _statements(migrations[version]):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {version + 1}")
    if _version(db) > len(migrations):
        raise NewerVersionError(_version(db))


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _statements(script: str) -> Iterator[str]:
    """One by one: `executescript` would end the transaction in which the version was read."""
    statement = ""
    for piece in script.split(";"):
        statement += f"{piece};"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
