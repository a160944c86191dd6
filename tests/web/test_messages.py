"""Every page speaks both languages in full."""

import json
import re
from importlib.resources import files
from string import Formatter
from typing import Any

import pytest

from archiver.text.messages import LANGUAGES
from archiver.web.messages import messages, spoken

FOLDER = files("archiver.web")
TEXTS: dict[str, dict[str, Any]] = {
    code: json.loads(FOLDER.joinpath("locale", f"{code}.json").read_text("utf-8"))
    for code in LANGUAGES
}
FORMS = {"en": {"one", "other"}, "ru": {"one", "few", "many"}}
TEMPLATES = {file.name: file.read_text("utf-8") for file in FOLDER.joinpath("templates").iterdir()}
SOURCES = {
    file.name: file.read_text("utf-8") for file in FOLDER.iterdir() if file.name.endswith(".py")
}
SCRIPTS = FOLDER.joinpath("static", "player.js").read_text("utf-8")


def used() -> set[str]:
    """The keys that templates and handlers name in full."""
    calls = re.compile(r"""\bsay(?:\.words)?\(\s*f?["']([a-z0-9_.-]+)["']\s*[,)]""")
    return {key for text in (*TEMPLATES.values(), *SOURCES.values()) for key in calls.findall(text)}


def built() -> set[str]:
    """The beginnings of keys that are put together, as in `say(f"chip.{member}")`."""
    joined = re.compile(r"""\bsay\(\s*["']([a-z0-9_.-]+\.)["']\s*~""")
    formatted = re.compile(r"""\bsay\(\s*f["']([a-z0-9_]*\.?)\{""")
    groups = re.compile(r"""\bnamed\(\s*["']([a-z_]+)["']""")
    found: set[str] = set()
    for text in (*TEMPLATES.values(), *SOURCES.values()):
        found |= set(joined.findall(text)) | set(formatted.findall(text))
        found |= {f"{group}." for group in groups.findall(text)}
    return found - {""}


def test_both_languages_say_the_same() -> None:
    assert TEXTS["en"].keys() == TEXTS["ru"].keys()


def places(text: Any) -> set[str]:
    if isinstance(text, list):
        return {str(len(text))}
    forms = text.values() if isinstance(text, dict) else [text]
    return {name for form in forms for _, name, _, _ in Formatter().parse(form) if name}


def test_a_message_has_the_same_places_in_every_language() -> None:
    english, russian = TEXTS["en"], TEXTS["ru"]
    assert [key for key in english if places(english[key]) != places(russian[key])] == []


def test_a_counted_message_has_every_form_of_its_language_and_none_is_empty() -> None:
    wrong = []
    for code in LANGUAGES:
        for key, text in TEXTS[code].items():
            forms = text if isinstance(text, dict) else dict.fromkeys(FORMS[code], text)
            if forms.keys() != FORMS[code] or not all(forms.values()):
                wrong.append((code, key))
    assert wrong == []


def test_pages_use_no_message_that_is_not_there() -> None:
    assert used() - TEXTS["en"].keys() == set()


def test_no_message_is_left_that_nothing_uses() -> None:
    beginnings = (
        *built(),
        "script.",
        "finding.",
        "save.",
        "keys.",
        "act.",
        "role.",
        "number.",
        "is_",
        "has_",
        "card.",
        "order.",
    )
    quoted = {
        key
        for text in (*TEMPLATES.values(), *SOURCES.values())
        for key in re.findall(r"""["']([a-z0-9_.-]+)["']""", text)
    }
    known = used() | quoted
    idle = {key for key in TEXTS["en"] if key not in known and not key.startswith(beginnings)}
    assert idle == set()


def test_the_script_is_handed_every_word_that_it_says() -> None:
    said = set(re.findall(r"""\bsay\((?:[\w.]+ \? )?"([a-z.]+)\"""", SCRIPTS))
    said |= set(re.findall(r""" : "([a-z]+\.(?:on|off))\"""", SCRIPTS))
    assert {f"script.{key}" for key in said} <= TEXTS["en"].keys()
    assert said


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1, "1 запись"), (2, "2 записи"), (5, "5 записей"), (11, "11 записей"), (21, "21 запись"),
        (104, "104 записи"), (112, "112 записей"), (1001, "1\u00a0001 запись"),
    ],
)  # fmt: skip
def test_russian_counts_as_russian_does(count: int, text: str) -> None:
    assert messages("ru")("list.count", count=count) == text


def test_what_the_catalogue_does_not_know_is_said_as_words() -> None:
    assert messages("en").named("status", "call-back") == "Call back"
    assert messages("ru").named("status", "{0.__class__}") == "{0.  class  }"


@pytest.mark.parametrize(
    ("chosen", "accepted", "configured", "language"),
    [
        ("ru", "en", "en", "ru"),
        (None, "ru-RU,ru;q=0.9,en;q=0.5", None, "ru"),
        (None, "de, en;q=0.3, ru;q=0.8", None, "ru"),
        ("xx", "de", None, "en"),
        (None, "ru", "en", "en"),
        (None, ";;;q=,,ru;q=x", None, "en"),
    ],
)
def test_the_reader_is_answered_in_the_right_language(
    chosen: str | None, accepted: str | None, configured: str | None, language: str
) -> None:
    assert spoken(chosen, accepted, configured) == language
