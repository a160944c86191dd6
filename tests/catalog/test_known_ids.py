"""What lies beyond the horizon is not asked for; what is known is always found."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.catalog import known_ids
from archiver.catalog.catalog import Catalog
from archiver.catalog.work import Outcome
from archiver.ledger.events import CallJudged, OpenRecording, OrderSeen
from archiver.ledger.segments import Head
from archiver.liner.models import Call

AT = datetime(2026, 10, 2, 1, 0, 7, tzinfo=UTC)
ARCHIVE = "1b6b587f-eb6d-44d9-912e-1453acbaeadd"
TOMBSTONE = "INSERT INTO tombstones (record_id, call_id, why, removed_at) VALUES (?, 1, 'prune', 0)"


def outcome(*record_ids: int) -> Outcome:
    """The end of a unit of work: these recordings are open now."""
    call_id = 1000 + record_ids[0]
    waiting = tuple(
        OpenRecording(record_id=one, state="waiting", reason="no-address", attempts=1, since=AT)
        for one in record_ids
    )
    judged = CallJudged(
        call_id=call_id, state="waiting", attempts=1, recordings=record_ids, open=waiting
    )
    return Outcome(Call(call_id), judged)


async def settle(catalog: Catalog, *record_ids: int) -> None:
    await catalog.settle([outcome(*record_ids)], at=AT, run="r")


def questions(catalog: Catalog, *record_ids: int) -> int:
    """How many statements it takes to look them up."""
    asked: list[str] = []
    catalog._writer.db.set_trace_callback(asked.append)
    catalog.known(record_ids)
    catalog._writer.db.set_trace_callback(None)
    return len(asked)


@pytest.mark.anyio
async def test_recordings_that_come_out_of_order_are_not_asked_for_in_vain(tmp_path: Path) -> None:
    catalog = await Catalog.open(tmp_path / "one.sqlite", ARCHIVE)
    await settle(catalog, 50)
    assert questions(catalog, 51, 52) == 0
    await catalog.record([OrderSeen(order_ids=(1,))], at=AT, run="r")
    await settle(catalog, 70)
    assert questions(catalog, 60, 61) == 0
    assert list(catalog.known([60, 70])) == [70]
    await catalog.aclose()


@pytest.mark.anyio
async def test_neither_a_page_of_calls_nor_a_segment_makes_anyone_ask_in_vain(
    tmp_path: Path,
) -> None:
    catalog = await Catalog.open(tmp_path / "one.sqlite", ARCHIVE)
    await settle(catalog, 70)
    await catalog.admission.admit([Call(1), Call(2)], now=AT, run="r", recheck=False)
    assert await catalog.admission.due(AT, most=1) == []
    last, _ = await catalog.outbox(10)
    await catalog.published(last, Head(1, "ab" * 32))
    assert questions(catalog, 60, 61) == 0
    assert list(catalog.known([60, 70])) == [70]
    await catalog.aclose()


@pytest.mark.anyio
async def test_what_another_process_writes_is_seen_with_the_next_outcome(tmp_path: Path) -> None:
    path = tmp_path / "one.sqlite"
    catalog = await Catalog.open(path, ARCHIVE)
    await settle(catalog, 50)
    with closing(sqlite3.connect(path)) as other, other:
        other.execute(TOMBSTONE, (60,))
    await settle(catalog, 51)
    assert catalog.known([60])[60].is_removed
    await catalog.aclose()


@given(
    steps=st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=3, unique=True), max_size=12),
    most=st.integers(1, 6),
)
def test_a_look_up_finds_just_what_the_catalog_holds(steps: list[list[int]], most: int) -> None:
    async def check(path: Path) -> None:
        catalog = await Catalog.open(path, ARCHIVE)
        known: set[int] = set()
        for record_ids in steps:
            await settle(catalog, *record_ids)
            known.update(record_ids)
            for one in range(1, 32):
                assert set(catalog.known([one])) == known & {one}
        await catalog.aclose()

    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        patch.setattr(known_ids, "_MOST", most)
        anyio.run(check, Path(folder, "one.sqlite"))
