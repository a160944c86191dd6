"""What all databases share: readers that cannot write, whole migrations, errors that are ours."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from archiver.errors import StorageError, StorageFull
from archiver.sqlite.connections import is_fast_in, open_reader, open_scratch
from archiver.sqlite.errors import UNFIT, Database
from archiver.sqlite.migrations import NewerVersionError, migrate

PLACE = Database("the list", "free some space", "remove it", "check its folder")


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "kept.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        migrate(db, ["CREATE TABLE list (it INTEGER PRIMARY KEY);"])
    yield path


@pytest.mark.parametrize("immutable", [False, True])
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO list VALUES (1)",
        "DROP TABLE list",
        "CREATE TEMP TABLE more (it)",
        "PRAGMA user_version = 7",
    ],
)
def test_a_reader_can_write_nothing(kept: Path, statement: str, immutable: bool) -> None:
    with closing(open_reader(kept, immutable=immutable)) as db:
        assert db.execute("SELECT count(*) FROM list").fetchone() == (0,)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            db.execute(statement)


def test_a_reader_that_lets_itself_write_still_cannot(kept: Path) -> None:
    with closing(open_reader(kept)) as db:
        db.execute("PRAGMA query_only = OFF")
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            db.execute("INSERT INTO list VALUES (1)")


def test_two_that_open_a_database_at_once_migrate_it_once(kept: Path) -> None:
    migrations = ["CREATE TABLE list (it INTEGER PRIMARY KEY);", "INSERT INTO list DEFAULT VALUES;"]

    class Late(sqlite3.Connection):
        """Another process migrates between the first two statements of this one."""

        is_first = True

        def execute(self, *statement: Any) -> sqlite3.Cursor:
            answer = super().execute(*statement)
            if self.is_first:
                self.is_first = False
                with closing(sqlite3.connect(kept)) as other:
                    migrate(other, migrations)
            return answer

    with closing(sqlite3.connect(kept, factory=Late)) as db:
        migrate(db, migrations)
        assert db.execute("SELECT count(*) FROM list").fetchone() == (1,)


def test_only_what_is_missing_is_migrated_and_a_migration_counts_whole_or_not_at_all(
    kept: Path,
) -> None:
    migrations = ["CREATE TABLE list (it INTEGER PRIMARY KEY);", "CREATE TABLE a (it); NONSENSE;"]
    with closing(sqlite3.connect(kept)) as db:
        with pytest.raises(sqlite3.OperationalError, match="NONSENSE"):
            migrate(db, migrations)
        db.rollback()
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
        migrate(db, [migrations[0], "CREATE TABLE a (it);"])
        assert db.execute("PRAGMA user_version").fetchone() == (2,)
        with pytest.raises(NewerVersionError) as caught:
            migrate(db, migrations[:1])
    assert caught.value.version == 2


def test_a_full_disk_has_a_name_of_its_own(tmp_path: Path) -> None:
    with (
        closing(open_scratch(tmp_path / "small.sqlite")) as db,
        pytest.raises(StorageFull, match="no space left for the list"),
        PLACE.sqlite_errors(),
    ):
        db.execute("PRAGMA max_page_count = 2")
        db.execute("CREATE TABLE list (it)")
        db.execute("INSERT INTO list VALUES (zeroblob(100000))")


def test_what_fails_is_told_with_what_to_do(tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "it.sqlite"
    with (
        pytest.raises(StorageError, match="cannot use the list: unable to open") as caught,
        PLACE.sqlite_errors(),
    ):
        open_reader(missing)
    assert caught.value.hint == "remove it"
    with (
        pytest.raises(StorageError, match=r"cannot open .*: No such file") as caught,
        PLACE.file_errors(missing),
    ):
        missing.read_bytes()
    assert caught.value.hint == "check its folder"


@pytest.mark.parametrize("value", [2**70, {}, "\ud800", None])
def test_a_value_that_does_not_fit_is_no_trouble_of_the_disk(tmp_path: Path, value: object) -> None:
    with closing(open_scratch(tmp_path / "it.sqlite")) as db:
        db.execute("CREATE TABLE list (it NOT NULL)")
        with pytest.raises(UNFIT):
            db.execute("INSERT INTO list VALUES (?)", (value,))


def test_a_folder_is_tried_by_keeping_a_database_in_it(tmp_path: Path) -> None:
    assert is_fast_in(tmp_path)
    assert list(tmp_path.iterdir()) == []
