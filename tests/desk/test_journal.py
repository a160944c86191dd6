"""The access log: one entry a play, none can be changed, and only admins read it."""

import csv
import io
import sqlite3
from datetime import UTC, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import anyio
import pytest

from archiver.desk.accounts.person import Person
from archiver.desk.file import DeskFile
from archiver.desk.journal import COLUMNS, ONE_PLAY, Act, Journal, LogEntry, Wanted
from archiver.errors import NotAllowed, StorageError
from tests.desk.parts import ADA, LENA, RITA, ROSS, desk_file
from tests.support.world import FIRST_NIGHT, ManualClock

pytestmark = pytest.mark.anyio

HERE, THERE = "203.0.113.9", "198.51.100.1"


def journal(file: DeskFile, clock: ManualClock, keep: timedelta = timedelta(days=30)) -> Journal:
    return Journal(file, clock, keep)


async def test_a_play_is_one_entry_however_many_pieces_are_asked_for(tmp_path: Path) -> None:
    clock = ManualClock()
    async with desk_file(tmp_path) as file:
        log = journal(file, clock)
        for _ in range(5):
            await log.played(RITA, HERE, 456)
            clock.advance(minutes=5)
        assert await log.page(ADA) == [LogEntry(1, FIRST_NIGHT, "rita", HERE, "play", 456, "")]
        clock.advance(minutes=5)
        await log.played(RITA, HERE, 456)
        assert [entry.at - FIRST_NIGHT for entry in await log.page(ADA)] == [ONE_PLAY, timedelta()]


async def test_another_person_place_or_recording_is_another_play(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        log = journal(file, ManualClock())
        for person, address, record_id in (
            (RITA, HERE, 1),
            (RITA, HERE, 2),
            (RITA, THERE, 1),
            (ROSS, HERE, 1),
        ):
            await log.played(person, address, record_id)
        assert len(await log.page(ADA)) == 4


async def test_a_restart_does_not_count_a_play_again(tmp_path: Path) -> None:
    clock = ManualClock()
    async with desk_file(tmp_path) as file:
        await journal(file, clock).played(RITA, HERE, 456)
        clock.advance(minutes=29)
        again = journal(file, clock)
        await again.played(RITA, HERE, 456)
        clock.advance(minutes=1)
        await again.played(RITA, HERE, 456)
        assert len(await again.page(ADA)) == 2


async def test_pieces_asked_for_at_the_same_time_are_one_play(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        log = journal(file, ManualClock())
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(log.played, RITA, HERE, 456)
        assert len(await log.page(ADA)) == 1


async def test_what_cannot_be_logged_is_an_error_before_anything_is_heard(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        log = journal(file, ManualClock())
        await file.write(lambda db: db.execute("PRAGMA query_only = ON"))
        with pytest.raises(StorageError):
            await log.played(RITA, HERE, 456)


async def test_an_entry_can_neither_be_changed_nor_removed(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        await journal(file, ManualClock()).played(RITA, HERE, 456)
        for act in ("UPDATE log SET name = 'ross'", "DELETE FROM log"):

            def change(db: sqlite3.Connection, act: str = act) -> None:
                db.execute(act)

            with pytest.raises(StorageError, match="the access log"):
                await file.write(change)


async def test_entries_go_when_their_time_is_over_and_not_before(tmp_path: Path) -> None:
    clock = ManualClock()
    async with desk_file(tmp_path) as file:
        log = journal(file, clock, keep=timedelta(days=30))
        await log.played(RITA, HERE, 1)
        clock.advance(days=29)
        await log.played(RITA, HERE, 2)
        assert len(await log.page(ADA)) == 2
        clock.advance(days=2)
        await log.record("rita", HERE, Act.DOWNLOAD, record_id=3)
        assert [entry.record_id for entry in await log.page(ADA)] == [3, 2]


async def test_it_is_read_page_by_page_and_by_person_or_recording(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        log = journal(file, ManualClock())
        for number in range(1, 8):
            await log.record("rita" if number % 2 else "ross", HERE, Act.DOWNLOAD, record_id=number)
        first = await log.page(ADA, limit=3)
        second = await log.page(ADA, before=first[-1].entry_id, limit=3)
        assert [entry.record_id for entry in (*first, *second)] == [7, 6, 5, 4, 3, 2]
        assert [entry.record_id for entry in await log.page(ADA, wanted=Wanted(name="ross"))] == [
            6,
            4,
            2,
        ]
        assert [entry.name for entry in await log.page(ADA, wanted=Wanted(record_id=5))] == ["rita"]


async def test_it_is_narrowed_by_person_act_and_date_and_its_table_alike(tmp_path: Path) -> None:
    clock = ManualClock()
    async with desk_file(tmp_path) as file:
        log = journal(file, clock)
        for act in (Act.DRAW, Act.SEARCH, Act.DRAW):
            await log.record("lead", HERE, act, detail=act)
            await log.record("ada", HERE, act)
            clock.advance(days=1)
        day = FIRST_NIGHT + timedelta(days=1)
        for wanted, count in (
            (Wanted(act="draw"), 4),
            (Wanted(act="draw", name="lead"), 2),
            (Wanted(since=day), 4),
            (Wanted(until=day), 2),
            (Wanted(since=day, until=day + timedelta(days=1), name="ada"), 1),
        ):
            assert len(await log.page(ADA, wanted=wanted)) == count
            berlin = ZoneInfo("Europe/Berlin")
            text = "".join([piece async for piece in log.rows(ADA, berlin, wanted)])
            rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
            assert len(rows) == count + 1
            assert all(row[1].endswith("+01:00") for row in rows[1:])


@pytest.mark.parametrize("person", [LENA, RITA])
async def test_nobody_but_an_admin_reads_it(tmp_path: Path, person: Person) -> None:
    async with desk_file(tmp_path) as file:
        log = journal(file, ManualClock())
        with pytest.raises(NotAllowed):
            await log.page(person)
        with pytest.raises(NotAllowed):
            await anext(log.rows(person, UTC))


async def test_whatever_a_stranger_types_stays_one_short_line(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        log = journal(file, ManualClock())
        await log.record("=cmd|'\r\nroot\x1b[2J" + "x" * 5000, HERE, Act.LOG_IN_REFUSED)
        await log.record("rita", HERE, Act.EXPORT, detail="/?q=" + "y" * 5000)
        newest, typed = await log.page(ADA)
        assert len(newest.detail) == 500
        assert len(typed.name) == 100
        assert typed.name.isprintable()
        text = "".join([piece async for piece in log.rows(ADA, UTC)])
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    assert tuple(rows[0]) == COLUMNS
    assert [row[4] for row in rows[1:]] == ["export", "log-in-refused"]
    assert rows[2][2].startswith("'=cmd")


async def test_a_name_is_logged_as_the_users_file_has_it(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        log = journal(file, ManualClock())
        for typed in ("Rita", "RITA", "rita ", "local"):
            await log.record(typed, HERE, Act.LOG_IN)
        names = [entry.name for entry in await log.page(ADA)]
        assert names == ["local", "rita", "rita", "rita"]


async def test_the_whole_log_is_a_table(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:

        def fill(db: sqlite3.Connection) -> None:
            db.executemany(
                "INSERT INTO log (at, name, address, act, record_id, detail)"
                " VALUES (?, 'rita', '::1', 'play', ?, '')",
                ((number, number) for number in range(2500)),
            )

        await file.write(fill)
        text = "".join([piece async for piece in journal(file, ManualClock()).rows(ADA, UTC)])
    rows = list(csv.reader(io.StringIO(text)))
    assert [int(row[5]) for row in rows[1:]] == list(range(2499, -1, -1))
