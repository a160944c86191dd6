"""The questions of a review, and the score of their answers (pure).

A scorecard is identified by the digest of its content. Changing a word makes a different one, and
every verdict keeps its own.

The score is the weighted mean of the answers in percent: yes is 100, no is 0, and 1 to 5 stand for
0, 25, 50, 75 and 100. Answers "not applicable" do not count. With section weights, it is the
weighted mean of the scores of the sections, however many questions each has. With an auto-fail
question, a no or a 1 makes the score of its section, or of the whole card, 0.
"""

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias

from archiver.errors import WrongAnswer

Mark: TypeAlias = bool | int | None
"""One answer: yes or no, 1 to 5, or None for "not applicable"."""

_BEST: Final = 5


class Kind(StrEnum):
    """How a question is answered."""

    YES_NO = "yes_no"
    SCALE = "scale"


class AutoFail(StrEnum):
    """What an auto-fail sets to 0."""

    SECTION = "section"
    CARD = "card"


@dataclass(frozen=True, slots=True)
class Text:
    """A text in one or several languages; language `""` is for all of them."""

    by_language: tuple[tuple[str, str], ...]

    def said(self, language: str) -> str:
        """The text in this language, or else in the first one given."""
        return dict(self.by_language).get(language, self.by_language[0][1])


@dataclass(frozen=True, slots=True)
class Cause:
    """A root cause of a poor answer: a choice offered by a question."""

    cause_id: str
    text: Text


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `weight` is above 0; `advice` says how to answer it."""

    question_id: str
    text: Text
    kind: Kind
    weight: float = 1.0
    section: Text | None = None
    advice: Text | None = None
    auto_fail: AutoFail | None = None
    causes: tuple[Cause, ...] = ()

    def fails(self, mark: Mark) -> bool:
        """Whether the mark fails an auto-fail question."""
        return self.auto_fail is not None and mark is not None and self.worth(mark) == 0

    def takes(self, mark: object) -> bool:
        """Whether the mark is a valid answer to it."""
        if mark is None:
            return True
        if self.kind is Kind.YES_NO:
            return isinstance(mark, bool)
        return isinstance(mark, int) and not isinstance(mark, bool) and 1 <= mark <= _BEST

    def worth(self, mark: bool | int) -> float:
        """The value of the mark, from 0 to 1."""
        return float(mark) if self.kind is Kind.YES_NO else (mark - 1) / (_BEST - 1)


@dataclass(frozen=True, slots=True)
class Scorecard:
    """The questions in order. `weights` are those of all sections, or of none; above 0."""

    title: Text
    questions: tuple[Question, ...]
    weights: tuple[tuple[Text, float], ...] = ()

    @property
    def digest(self) -> str:
        """The SHA-256 of its content."""
        return hashlib.sha256(dump_scorecard(self).encode("utf-8")).hexdigest()

    @property
    def sections(self) -> list[tuple[Text | None, list[Question]]]:
        """The questions by section: neighbours with the same section belong together."""
        grouped = itertools.groupby(self.questions, key=lambda one: one.section)
        return [(section, list(questions)) for section, questions in grouped]

    def check(self, marks: Mapping[str, object]) -> dict[str, Mark]:
        """The marks in the order of the questions; WrongAnswer for a mark that is not valid here.

        Questions may be unanswered.
        """
        known = {question.question_id: question for question in self.questions}
        for name, mark in marks.items():
            if name not in known or not known[name].takes(mark):
                raise WrongAnswer(
                    name[:40], "not a valid answer to this question of the scorecard", hint="reload"
                )
        return {name: _mark(marks[name]) for name in known if name in marks}

    def unanswered(self, marks: Mapping[str, Mark]) -> list[str]:
        """The ids of the questions without a mark."""
        return [one.question_id for one in self.questions if one.question_id not in marks]

    def score(self, marks: Mapping[str, Mark]) -> float | None:
        """0 to 100, over the answered questions; None if none applies."""
        total, gained, by_section = 0.0, 0.0, dict(self.weights)
        for section, questions in self.sections:
            weight, points = _points(questions, marks)
            if section in by_section and weight:
                weight, points = by_section[section], by_section[section] * points / weight
            total += weight
            gained += points
        if AutoFail.CARD in self.failures(marks).values():
            gained = 0.0
        return round(100 * gained / total, 1) if total else None

    def section_scores(self, marks: Mapping[str, Mark]) -> list[tuple[Text | None, float | None]]:
        """0 to 100 for each section, in order; None if nothing in it applies."""
        found: list[tuple[Text | None, float | None]] = []
        for section, questions in self.sections:
            weight, points = _points(questions, marks)
            found.append((section, round(100 * points / weight, 1) if weight else None))
        return found

    def failures(self, marks: Mapping[str, Mark]) -> dict[str, AutoFail]:
        """The auto-fail questions that failed, with what they set to 0."""
        return {
            one.question_id: one.auto_fail
            for one in self.questions
            if one.auto_fail is not None and one.fails(marks.get(one.question_id))
        }


def dump_scorecard(card: Scorecard) -> str:
    """The scorecard as JSON, the same for equal scorecards.

    Optional members that are not set are left out, so that scorecards of earlier versions of this
    program keep their digest.
    """
    kept: dict[str, Any] = {
        "title": card.title.by_language,
        "questions": [_dumped(one) for one in card.questions],
    }
    if card.weights:
        kept["sections"] = [[name.by_language, weight] for name, weight in card.weights]
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))


def load_scorecard(text: str) -> Scorecard:
    """The scorecard written by `dump_scorecard`."""
    kept = json.loads(text)
    return Scorecard(
        _text(kept["title"]),
        tuple(_loaded(one) for one in kept["questions"]),
        tuple((_text(name), weight) for name, weight in kept.get("sections", ())),
    )


def _points(questions: Sequence[Question], marks: Mapping[str, Mark]) -> tuple[float, float]:
    """The weight of the applicable questions, and the part of it that was gained."""
    total, gained, is_failed = 0.0, 0.0, False
    for question in questions:
        mark = marks.get(question.question_id)
        if mark is not None:
            total += question.weight
            gained += question.weight * question.worth(mark)
            is_failed |= question.fails(mark)
    return total, 0.0 if is_failed else gained


def _dumped(one: Question) -> dict[str, Any]:
    kept: dict[str, Any] = {
        "id": one.question_id,
        "text": one.text.by_language,
        "kind": one.kind,
        "weight": one.weight,
        "section": None if one.section is None else one.section.by_language,
    }
    if one.advice is not None:
        kept["help"] = one.advice.by_language
    if one.auto_fail is not None:
        kept["auto_fail"] = one.auto_fail
    if one.causes:
        kept["causes"] = [[each.cause_id, each.text.by_language] for each in one.causes]
    return kept


def _loaded(one: Mapping[str, Any]) -> Question:
    return Question(
        one["id"],
        _text(one["text"]),
        Kind(one["kind"]),
        one["weight"],
        None if one["section"] is None else _text(one["section"]),
        _text(one["help"]) if "help" in one else None,
        AutoFail(one["auto_fail"]) if "auto_fail" in one else None,
        tuple(Cause(cause_id, _text(text)) for cause_id, text in one.get("causes", ())),
    )


def _mark(mark: object) -> Mark:
    return mark if isinstance(mark, bool | int) else None


def _text(pairs: Sequence[Sequence[Any]]) -> Text:
    return Text(tuple((str(language), str(text)) for language, text in pairs))
