"""The file of the index."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from archiver.catalog import schema
from archiver.desk.index.apply import parse
from archiver.desk.index.batches import batch_of
from archiver.desk.index.sidecars import Card
from archiver.desk.index.store import Store
from archiver.ledger.events import CallJudged, Event, Held, Removed, Stored
from archiver.ledger.lines import encode
from archiver.ledger.segments import Head

AT = datetime(2026, 11, 1, tzinfo=UTC)
A_BATCH = 64


def test_the_log_beside_the_file_is_written_back_while_the_index_is_filled(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    store = Store(path, "an-archive")
    for number in range(6):
        ids = range(number * A_BATCH + 1, (number + 1) * A_BATCH + 1)
        store.take([encode(AT, "run", _stored(one)) for one in ids], Head(number + 1, "5" * 64))
        cards = [Card(record_id=one, revision=1, summary="a" * 100_000) for one in ids]
        store.keep(batch_of(cards))
    kept = 6 * A_BATCH * 100_000
    assert path.stat().st_size > kept / 2
    assert Path(f"{path}-wal").stat().st_size < kept
    store.close()


def test_an_index_that_was_killed_while_it_was_filled_gets_all_its_indexes_later(
    tmp_path: Path,
) -> None:
    path = tmp_path / "index.sqlite"
    store = Store(path, "an-archive")
    store.take([encode(AT, "run", _stored(1))], Head(1, "5" * 64))
    store.close()
    assert "calls_lead" not in _indexes(path)
    store = Store(path, "an-archive")
    store.take([encode(AT, "run", _stored(2))], Head(2, "5" * 64))
    store.make_indexes()
    store.make_indexes()
    store.close()
    with closing(sqlite3.connect(":memory:")) as db:
        schema.prepare(db)
        assert _indexes(path) >= {row[0] for row in db.execute(_INDEXES)}


def test_a_legal_hold_does_not_wait_for_the_indexes_that_it_needs(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    store = Store(path, "an-archive")
    held = Held(hold_id="h", key="k", sha256="5" * 64, lead_ids=(7,))
    store.take([encode(AT, "run", _stored(1)), encode(AT, "run", held)], Head(1, "5" * 64))
    assert "calls_lead" in _indexes(path)
    store.close()


_INDEXES = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql NOT NULL"


def _indexes(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as db:
        return {row[0] for row in db.execute(_INDEXES)}


def test_a_segment_parsed_beforehand_fills_the_tables_as_its_lines_do_one_by_one(
    tmp_path: Path,
) -> None:
    again: list[Event] = [_stored(3), _judged(3), *(_stored(one) for one in range(20, 40))]
    removed = Removed(record_id=5, call_id=5, why="retention")
    held = Held(hold_id="h", key="k", sha256="5" * 64, lead_ids=(7,))
    first: list[Event] = [event for one in range(1, 20) for event in (_stored(one), _judged(one))]
    lines = [encode(AT, "run", event) for event in [*first, held, removed, *again]]
    parsed = parse(lines)
    assert parsed is not None
    assert [group.addition is not None for group in parsed.groups] == [True, False, True]
    one_by_one, at_once, beforehand = (Store(tmp_path / name, "an-archive") for name in "123")
    touched = set[int]()
    for line in lines:
        touched |= one_by_one.take([line], None).touched
    for taken in (at_once.take(lines, None), beforehand.take(lines, None, parsed)):
        arrived = {one for some in taken.arrived for one in some.columns.record_id.tolist()}
        assert arrived == set(range(1, 20))
        assert taken.touched | arrived == touched
    for store in (one_by_one, at_once, beforehand):
        store.make_indexes()
        store.close()
    tables = [_tables(tmp_path / name) for name in "123"]
    assert tables[0] == tables[1] == tables[2]
    assert "1/39/39.mp3" in "".join(tables[0])


def test_a_line_that_makes_no_sense_is_left_for_the_process_that_writes() -> None:
    assert parse([encode(AT, "run", _stored(1)), b"{}"]) is None


def _tables(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return sorted(db.iterdump())


def _judged(call_id: int) -> CallJudged:
    return CallJudged(call_id=call_id, state="archived", attempts=0, recordings=(call_id,))


def _stored(record_id: int) -> Stored:
    return Stored(
        record_id=record_id,
        call_id=record_id,
        key=f"1/{record_id}/{record_id}.mp3",
        bytes=1,
        sha256="5" * 64,
        content_type="audio/mpeg",
        sidecar_bytes=1,
        sidecar_sha256="5" * 64,
        metadata_sha256="5" * 64,
        has_summary=True,
    )
