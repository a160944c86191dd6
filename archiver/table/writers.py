"""Writes a table as a CSV, SQLite or Parquet file, row by row.

Each writer blocks and must be called in a worker thread. The file exists and is empty.
"""

import csv
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final, Protocol

from archiver.clock import stamp
from archiver.extras import extra
from archiver.sqlite.errors import Database
from archiver.table.columns import COLUMNS, Kind, Row

_ROWS_A_GROUP: Final = 20_000

_SQLITE_TYPES: Final[Mapping[Kind, str]] = {
    "integer": "INTEGER",
    "number": "REAL",
    "boolean": "INTEGER",
    "text": "TEXT",
    "moment": "TEXT",
}
_FILE: Final = Database(
    name="the table",
    if_full="choose a --to on a larger disk",
    if_unusable="choose another --to",
    if_not_opened="choose another --to",
)


class Writer(Protocol):
    """Writes a table."""

    def add(self, rows: Sequence[Row]) -> None:
        """Write the next rows."""

    def finish(self) -> None:
        """Complete the file after the last row."""

    def close(self) -> None:
        """Close the file; without `finish` it is useless."""


class CsvWriter:
    """UTF-8 with a header, commas, RFC 4180. Null is empty; times are in ISO 8601 with Z.

    Values are exact, for programs: nothing protects them from interpretation by spreadsheets.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._csv = csv.writer(self._file)
        self._csv.writerow(column.name for column in COLUMNS)

    def add(self, rows: Sequence[Row]) -> None:
        """See `Writer.add`."""
        self._csv.writerows(map(_written, rows))

    def finish(self) -> None:
        """See `Writer.finish`."""
        self._file.close()

    def close(self) -> None:
        """See `Writer.close`."""
        self._file.close()


class SqliteWriter:
    """A table `calls`, and a table `columns` that describes its columns.

    Times are texts in ISO 8601 with Z, booleans are 0 and 1.
    """

    def __init__(self, path: Path) -> None:
        with _FILE.sqlite_errors():
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.executescript(
                "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN;"
                f"CREATE TABLE calls ({', '.join(_sqlite_columns())});"
                "CREATE TABLE columns (name TEXT PRIMARY KEY, kind TEXT, meaning TEXT)"
            )
            self._db.executemany(
                "INSERT INTO columns VALUES (?, ?, ?)",
                [(one.name, one.kind, one.meaning) for one in COLUMNS],
            )

    def add(self, rows: Sequence[Row]) -> None:
        """See `Writer.add`."""
        places = ", ".join("?" * len(COLUMNS))
        with _FILE.sqlite_errors():
            self._db.executemany(
                f"INSERT INTO calls VALUES ({places})",  # noqa: S608 - question marks
                [[_stored(value) for value in row] for row in rows],
            )

    def finish(self) -> None:
        """See `Writer.finish`."""
        with _FILE.sqlite_errors():
            self._db.execute("CREATE UNIQUE INDEX calls_by_record ON calls (recordId)")
            self._db.execute("CREATE INDEX calls_by_call ON calls (callId)")
            self._db.execute("COMMIT")
            self._db.close()

    def close(self) -> None:
        """See `Writer.close`."""
        self._db.close()


class ParquetWriter:
    """Apache Parquet with zstd; times are UTC timestamps in microseconds."""

    def __init__(self, path: Path) -> None:
        arrow, parquet = _arrow()
        self._arrow = arrow
        self._schema = arrow.schema(
            [
                arrow.field(one.name, _arrow_type(arrow, one.kind), True, {"comment": one.meaning})
                for one in COLUMNS
            ]
        )
        self._waiting: list[Row] = []
        self._file = parquet.ParquetWriter(path, self._schema, compression="zstd")

    def add(self, rows: Sequence[Row]) -> None:
        """See `Writer.add`."""
        self._waiting += rows
        if len(self._waiting) >= _ROWS_A_GROUP:
            self._write()

    def finish(self) -> None:
        """See `Writer.finish`."""
        self._write()
        self._file.close()

    def close(self) -> None:
        """See `Writer.close`."""
        self._file.close()

    def _write(self) -> None:
        rows, self._waiting = self._waiting, []
        values = zip_longest(*rows) if rows else [()] * len(COLUMNS)
        arrays = [
            self._arrow.array(column, type=field.type)
            for column, field in zip(values, self._schema, strict=True)
        ]
        self._file.write_batch(self._arrow.record_batch(arrays, schema=self._schema))


WRITERS: Final[Mapping[str, Callable[[Path], Writer]]] = {
    ".csv": CsvWriter,
    ".sqlite": SqliteWriter,
    ".parquet": ParquetWriter,
}
"""The writers by extension of the file."""


def _sqlite_columns() -> Iterable[str]:
    return (f'"{one.name}" {_SQLITE_TYPES[one.kind]}' for one in COLUMNS)


def _stored(value: Any) -> Any:
    """A value as SQLite stores it."""
    return stamp(value) if isinstance(value, datetime) else value


def _written(row: Row) -> list[Any]:
    return [_cell(value) for value in row]


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return stamp(value)
    return str(value).lower() if isinstance(value, bool) else value


def _arrow() -> tuple[Any, Any]:
    with extra("table"):
        import pyarrow
        import pyarrow.parquet
    return pyarrow, pyarrow.parquet


def _arrow_type(arrow: Any, kind: Kind) -> Any:
    types = {
        "integer": arrow.int64(),
        "number": arrow.float64(),
        "boolean": arrow.bool_(),
        "text": arrow.string(),
        "moment": arrow.timestamp("us", tz="UTC"),
    }
    return types[kind]
