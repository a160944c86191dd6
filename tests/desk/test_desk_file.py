"""The desk's own file: private, durable, of one archive, and never thrown away."""

import sqlite3
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from archiver.desk.file import open_desk_file
from archiver.desk.schema import MIGRATIONS
from archiver.errors import StorageError, UsageError
from tests.desk.parts import ARCHIVE, desk_file

pytestmark = pytest.mark.anyio


async def test_nobody_else_on_the_machine_can_read_it(tmp_path: Path) -> None:
    async with desk_file(tmp_path / "new" / "folder") as file:
        await file.write(lambda db: db.execute("UPDATE head SET logged_since = 1"))
        paths = list((tmp_path / "new" / "folder").iterdir())
        assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}
        assert len(paths) == 3


async def test_a_change_is_made_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    def change(db: sqlite3.Connection) -> None:
        db.execute("UPDATE head SET logged_since = 5")
        raise RuntimeError

    async with desk_file(tmp_path) as file:
        with pytest.raises(RuntimeError):
            await file.write(change)
        rows = await file.read(lambda db: db.execute("SELECT logged_since FROM head").fetchall())
        assert [tuple(row) for row in rows] == [(0,)]


async def test_a_reader_cannot_write(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        with pytest.raises(StorageError, match="readonly"):
            await file.read(lambda db: db.execute("DELETE FROM head"))


async def test_many_write_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:

        async def add() -> None:
            def change(db: sqlite3.Connection) -> None:
                (old,) = db.execute("SELECT logged_since FROM head").fetchone()
                db.execute("UPDATE head SET logged_since = ?", (old + 1,))

            await file.write(change)

        async with anyio.create_task_group() as tasks:
            for _ in range(40):
                tasks.start_soon(add)
        (row,) = await file.read(lambda db: db.execute("SELECT logged_since FROM head").fetchall())
        assert row[0] == 40


async def test_it_belongs_to_one_archive(tmp_path: Path) -> None:
    async with desk_file(tmp_path):
        pass
    with pytest.raises(UsageError, match="of another archive"):
        async with open_desk_file(tmp_path / "desk.sqlite", "another"):
            pass


async def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "desk.sqlite")) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(UsageError, match="newer version"):
        async with desk_file(tmp_path):
            pass


async def test_a_damaged_file_is_an_error_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "desk.sqlite"
    path.write_bytes(b"no database " * 500)
    with pytest.raises(StorageError, match="cannot use") as caught:
        async with desk_file(tmp_path):
            pass
    assert "backup" in caught.value.hint
    assert path.read_bytes() == b"no database " * 500


async def test_a_place_where_no_file_can_be_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot open"):
        async with open_desk_file(tmp_path / "file" / "desk.sqlite", ARCHIVE):
            pass
