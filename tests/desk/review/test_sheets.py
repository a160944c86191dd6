"""Verdicts and notes as tables: every one of them, and nothing that a spreadsheet would run."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import UTC
from pathlib import Path

import pytest

from archiver.desk.index.entries import Entry
from archiver.desk.index.view import State
from archiver.desk.review.card_file import CardFile, parse_scorecard
from archiver.desk.review.cards import keep_cards
from archiver.desk.review.notes import Notes
from archiver.desk.review.sheets import NOTE_COLUMNS, VERDICT_COLUMNS, note_rows, verdict_rows
from archiver.desk.review.verdicts import Verdicts
from archiver.errors import NotAllowed
from tests.desk.parts import ADA, LENA, RITA, ROSS, desk_file
from tests.support.world import FIRST_NIGHT, ManualClock

pytestmark = pytest.mark.anyio

OLD = parse_scorecard(
    "title: {en: Sales, ru: Продажи}\n"
    "questions: [{id: hello, text: Hello, kind: yes_no}, {id: name, text: Name, kind: yes_no}]",
    "card.yaml",
)
NEW = parse_scorecard(
    "title: {en: Sales, ru: Продажи}\n"
    "questions: [{id: tone, text: Tone, kind: scale}, {id: hello, text: Hello, kind: yes_no}]",
    "card.yaml",
)


async def describe(record_ids: Sequence[int]) -> list[Entry]:
    return [
        Entry(
            record_id=one,
            call_id=one + 1000,
            state=State.ARCHIVED,
            lead_id=789,
            user_id=101,
            agent="Anna Price",
            created_at=FIRST_NIGHT,
        )
        for one in record_ids
        if one != 2
    ]


async def table(pieces: AsyncIterator[str]) -> list[dict[str, str]]:
    text = "".join([piece async for piece in pieces])
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


async def test_verdicts_have_a_column_for_each_question_of_every_scorecard(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        clock = ManualClock()
        files = [CardFile("next", NEW), CardFile("former", OLD)]
        await file.write(lambda db: keep_cards(db, files))
        new = Verdicts(file, clock)
        await new.save(RITA, 1, OLD, {"hello": True, "name": None}, comment="=1+1", submit=True)
        await new.save(ROSS, 1, NEW, {"hello": False, "tone": 4}, submit=True, agent_id=102)
        await new.save(ROSS, 2, NEW, {"hello": False, "tone": 1}, submit=True, agent_id=102)
        await new.save(ROSS, 3, NEW, {"hello": False})
        rows = await table(verdict_rows(ADA, new, describe, language="ru", zone=UTC))
    assert tuple(rows[0]) == (*VERDICT_COLUMNS, "tone", "hello", "name")
    assert [(row["reviewer"], row["tone"], row["hello"], row["name"]) for row in rows] == [
        ("rita", "", "yes", "n/a"),
        ("ross", "4", "no", ""),
        ("ross", "1", "no", ""),
    ]
    assert [row["score"] for row in rows] == ["100.0", "37.5", "0.0"]
    assert rows[0]["comment"] == "'=1+1"
    assert rows[0]["scorecard"] == "Продажи"
    assert [(row["callId"], row["userId"], row["agent"]) for row in rows] == [
        ("1001", "101", "Anna Price"),
        ("1001", "102", ""),
        ("", "102", ""),
    ]


async def test_a_table_of_many_pages_misses_nothing(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        notes = Notes(file, ManualClock())

        await notes.add(RITA, 1, 0, "first")
        await file.write(
            lambda db: db.executemany(
                "INSERT INTO notes (record_id, seconds, text, author, created_at, changed_at)"
                " VALUES (?, 1.5, 'x', 'rita', 0, 0)",
                ((number,) for number in range(3, 1300)),
            )
        )
        rows = await table(note_rows(RITA, notes, describe, zone=UTC))
    assert [int(row["recordId"]) for row in rows] == [1, *range(3, 1300)]
    assert tuple(rows[0]) == NOTE_COLUMNS
    assert rows[0]["writtenAt"] == "2026-11-03T01:00:00+00:00"


async def test_who_may_not_gets_no_line(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        clock = ManualClock()
        with pytest.raises(NotAllowed):
            await table(
                verdict_rows(RITA, Verdicts(file, clock), describe, language="en", zone=UTC)
            )
        with pytest.raises(NotAllowed):
            await table(note_rows(LENA, Notes(file, clock), describe, zone=UTC))
