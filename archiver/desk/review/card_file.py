"""Scorecards in YAML: a single file, or all files in a folder. Errors name file and line.

A file contains the questions and, under `for`, the recordings that it applies to. The first file in
alphabetical order that applies is proposed; one without `for` applies to every recording.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from archiver.config.document import Section, Source, parse_document
from archiver.config.files import read_text
from archiver.config.scalars import one_of, rate, whole, word
from archiver.desk.review.scorecard import AutoFail, Cause, Kind, Question, Scorecard, Text
from archiver.errors import ConfigError

USUAL: Final = "scorecard"
"""The name of the scorecard included in the package."""
_LANGUAGES: Final = ("en", "ru")
_MOST_QUESTIONS: Final = 100
_MOST_CAUSES: Final = 20
_MOST_FILES: Final = 50
_ID: Final = word(r"[a-z][a-z0-9_]{0,39}", "lower-case letters, digits and _, such as greeting")
_KNOWN: Final = {
    "": ("title", "for", "sections", "questions"),
    "sections": ("section", "weight"),
    "sections.section": _LANGUAGES,
    "title": _LANGUAGES,
    "for": ("orders", "directions", "tags"),
    "questions": ("id", "section", "text", "kind", "weight", "help", "auto_fail", "causes"),
    "questions.section": _LANGUAGES,
    "questions.text": _LANGUAGES,
    "questions.help": _LANGUAGES,
    "questions.causes": ("id", "text"),
    "questions.causes.text": _LANGUAGES,
}


@dataclass(frozen=True, slots=True)
class Scope:
    """The recordings that a scorecard applies to. An empty member does not restrict them."""

    orders: tuple[int, ...] = ()
    directions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    def fits(self, order_id: int | None, direction: str | None, tags: Sequence[str]) -> bool:
        """Whether it applies to a recording."""
        return (
            (not self.orders or order_id in self.orders)
            and (not self.directions or direction in self.directions)
            and (not self.tags or any(tag in self.tags for tag in tags))
        )


EVERYTHING: Final = Scope()


@dataclass(frozen=True, slots=True)
class CardFile:
    """One file: `name` is the file name without its extension."""

    name: str
    card: Scorecard
    scope: Scope = EVERYTHING


def read_card_files(path: Path | None) -> list[CardFile]:
    """The scorecard in a file, those in a folder, or (None) the one included in the package.

    ConfigError names file and line; it is also raised for a folder without scorecards.
    """
    if path is None:
        text = files("archiver.desk.review").joinpath("scorecard.yaml").read_text("utf-8")
        return [parse_card_file(text, f"{USUAL}.yaml")]
    found = card_paths(path)
    if not found:
        hint = "put files that end with .yaml into it, or set desk.scorecard to a file"
        raise ConfigError(f"desk.scorecard: {path} contains no scorecards", hint=hint)
    if len(found) > _MOST_FILES:
        raise ConfigError(f"desk.scorecard: {path} contains more than {_MOST_FILES} scorecards")
    return [parse_card_file(read_text(one, f"desk.scorecard: {one}"), one.name) for one in found]


def card_paths(path: Path) -> list[Path]:
    """The files of scorecards, sorted by name."""
    return sorted(path.glob("*.yaml")) if path.is_dir() else [path]


def parse_card_file(text: str, name: str) -> CardFile:
    """Parse a scorecard; ConfigError names the line."""
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
    weights = tuple(_weight(section) for section in top.sections("sections"))
    card = Scorecard(_text(top, "title") or Text((("", name),)), questions, weights)
    _check_weights(top, card)
    return CardFile(Path(name).stem[:100], card, _scope(top.section("for")))


def parse_scorecard(text: str, name: str) -> Scorecard:
    """Only the questions of a file, without the recordings that it applies to."""
    return parse_card_file(text, name).card


def _scope(section: Section) -> Scope:
    return Scope(
        section.values("orders", whole(1, 999_999_999), ()),
        section.values("directions", _words, ()),
        tuple(tag.casefold() for tag in section.values("tags", _words, ())),
    )


def _question(section: Section) -> Question:
    for key in ("id", "kind", "text"):
        if not section.has(key):
            raise section.error(key, "is missing")
    text = _text(section, "text")
    if text is None:
        raise section.error("text", "is missing")
    fail = section.value("auto_fail", one_of(tuple(AutoFail)), "")
    return Question(
        question_id=section.value("id", _ID, ""),
        text=text,
        kind=Kind(section.value("kind", one_of(tuple(Kind)), "")),
        weight=section.value("weight", rate, 1.0),
        section=_text(section, "section"),
        advice=_text(section, "help"),
        auto_fail=AutoFail(fail) if fail else None,
        causes=_causes(section),
    )


def _weight(section: Section) -> tuple[Text, float]:
    name = _text(section, "section")
    if name is None or not section.has("weight"):
        raise section.error("section" if name is None else "weight", "is missing")
    return name, section.value("weight", rate, 1.0)


def _check_weights(top: Section, card: Scorecard) -> None:
    """Sections are weighed all of them, each once, or none."""
    if not card.weights:
        return
    asked = [section for section, _ in card.sections]
    for name in asked:
        told = name.said("en") if name else "questions without a section"
        if asked.count(name) > 1:
            raise top.error("questions", f"have the section {told} in two places")
        if [one for one, _ in card.weights].count(name or Text(())) != 1:
            hint = "list every section once, in the same words as the questions, or none"
            raise top.error("sections", f"must have the weight of: {told}", hint)
    if len(card.weights) > len(asked):
        raise top.error("sections", "have the weight of a section without questions")


def _causes(section: Section) -> tuple[Cause, ...]:
    found = []
    for one in section.sections("causes"):
        text = _text(one, "text")
        if not one.has("id") or text is None:
            raise one.error("id" if not one.has("id") else "text", "is missing")
        found.append(Cause(one.value("id", _ID, ""), text))
    if len({one.cause_id for one in found}) < len(found):
        raise section.error("causes", "contain the same id twice", "give each cause its own id")
    if len(found) > _MOST_CAUSES:
        raise section.error("causes", f"must be at most {_MOST_CAUSES}")
    return tuple(found)


def _text(section: Section, key: str) -> Text | None:
    """A plain text, or one per language in the order of the file."""
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
