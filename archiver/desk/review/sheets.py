"""Verdicts and notes as tables for spreadsheets, streamed."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from datetime import tzinfo
from typing import Final, TypeAlias

from archiver.clock import local_stamp
from archiver.desk.accounts.person import Person, Right
from archiver.desk.index.entries import Entry
from archiver.desk.review.notes import Note, Notes
from archiver.desk.review.scorecard import Mark
from archiver.desk.review.verdicts import Verdict, Verdicts
from archiver.text.csv import BOM, csv_line

Describe: TypeAlias = Callable[[Sequence[int]], Awaitable[list[Entry]]]
"""Returns the facts of recordings; unknown ones are left out."""

VERDICT_COLUMNS: Final = (
    "verdictId", "recordId", "callId", "leadId", "createdAt", "agent", "userId", "reviewer",
    "revision", "score", "autoFail", "reviewedAt", "scorecard", "scorecardVersion",
    "scorecardDigest", "played", "heardShare", "secondsSpent", "comment",
)  # fmt: skip
NOTE_COLUMNS: Final = (
    "noteId", "recordId", "callId", "leadId", "createdAt", "agent", "userId", "seconds",
    "text", "author", "writtenAt", "changedAt",
)  # fmt: skip

_AT_ONCE: Final = 500


async def verdict_rows(
    by: Person, verdicts: Verdicts, describe: Describe, *, language: str, zone: tzinfo
) -> AsyncIterator[str]:
    """Every submitted verdict, with a column for each question by its id.

    Columns for questions of former scorecards follow those of the present ones.
    """
    by.need(Right.LEAD)
    cards = await verdicts.cards()
    questions = list(dict.fromkeys(one.question_id for card in cards for one in card.questions))
    yield BOM + csv_line((*VERDICT_COLUMNS, *questions))
    last = 0
    while found := await verdicts.after(by, last, _AT_ONCE):
        known = await _known(describe, (one.record_id for one in found))
        yield "".join(
            csv_line(_verdict_cells(one, known.get(one.record_id), questions, language, zone))
            for one in found
        )
        last = found[-1].verdict_id


async def note_rows(
    by: Person, notes: Notes, describe: Describe, *, zone: tzinfo
) -> AsyncIterator[str]:
    """Every note, in the order of writing."""
    by.need(Right.TAKE_AWAY)
    yield BOM + csv_line(NOTE_COLUMNS)
    last = 0
    while found := await notes.after(last, _AT_ONCE):
        known = await _known(describe, (one.record_id for one in found))
        yield "".join(csv_line(_note_cells(one, known.get(one.record_id), zone)) for one in found)
        last = found[-1].note_id


async def _known(describe: Describe, record_ids: Iterable[int]) -> dict[int, Entry]:
    entries = await describe(list(dict.fromkeys(record_ids)))
    return {entry.record_id: entry for entry in entries}


def _verdict_cells(
    verdict: Verdict, entry: Entry | None, questions: Sequence[str], language: str, zone: tzinfo
) -> list[object]:
    asked = {one.question_id for one in verdict.card.questions}
    return [
        verdict.verdict_id,
        verdict.record_id,
        *_facts(entry, verdict.agent_id, zone),
        verdict.reviewer,
        verdict.revision,
        verdict.score,
        int(verdict.is_failed),
        local_stamp(verdict.changed_at, zone),
        verdict.card.title.said(language),
        verdict.card_version,
        verdict.card.digest[:12],
        int(verdict.attention.is_played),
        round(verdict.attention.heard, 3),
        verdict.attention.spent,
        verdict.comment,
        *(_answer(verdict.marks.get(one)) if one in asked else "" for one in questions),
    ]


def _note_cells(note: Note, entry: Entry | None, zone: tzinfo) -> list[object]:
    return [
        note.note_id,
        note.record_id,
        *_facts(entry, None, zone),
        note.seconds,
        note.text,
        note.author,
        local_stamp(note.created_at, zone),
        local_stamp(note.changed_at, zone),
    ]


def _facts(entry: Entry | None, agent_id: int | None, zone: tzinfo) -> list[object]:
    """Call, lead, time and agent; for a removed recording only what the desk itself has."""
    if entry is None:
        return ["", "", "", "", agent_id]
    agent = entry.user_id if agent_id is None else agent_id
    return [
        entry.call_id,
        entry.lead_id,
        local_stamp(entry.created_at, zone) if entry.created_at else "",
        entry.agent if agent == entry.user_id else "",
        agent,
    ]


def _answer(mark: Mark) -> object:
    if mark is None:
        return "n/a"
    return ("yes" if mark else "no") if isinstance(mark, bool) else mark
