"""Entries applied in groups leave the tables as they are when applied one after the other."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from archiver.catalog.known_ids import Horizon
from archiver.catalog.projection.recordings import apply
from archiver.catalog.projection.replay import apply_all, replay
from archiver.catalog.schema import prepare
from archiver.errors import ArchiveDamaged
from archiver.ledger.events import (
    CallJudged,
    Erasing,
    Event,
    Inspected,
    OpenRecording,
    Removed,
    Removing,
    Stored,
)
from archiver.ledger.lines import Entry, encode
from archiver.ledger.segments import Head, link

AT = datetime(2026, 11, 1, tzinfo=UTC)
ARCHIVE_ID = "00000000-0000-4000-8000-000000000001"


def stored(number: int, revision: int = 1, lead: int | None = 5) -> Stored:
    return Stored(
        record_id=number,
        call_id=number // 2,
        key=f"{lead}/{number // 2}/{number}.mp3",
        bytes=100,
        sha256=f"{revision:064}",
        content_type="audio/mpeg",
        sidecar_bytes=10,
        sidecar_sha256=f"{revision:064}",
        metadata_sha256=f"{number:064}",
        has_summary=False,
        revision=revision,
        lead_id=lead,
        created_at=AT,
        previous_key=f"old/{number}" if revision == 2 else None,
        previous_sha256="0" * 64 if revision == 2 else None,
        version=f"v{number}" if number % 3 == 0 else None,
        findings=("silent",) if number % 7 == 0 else (),
    )


def judged(number: int, lead: int | None = 5, opened: int | None = None) -> CallJudged:
    found = (
        ()
        if opened is None
        else (
            OpenRecording(
                record_id=opened, state="waiting", reason="no-file", attempts=1, since=AT
            ),
        )
    )
    return CallJudged(
        call_id=number,
        state="waiting" if found else "archived",
        attempts=0,
        lead_id=lead,
        created_at=AT,
        has_records=(None, True, False)[number % 3],
        due_at=AT + timedelta(days=number) if number % 5 == 0 else None,
        reason="no-file" if number % 10 == 0 else None,
        recordings=(2 * number, 2 * number + 1),
        open=found,
    )


def a_life(choice: random.Random) -> Iterator[Event]:
    """Events of few recordings, so that they meet one another, with stretches that only add."""
    for _ in range(12):
        low = choice.choice((1, 20, 60, 200))
        for number in range(low, low + choice.randrange(2, 50)):
            lead = choice.choice((5, 6, None))
            yield stored(number, choice.choice((1, 1, 2)), lead)
            if number % 2:
                yield judged(number // 2, lead)
        number = choice.randrange(1, 90)
        others: tuple[tuple[Event, ...], ...] = (
            (judged(number, 5, 2 * number),),
            (Inspected(record_id=number, sha256=f"{1:064}", rules=1, findings=("silent",)),),
            (
                Removing(record_ids=(number,), why="retention"),
                Removed(record_id=number, call_id=number // 2, why="retention"),
            ),
            (Erasing(lead_id=6, before=AT + timedelta(days=1), call_ids=(number,)),),
        )
        yield from choice.choice(others)


def tables(db: sqlite3.Connection) -> list[str]:
    return [line for line in db.iterdump() if line.startswith("INSERT")]


def catalog() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:")
    prepare(db)
    return db


@pytest.mark.parametrize("seed", range(12))
def test_groups_leave_what_one_after_the_other_leaves(seed: int) -> None:
    events = [*a_life(random.Random(seed))]
    entries = [Entry(AT + timedelta(seconds=at), "run", one) for at, one in enumerate(events)]
    with closing(catalog()) as grouped, closing(catalog()) as single, closing(catalog()) as read:
        apply_all(grouped, entries)
        for entry in entries:
            apply(single, entry)
        lines = [encode(one.at, one.run, one.event) for one in entries if one.event is not None]
        replay(read, link(Head(), ARCHIVE_ID, lines))
        assert tables(grouped) == tables(single)
        assert tables(read) == tables(single)
        assert any('INTO "recordings"' in line for line in tables(single))


def test_what_was_applied_just_before_counts_although_it_is_not_noted_yet() -> None:
    events: tuple[Event, ...] = (
        *(stored(number, lead=6) for number in range(1, 9)),
        Erasing(lead_id=6, before=AT + timedelta(days=1)),
        *(stored(number, lead=6) for number in range(11, 19)),
        *(stored(number, revision=2) for number in range(1, 9)),
    )
    with closing(catalog()) as grouped, closing(catalog()) as single:
        entries = [Entry(AT, "run", one) for one in events]
        apply_all(grouped, entries, Horizon(grouped))
        for entry in entries:
            apply(single, entry)
        assert tables(grouped) == tables(single)


def test_a_line_that_no_table_takes_is_named_within_a_group() -> None:
    lines = [encode(AT, "run", stored(number)) for number in range(1, 40)]
    lines[20] = lines[20].replace(b'"bytes":100', b'"bytes":%d' % 2**70)
    with closing(catalog()) as db, pytest.raises(ArchiveDamaged, match="line 22 is not a ledger"):
        replay(db, link(Head(), ARCHIVE_ID, lines))


@pytest.mark.parametrize("wrong", [b'"bytes":"100"', b'"bytes":null', b'"bytes":1.5', b'"bits":1'])
def test_a_member_of_another_type_makes_a_line_no_event(wrong: bytes) -> None:
    lines = [encode(AT, "run", stored(number)) for number in range(1, 4)]
    lines[1] = lines[1].replace(b'"bytes":100', wrong)
    with closing(catalog()) as db, pytest.raises(ArchiveDamaged, match="line 3 is not a ledger"):
        replay(db, link(Head(), ARCHIVE_ID, lines))
