"""The catalog: fast, disposable, and never out of step with the ledger."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from archiver.catalog.catalog import Catalog
from archiver.catalog.kinds import Kind
from archiver.catalog.queries import last_whole_run, orders_seen
from archiver.catalog.schema import MIGRATIONS
from archiver.catalog.work import Outcome, Result
from archiver.errors import StorageError, UsageError
from archiver.ledger.events import (
    CallJudged,
    CursorMoved,
    Erasing,
    Event,
    OpenRecording,
    OrderSeen,
    Removed,
)
from archiver.ledger.lines import decode
from archiver.ledger.segments import Head, link
from archiver.liner.models import Call

pytestmark = pytest.mark.anyio

AT = datetime(2026, 10, 2, 1, 0, 7, tzinfo=UTC)
ARCHIVE = "1b6b587f-eb6d-44d9-912e-1453acbaeadd"
SEEN = OrderSeen(order_ids=(202, 203))


async def opened(path: Path) -> Catalog:
    return await Catalog.open(path, ARCHIVE)


def judged(call_id: int, **members: object) -> CallJudged:
    return CallJudged(call_id=call_id, **{"state": "archived", "attempts": 0, **members})  # type: ignore[arg-type]


async def test_what_is_recorded_waits_in_the_outbox_until_it_is_published(tmp_path: Path) -> None:
    catalog = await opened(tmp_path / "one.sqlite")
    await catalog.record([SEEN], at=AT, run="r")
    last, lines = await catalog.outbox(10)
    assert [decode(line).event for line in lines] == [SEEN]
    assert catalog.waiting_events == 1
    await catalog.published(last, Head(1, "ab" * 32))
    assert (await catalog.outbox(10)) == (0, [])
    assert (catalog.waiting_events, await catalog.head()) == (0, Head(1, "ab" * 32))
    await catalog.aclose()


async def test_what_waits_survives_a_process_that_dies(tmp_path: Path) -> None:
    dying = await opened(tmp_path / "one.sqlite")
    await dying.record([SEEN], at=AT, run="r")
    again = await opened(tmp_path / "one.sqlite")  # as a kill leaves the file: no farewell
    assert again.waiting_events == 1
    assert await again.ask(orders_seen) == {202, 203}
    await again.aclose()
    await dying.aclose()


async def test_a_call_is_admitted_once_a_run(tmp_path: Path) -> None:
    catalog = await opened(tmp_path / "one.sqlite")
    calls = [Call(1), Call(2), Call(1)]
    first = await catalog.admission.admit(calls, now=AT, run="r", recheck=False)
    again = await catalog.admission.admit([*calls, Call(3)], now=AT, run="r", recheck=False)
    await catalog.aclose()
    assert [task.call.id for task in first.tasks] == [1, 2]
    assert [task.call.id for task in again.tasks] == [3]
    next_run = await opened(tmp_path / "one.sqlite")
    assert len((await next_run.admission.admit(calls, now=AT, run="s", recheck=False)).tasks) == 2
    await next_run.aclose()


async def test_a_recording_of_two_calls_counts_once(tmp_path: Path) -> None:
    catalog = await opened(tmp_path / "one.sqlite")
    outcomes = [
        Outcome(Call(number), judged(number), results=(Result(11, ended, size=5),))
        for number, ended in ((1, "archived"), (2, "already"))
    ]
    tally = await catalog.settle(outcomes, at=AT, run="r")
    await catalog.aclose()
    assert tally.calls == {"archived": 2}
    assert tally.recordings == {"archived": 1}
    assert tally.bytes == 5


@pytest.mark.parametrize(
    ("older", "newer", "question", "answer"),
    [
        (
            CursorMoved(kind="order", ids=(1,), until=AT),
            CursorMoved(kind="order", ids=(1,), until=AT.replace(day=9)),
            "SELECT until FROM cursors",
            int(AT.replace(day=9).timestamp()),
        ),
        (judged(1, state="waiting"), judged(1), "SELECT state FROM calls", "archived"),
    ],
    ids=["cursor", "call"],
)
async def test_what_another_machine_tells_late_takes_nothing_back(
    older: Event, newer: Event, question: str, answer: object, tmp_path: Path
) -> None:
    catalog = await opened(tmp_path / "one.sqlite")
    await catalog.record([newer], at=AT.replace(day=9), run="new")
    await catalog.record([older], at=AT, run="late")
    await catalog.aclose()
    with closing(sqlite3.connect(tmp_path / "one.sqlite")) as db:
        assert db.execute(question).fetchall() == [(answer,)]


async def test_replaying_a_segment_tells_what_it_told_when_it_was_recorded(tmp_path: Path) -> None:
    recorded = await opened(tmp_path / "one.sqlite")
    await recorded.record([SEEN, judged(5, created_at=AT)], at=AT, run="r")
    last, lines = await recorded.outbox(10)
    segment = link(Head(), ARCHIVE, lines)
    await recorded.published(last, segment.head)
    rebuilt = await opened(tmp_path / "two.sqlite")
    await rebuilt.replay(segment)
    await recorded.aclose()
    await rebuilt.aclose()
    with (
        closing(sqlite3.connect(tmp_path / "one.sqlite")) as one,
        closing(sqlite3.connect(tmp_path / "two.sqlite")) as two,
    ):
        for table in ("calls", "orders", "head", "recordings", "links"):
            question = f"SELECT * FROM {table}"
            assert one.execute(question).fetchall() == two.execute(question).fetchall()


async def test_the_catalog_of_another_archive_is_refused(tmp_path: Path) -> None:
    await (await opened(tmp_path / "one.sqlite")).aclose()
    with pytest.raises(UsageError, match="another archive"):
        await Catalog.open(tmp_path / "one.sqlite", "00000000-0000-0000-0000-000000000000")


async def test_a_file_that_is_no_catalog_is_set_aside_and_filled_anew(tmp_path: Path) -> None:
    (tmp_path / "one.sqlite").write_bytes(b"this is no database" * 100)
    catalog = await opened(tmp_path / "one.sqlite")
    assert await catalog.head() == Head()
    await catalog.aclose()
    assert (tmp_path / "one.unreadable").read_bytes().startswith(b"this is no database")


async def test_a_catalog_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="cannot open"):
        await opened(tmp_path / "file" / "one.sqlite")


async def test_a_copy_starts_where_the_original_stands_and_leaves_it_alone(tmp_path: Path) -> None:
    original = await opened(tmp_path / "one.sqlite")
    await original.record([SEEN], at=AT, run="r")
    copy = await Catalog.open_copy(tmp_path / "one.sqlite", tmp_path / "copy.sqlite", ARCHIVE)
    await copy.record([OrderSeen(order_ids=(7,))], at=AT, run="r")
    assert await copy.ask(orders_seen) == {7, 202, 203}
    assert await original.ask(orders_seen) == {202, 203}
    await copy.aclose()
    await original.aclose()


async def test_what_was_not_written_does_not_wait(tmp_path: Path) -> None:
    catalog = await opened(tmp_path / "one.sqlite")
    broken = judged(5, state="no state of a call")
    with pytest.raises(StorageError):
        await catalog.record([SEEN, broken], at=AT, run="r")
    assert catalog.waiting_events == len((await catalog.outbox(10))[1]) == 0
    await catalog.aclose()


async def test_what_is_known_is_told_at_any_id_and_after_a_restart(tmp_path: Path) -> None:
    catalog = await opened(tmp_path / "one.sqlite")
    assert catalog.known([5, 9]) == {}
    assert not catalog.was_erased(7, AT)
    open_one = OpenRecording(record_id=5, state="failed", reason="stalled", attempts=1, since=AT)
    removed = Removed(
        record_id=9, call_id=1, key="7/1/9.mp3", sha256="ab" * 32, why="erasure", lead_id=7
    )
    await catalog.record([judged(1, state="failed", open=(open_one,))], at=AT, run="r")
    assert set(catalog.known([5, 9])) == {5}
    assert catalog.known([6, 9]) == {}
    await catalog.record([removed, Erasing(lead_id=7, before=AT)], at=AT, run="r")
    for _ in range(2):
        assert {one: known.is_removed for one, known in catalog.known([5, 9, 12]).items()} == {
            5: False,
            9: True,
        }
        assert catalog.was_erased(7, AT - timedelta(days=1))
        assert not catalog.was_erased(8, AT - timedelta(days=1))
        await catalog.aclose()
        catalog = await opened(tmp_path / "one.sqlite")
    await catalog.aclose()


async def test_a_catalog_of_an_earlier_version_goes_on(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "one.sqlite")) as db:
        db.executescript(f"{MIGRATIONS[0]} PRAGMA user_version = 1;")
        db.execute("INSERT INTO head VALUES (1, ?, 0, NULL)", (ARCHIVE,))
        db.execute("INSERT INTO cursors VALUES ('order', 1, '', ?)", (int(AT.timestamp()),))
        db.commit()
    catalog = await opened(tmp_path / "one.sqlite")
    assert await catalog.ask(last_whole_run) == AT
    moved = CursorMoved(kind="order", ids=(1,), until=AT.replace(hour=23))
    await catalog.record([moved], at=AT, run="20261002T235900Z-abc123")
    assert await catalog.ask(last_whole_run) == datetime(2026, 10, 2, 23, 59, tzinfo=UTC)
    await catalog.aclose()


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO orders VALUES (1, 0)",
        "DELETE FROM outbox",
        "CREATE TEMP TABLE more (it)",
        "PRAGMA query_only = OFF; DELETE FROM outbox",
    ],
)
async def test_whoever_asks_cannot_write(tmp_path: Path, statement: str) -> None:
    catalog = await opened(tmp_path / "one.sqlite")
    await catalog.record([SEEN], at=AT, run="r")
    with pytest.raises(StorageError, match="readonly"):
        await catalog.ask(lambda db: [db.execute(one) for one in statement.split(";")])
    assert await catalog.ask(orders_seen) == {202, 203}
    assert len((await catalog.outbox(10))[1]) == 1
    await catalog.aclose()


async def test_a_selection_is_kept_apart_from_the_catalog(tmp_path: Path) -> None:
    catalog = await opened(tmp_path / "one.sqlite")
    await catalog.record([judged(1, lead_id=7), judged(2, lead_id=8)], at=AT, run="r")
    await catalog.selection.keep_told([(3, {"lead": 7})])
    assert (await catalog.selection.choose([Kind(leads=[7])])).calls == 2
    assert {one.call_id for one in await catalog.selection.page(0, 10)} == {1, 3}
    assert await catalog.selection.counted(Kind(leads=[8])) == 1
    with pytest.raises(StorageError, match="readonly"):
        await catalog.selection._do(lambda db: db.execute("DELETE FROM calls"))
    with pytest.raises(StorageError, match="no such table"):
        await catalog.ask(lambda db: db.execute("SELECT * FROM chosen"))
    await catalog.aclose()
    assert [path.name for path in tmp_path.iterdir()] == ["one.sqlite"]
