"""Statements whose columns are the fields of a row."""

from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from archiver.sqlite.connections import open_scratch
from archiver.sqlite.rows import for_rows, insert, insert_where, rows_of, update, upsert


class _Row(NamedTuple):
    one: int
    name: str | None
    since: int | None = None
    revision: int = 1


class _Name(NamedTuple):
    name: str


@pytest.mark.parametrize(
    ("statement", "second", "found"),
    [
        (insert("list", _Row), _Row(1, "b"), (1, "a", 5, 2)),
        (upsert("list", _Row), _Row(1, "b"), (1, "b", None, 1)),
        (upsert("list", _Row, keep=["since"]), _Row(1, None, 7), (1, None, 5, 1)),
        (upsert("list", _Row, fill=["name"]), _Row(1, None, 7), (1, "a", 7, 1)),
        (
            upsert("list", _Row, where="revision < excluded.revision"),
            _Row(1, "b"),
            (1, "a", 5, 2),
        ),
        (update("list", _Name, "one = ?"), ("c", 1), (1, "c", 5, 2)),
        (insert_where("list", _Row, "? > 1"), (2, "c", None, 1, 1), (1, "a", 5, 2)),
    ],
)
def test_a_second_row_with_the_same_key_changes_just_what_it_should(
    tmp_path: Path, statement: str, second: tuple[object, ...], found: tuple[object, ...]
) -> None:
    with closing(open_scratch(tmp_path / "it.sqlite")) as db:
        db.execute("CREATE TABLE list (one INTEGER PRIMARY KEY, name, since, revision)")
        db.execute(insert("list", _Row), _Row(1, "a", 5, 2))
        db.execute(statement, second)
        assert db.execute("SELECT * FROM list").fetchall() == [found]


@pytest.mark.parametrize("statement", [insert("list", _Row), upsert("list", _Row, keep=["since"])])
def test_a_statement_for_many_rows_does_what_it_does_for_each(
    statement: str, tmp_path: Path
) -> None:
    rows = [_Row(1, "b"), _Row(2, "c", 3), _Row(1, "d", 9, 9), _Row(3, None)]
    left = []
    for together in (False, True):
        with closing(open_scratch(tmp_path / f"{together}.sqlite")) as db:
            db.execute("CREATE TABLE list (one INTEGER PRIMARY KEY, name, since, revision)")
            if together:
                db.execute(for_rows(statement, 4), [value for row in rows for value in row])
            else:
                db.executemany(statement, rows)
            left.append(db.execute("SELECT * FROM list ORDER BY one").fetchall())
    assert left[0] == left[1]
    assert len(left[0]) == 3


def test_a_column_without_a_value_in_any_row_is_left_to_its_default(tmp_path: Path) -> None:
    found = rows_of({"one": [1, 2], "name": [None, "b"], "since": [None, None]})
    assert found.columns == ("one", "name")
    assert found.values("name") == [None, "b"]
    assert found.values("since") == []
    with closing(open_scratch(tmp_path / "it.sqlite")) as db:
        db.execute("CREATE TABLE list (one INTEGER PRIMARY KEY, name, since, revision DEFAULT 7)")
        db.executemany(upsert("list", _Row, given=found.columns), found.rows)
        assert db.execute("SELECT * FROM list").fetchall() == [
            (1, None, None, 7),
            (2, "b", None, 7),
        ]
