"""Many rows take few statements, and all of them arrive in their order."""

import sqlite3
from contextlib import closing

import pytest

from archiver.sqlite.writing import write_rows


@pytest.mark.parametrize("count", [0, 1, 2, 3, 8, 19, 20, 58])
def test_every_row_is_written_once_and_in_order(count: int) -> None:
    rows = [(number, f"name {number}") for number in range(count)]
    asked: list[str] = []
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.execute("CREATE TABLE kept (number INTEGER, name TEXT)")
        db.set_trace_callback(asked.append)
        write_rows(db, "INSERT INTO kept (number, name) VALUES (?, ?)", rows)
        db.set_trace_callback(None)
        assert db.execute("SELECT * FROM kept ORDER BY rowid").fetchall() == rows
    assert len(asked) <= 6
