"""Rows on their way into the index, as the image of a small database.

It takes SQLite less time to write a row than Python to hand over its values one by one. So rows
are put into tables of their own where there is time for it, in another process, and the one that
writes the index takes each table with one statement.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from zlib import crc32

from archiver.sqlite.rows import Rows


def image_of(tables: Mapping[str, Rows]) -> bytes:
    """A database with these tables (at least one), without keys and types, as the bytes of its
    file.

    A prepared statement is used for the next image as well if that has the same schema version.
    Then its tables must begin at the same pages, too: all are created before the first is filled.
    """
    schema = [f"CREATE TABLE {name} ({', '.join(rows.columns)})" for name, rows in tables.items()]
    with closing(sqlite3.connect(":memory:")) as db:
        for statement in schema:
            db.execute(statement)
        db.execute(f"PRAGMA schema_version = {crc32(repr(schema).encode()) >> 1}")
        for name, (columns, rows) in tables.items():
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


def from_staged(statement: str, table: str) -> str:
    """The statement that writes one row, so that it writes the rows of a table of the image, in
    their order."""
    begin, _, rest = statement.partition(" VALUES (")
    columns = begin.partition("(")[2].removesuffix(")")
    others = rest.partition(")")[2]
    return f"{begin} SELECT {columns} FROM staged.{table} WHERE TRUE ORDER BY rowid{others}"  # noqa: S608 - our names
