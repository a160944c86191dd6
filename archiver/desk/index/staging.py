"""Rows on their way into the index, as the image of a small database.

It takes SQLite less time to write a row than Python to hand over its values one by one. So rows
are put into tables of their own where there is time for it, in another process, and the one that
writes the index takes each table with one statement.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any, NamedTuple


class Rows(NamedTuple):
    """The rows of one table."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


def image_of(tables: Mapping[str, Rows]) -> bytes:
    """A database with these tables (at least one), without keys and types, as the bytes of its
    file."""
    with closing(sqlite3.connect(":memory:")) as db:
        for name, (columns, rows) in tables.items():
            db.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
            marks = ", ".join("?" * len(columns))
            db.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)  # noqa: S608 - our names
        db.commit()
        return db.serialize()


def prepare(db: sqlite3.Connection) -> None:
    """Give the connection a place for images, in memory: the schema `staged`."""
    db.execute("ATTACH ':memory:' AS staged")


def stage(db: sqlite3.Connection, image: bytes) -> None:
    """Make the tables of the image those of the schema `staged`, instead of the former ones.

    Not within a transaction.
    """
    db.deserialize(image, name="staged")
