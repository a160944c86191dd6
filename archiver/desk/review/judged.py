"""Finds recordings by verdicts, answers, and words in notes and comments.

Without the right to read others' verdicts, only a person's own verdicts are searched, so that
reviewers do not influence each other.
"""

import sqlite3
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from archiver.desk.accounts.person import Person, Right
from archiver.desk.file import DeskFile
from archiver.desk.review.blindness import REVEALED
from archiver.desk.review.remarks import load_remarks

_ANSWERS: Final = {"yes": "true", "no": "false", "na": "null"}
_VISIBLE: Final = f"state = 'submitted' AND (reviewer = ? OR ? AND {REVEALED})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A filter for verdicts. Empty members do not filter; all others must match one verdict. Scores
    are 0 to 100, inclusive. `answers` are `question:answer`, where the answer is `yes`, `no`, `na`,
    1 to 5, or `any` (except `na`); before `any` there can be several questions, separated by
    commas. `words` are searched in notes, comments and remarks."""

    reviewers: tuple[str, ...] = ()
    cards: tuple[str, ...] = ()
    min_score: float | None = None
    max_score: float | None = None
    is_failed: bool | None = None
    is_played: bool | None = None
    answers: tuple[str, ...] = ()
    words: str = ""

    @property
    def is_of_verdicts(self) -> bool:
        """Whether it filters by verdict at all."""
        return self != Judged(words=self.words)


async def judged_recordings(file: DeskFile, by: Person, asked: Judged) -> "array[int] | None":
    """The ids of matching recordings, in order; None if nothing is filtered."""
    if asked == Judged():
        return None

    def ask(db: sqlite3.Connection) -> "array[int]":
        found: set[int] | None = None
        if asked.is_of_verdicts:
            found = _with_verdict(db, by, asked)
        if asked.words:
            said = _with_words(db, by, asked.words)
            found = said if found is None else found & said
        return array("q", sorted(found or ()))

    return await file.read(ask)


def _with_verdict(db: sqlite3.Connection, by: Person, asked: Judged) -> set[int]:
    conditions, values = [_VISIBLE], [by.name, by.may(Right.LEAD)]
    for condition, value in _conditions(asked):
        conditions.append(condition)
        values.extend(value)
    rows = db.execute(
        "SELECT DISTINCT record_id FROM verdicts JOIN scorecards s ON s.digest = scorecard"  # noqa: S608
        f" WHERE {' AND '.join(conditions)}",
        values,
    )
    return {record_id for (record_id,) in rows}


def _conditions(asked: Judged) -> Iterator[tuple[str, list[Any]]]:
    """SQL conditions without user input, with their parameters."""
    if asked.reviewers:
        yield f"reviewer IN ({_places(asked.reviewers)})", list(asked.reviewers)
    if asked.cards:
        yield f"s.name IN ({_places(asked.cards)})", list(asked.cards)
    if asked.min_score is not None:
        yield "score >= ?", [asked.min_score]
    if asked.max_score is not None:
        yield "score <= ?", [asked.max_score]
    if asked.is_failed is not None:
        yield "is_failed = ?", [asked.is_failed]
    if asked.is_played is not None:
        yield "is_played = ?", [asked.is_played]
    for one in asked.answers:
        question, _, answer = one.partition(":")
        path = f"$.{question}"
        if answer == "any":
            names = question.split(",")
            kind = "coalesce(json_type(marks, ?), 'null') <> 'null'"
            yield f"({' OR '.join([kind] * len(names))})", [f"$.{name}" for name in names]
        elif answer in _ANSWERS:
            yield "json_type(marks, ?) = ?", [path, _ANSWERS[answer]]
        else:
            yield (
                "json_type(marks, ?) = 'integer' AND json_extract(marks, ?) = CAST(? AS INTEGER)",
                [path, path, answer],
            )


def _places(values: tuple[str, ...]) -> str:
    return ", ".join("?" * len(values))


def _with_words(db: sqlite3.Connection, by: Person, words: str) -> set[int]:
    """Recordings where every word is in one note, or in the texts of one verdict."""
    wanted = words.casefold().split()
    rows = db.execute(
        "SELECT record_id, text, '{}' FROM notes"  # noqa: S608 - constants
        " UNION ALL SELECT record_id, comment, remarks FROM verdicts"
        f" WHERE {_VISIBLE} AND (comment <> '' OR remarks <> '{{}}')",
        (by.name, by.may(Right.LEAD)),
    )
    found = set()
    for record_id, text, remarks in rows:
        told = " ".join([text, *(one.comment for one in load_remarks(remarks).values())]).casefold()
        if all(word in told for word in wanted):
            found.add(record_id)
    return found
