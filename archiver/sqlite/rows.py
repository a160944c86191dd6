"""Rows as named values: the fields of a row are the columns that its statement writes.

So a column is named once, where its row is defined. Pure: statements out, as text.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple


class Rows(NamedTuple):
    """Rows of a table, as tuples of the values of these columns; any other column has its default.

    Plain tuples are what SQLite's module reads fastest, and what goes from one process to another
    fastest.
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def values(self, column: str) -> list[Any]:
        """The values of that column; none if it has its default in every row."""
        if column not in self.columns:
            return []
        return [*map(itemgetter(self.columns.index(column)), self.rows)]


def rows_of(columns: Mapping[str, Sequence[Any]]) -> Rows:
    """The rows with these values, by column, without the columns in which no row has a value.

    To bind NULL takes Python's module ten times as long as to bind a number; as does any value of
    another type than exactly `int`, `float`, `str` or `bytes`, such as a bool.
    """
    given = {name: values for name, values in columns.items() if not _are_null(values)}
    return Rows(tuple(given), [*zip(*given.values(), strict=True)])


def insert(table: str, row: type[NamedTuple], *, given: Sequence[str] | None = None) -> str:
    """Adds a row, unless there is one with its key. The parameters are as for `upsert`."""
    return f"INSERT OR IGNORE INTO {table} {_values_of(row._fields if given is None else given)}"


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
    given: Sequence[str] | None = None,
) -> str:
    """Adds a row, or changes the one with the same first column where the condition holds.

    Of a row that is there, columns in `keep` stay; those in `fill` change only to what is known.
    The parameters are the columns `given`, if not all; the others have their defaults.
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
        f"INSERT INTO {table} {_values_of(row._fields if given is None else given)}"
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


def _values_of(columns: Sequence[str]) -> str:
    return f"({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


def _are_null(values: Sequence[Any]) -> bool:
    return bool(values) and values[0] is None and values.count(None) == len(values)
