"""Rows as named values: the fields of a row are the columns that its statement writes.

So a column is named once, where its row is defined. Pure: statements out, as text.
"""

from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple


def insert(table: str, row: type[NamedTuple]) -> str:
    """Adds a row, unless there is one with its key."""
    return f"INSERT OR IGNORE INTO {table} {_columns_of(row)}"


def insert_where(table: str, row: type[NamedTuple], condition: str) -> str:
    """Adds a row where the condition holds, unless there is one with its key. The parameters of the
    condition follow those of the row."""
    marks = ", ".join("?" * len(row._fields))
    columns = ", ".join(row._fields)
    return f"INSERT OR IGNORE INTO {table} ({columns}) SELECT {marks} WHERE {condition}"


def upsert(
    table: str,
    row: type[NamedTuple],
    *,
    keep: Collection[str] = (),
    fill: Collection[str] = (),
    where: str = "TRUE",
) -> str:
    """Adds a row, or changes the one with the same first column where the condition holds.

    Of a row that is there, columns in `keep` stay; those in `fill` change only to what is known.
    """
    key, *others = row._fields
    changes = ", ".join(
        f"{name} = coalesce(excluded.{name}, {name})"
        if name in fill
        else f"{name} = excluded.{name}"
        for name in others
        if name not in keep
    )
    return (
        f"INSERT INTO {table} {_columns_of(row)}"
        f" ON CONFLICT ({key}) DO UPDATE SET {changes} WHERE {where}"
    )


def update(table: str, row: type[NamedTuple], where: str) -> str:
    """Changes these columns where the condition holds, whose parameters follow those of the row."""
    changes = ", ".join(f"{name} = ?" for name in row._fields)
    return f"UPDATE {table} SET {changes} WHERE {where}"  # noqa: S608 - names of our own


@lru_cache(maxsize=64)
def for_rows(statement: str, rows: int) -> str:
    """The statement for so many rows, whose parameters follow one another, instead of for one."""
    begin, values, rest = statement.partition(" VALUES (")
    marks, end, others = rest.partition(")")
    return begin + values + f"{marks}), (" * (rows - 1) + marks + end + others


def _columns_of(row: type[NamedTuple]) -> str:
    return f"({', '.join(row._fields)}) VALUES ({', '.join('?' * len(row._fields))})"
