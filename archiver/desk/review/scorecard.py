"""The questions of a review, and the value of the answers (pure, except for reading the file).

A scorecard is identified by the digest of its content. Changing a word makes a different one, and
every verdict keeps its own.

The score is the weighted mean of the answers in percent: yes is 100, no is 0, and 1 to 5 are 0, 25,
50, 75 and 100. Questions that are not applicable are ignored.
"""

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, TypeAlias

from archiver.config.document import Section, Source, parse_document
from archiver.config.files import read_text
from archiver.config.scalars import one_of, rate, word
from archiver.errors import WrongInput

Mark: TypeAlias = bool | int | None
"""One answer: yes or no, 1 to 5, or None for "not applicable"."""

_LANGUAGES: Final = ("en", "ru")
_BEST: Final = 5
_MOST_QUESTIONS: Final = 100
_ID: Final = word(r"[a-z][a-z0-9_]{0,39}", "lower-case letters, digits and _, such as greeting")
_KNOWN: Final = {
    "": ("title", "questions"),
    "title": _LANGUAGES,
    "questions": ("id", "section", "text", "kind", "weight"),
    "questions.section": _LANGUAGES,
    "questions.text": _LANGUAGES,
}


class Kind(StrEnum):
    """How a question is answered."""

    YES_NO = "yes_no"
    SCALE = "scale"


@dataclass(frozen=True, slots=True)
class Text:
    """A text in one language or several; language `""` is one for all of them."""

    by_language: tuple[tuple[str, str], ...]

    def said(self, language: str) -> str:
        """The text in that language, or else in the first one that it was given in."""
        return dict(self.by_language).get(language, self.by_language[0][1])


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `weight` is above 0."""

    question_id: str
    text: Text
    kind: Kind
    weight: float = 1.0
    section: Text | None = None

    def takes(self, mark: object) -> bool:
        """Whether the mark is an answer to it."""
        if mark is None:
            return True
        if self.kind is Kind.YES_NO:
            return isinstance(mark, bool)
        return isinstance(mark, int) and not isinstance(mark, bool) and 1 <= mark <= _BEST

    def worth(self, mark: bool | int) -> float:
        """What the mark is worth, from 0 to 1."""
        return float(mark) if self.kind is Kind.YES_NO else (mark - 1) / (_BEST - 1)


@dataclass(frozen=True, slots=True)
class Scorecard:
    """The questions in their order."""

    title: Text
    questions: tuple[Question, ...]

    @property
    def digest(self) -> str:
        """The SHA-256 of its content."""
        return hashlib.sha256(dump_scorecard(self).encode("utf-8")).hexdigest()

    @property
    def sections(self) -> list[tuple[Text | None, list[Question]]]:
        """The questions by section: neighbours that name the same one belong together."""
        grouped = itertools.groupby(self.questions, key=lambda one: one.section)
        return [(section, list(questions)) for section, questions in grouped]

    def check(self, marks: Mapping[str, object]) -> dict[str, Mark]:
        """The marks in the order of the questions; WrongInput for what is no answer of this card.

        Questions may be unanswered.
        """
        known = {question.question_id: question for question in self.questions}
        for name, mark in marks.items():
            if name not in known or not known[name].takes(mark):
                raise WrongInput(
                    name[:40], "not a valid answer to this question of the scorecard", hint="reload"
                )
        return {name: _mark(marks[name]) for name in known if name in marks}

    def unanswered(self, marks: Mapping[str, Mark]) -> list[str]:
        """The ids of the questions without a mark."""
        return [one.question_id for one in self.questions if one.question_id not in marks]

    def score(self, marks: Mapping[str, Mark]) -> float | None:
        """0 to 100, of the questions that are answered; None where none of them applies."""
        total, gained = 0.0, 0.0
        for question in self.questions:
            mark = marks.get(question.question_id)
            if mark is not None:
                total += question.weight
                gained += question.weight * question.worth(mark)
        return round(100 * gained / total, 1) if total else None


def read_scorecard(path: Path | None) -> Scorecard:
    """The scorecard in a file, or (None) the one in the package; ConfigError names the line."""
    if path is None:
        text = files("archiver.desk.review").joinpath("scorecard.yaml").read_text("utf-8")
        return parse_scorecard(text, "scorecard.yaml")
    return parse_scorecard(read_text(path, f"desk.scorecard: {path}"), path.name)


def parse_scorecard(text: str, name: str) -> Scorecard:
    """The scorecard that a text in YAML describes; ConfigError names the line."""
    top = parse_document(Source(name, {}), text, _KNOWN)
    questions = tuple(_question(section) for section in top.sections("questions"))
    ids = [question.question_id for question in questions]
    twice = next((one for one in ids if ids.count(one) > 1), None)
    if twice is not None:
        raise top.error(
            "questions", f"contain the id {twice} twice", "give each question its own id"
        )
    if not 1 <= len(questions) <= _MOST_QUESTIONS:
        raise top.error("questions", f"must be 1 to {_MOST_QUESTIONS} questions")
    return Scorecard(_text(top, "title") or Text((("", name),)), questions)


def dump_scorecard(card: Scorecard) -> str:
    """The scorecard as JSON, always the same for the same one."""
    return json.dumps(
        {
            "title": card.title.by_language,
            "questions": [
                {
                    "id": one.question_id,
                    "text": one.text.by_language,
                    "kind": one.kind,
                    "weight": one.weight,
                    "section": None if one.section is None else one.section.by_language,
                }
                for one in card.questions
            ],
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def load_scorecard(text: str) -> Scorecard:
    """What `dump_scorecard` wrote."""
    kept = json.loads(text)
    return Scorecard(
        _kept_text(kept["title"]),
        tuple(
            Question(
                one["id"],
                _kept_text(one["text"]),
                Kind(one["kind"]),
                one["weight"],
                None if one["section"] is None else _kept_text(one["section"]),
            )
            for one in kept["questions"]
        ),
    )


def _question(section: Section) -> Question:
    for key in ("id", "kind", "text"):
        if not section.has(key):
            raise section.error(key, "is missing")
    text = _text(section, "text")
    if text is None:
        raise section.error("text", "is missing")
    return Question(
        question_id=section.value("id", _ID, ""),
        text=text,
        kind=Kind(section.value("kind", one_of(tuple(Kind)), "")),
        weight=section.value("weight", rate, 1.0),
        section=_text(section, "section"),
    )


def _text(section: Section, key: str) -> Text | None:
    """A plain text, or one for each language in the order in which the file gives them."""
    if not section.is_mapping(key):
        plain = section.value(key, _words, "")
        return Text((("", plain),)) if plain else None
    inner = section.section(key)
    given = [(one, inner.value(one, _words, "")) for one in _LANGUAGES if inner.has(one)]
    if not given:
        raise section.error(key, "has no text")
    return Text(tuple(given))


def _words(text: str) -> str:
    words = " ".join(text.split())
    if not 1 <= len(words) <= 300:
        raise ValueError("must be a text of 1 to 300 characters")
    return words


def _mark(mark: object) -> Mark:
    return mark if isinstance(mark, bool | int) else None


def _kept_text(pairs: Sequence[Sequence[Any]]) -> Text:
    return Text(tuple((str(language), str(text)) for language, text in pairs))
