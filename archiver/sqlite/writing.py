"""Many rows written with few statements: to begin and end one takes as long as a row.

In addition, SQLite releases the interpreter lock for each step, and a busy thread may then keep it
for a while; `executemany` takes one step for each row.
"""

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

from archiver.sqlite.rows import for_rows

_SIZES: Final = (20, 10, 5, 2)
"""Rows of one statement. At most: with 24 columns each, below every version's limit of parameters.
Few different numbers, since each makes another statement, which has to be prepared."""


def write_rows(db: sqlite3.Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Execute a statement that has one `VALUES (?, ...)` for all rows, in their order."""
    start = 0
    for size in _SIZES:
        while len(rows) - start >= size:
            values = [*chain.from_iterable(rows[start : start + size])]
            db.execute(for_rows(statement, size), values)
            start += size
    if start < len(rows):
        db.execute(statement, rows[start])
