"""A package speaks each language in full: every message is there, and says the same."""

import json
import re
from datetime import UTC, datetime
from importlib.resources import files
from string import Formatter
from typing import Any
from zoneinfo import ZoneInfo

from archiver.export.voice import Voice
from archiver.reasons import Reason
from archiver.text.messages import LANGUAGES

HOME = files("archiver.export")
HOMES = (files("archiver.text"), HOME)
TEXTS: dict[str, dict[str, Any]] = {
    code: {
        key: text
        for home in HOMES
        for key, text in json.loads(home.joinpath(f"locale/{code}.json").read_text("utf-8")).items()
    }
    for code in LANGUAGES
}
REASONS = {f"reason.{one}" for one in Reason}
FORMS = {"en": {"one", "other"}, "ru": {"one", "few", "many"}}


def places(text: Any) -> set[str]:
    if isinstance(text, list):
        return {str(len(text))}
    forms = text.values() if isinstance(text, dict) else [text]
    return {name for form in forms for _, name, _, _ in Formatter().parse(form) if name}


def test_every_language_says_the_same() -> None:
    assert TEXTS["ru"].keys() - TEXTS["en"].keys() == REASONS
    assert TEXTS["en"].keys() <= TEXTS["ru"].keys()


def test_a_message_has_the_same_places_in_every_language() -> None:
    english, russian = TEXTS["en"], TEXTS["ru"]
    assert [key for key in english if places(english[key]) != places(russian[key])] == []


def test_a_counted_message_has_every_form_of_its_language() -> None:
    counted = [
        (code, key, text.keys())
        for code in LANGUAGES
        for key, text in TEXTS[code].items()
        if isinstance(text, dict)
    ]
    assert [one for one in counted if one[2] != FORMS[one[0]]] == []


def test_templates_name_no_message_that_is_not_there() -> None:
    named = re.compile(r"""\bsay\(\s*"([a-z0-9_.-]+)"[,)]""")
    folder = HOME.joinpath("templates")
    used = {key for file in folder.iterdir() for key in named.findall(file.read_text("utf-8"))}
    assert used
    assert used - TEXTS["en"].keys() == set()


def test_a_reason_is_said_in_the_language_of_the_package() -> None:
    assert Voice("en").why("none-listed") == Reason.NONE_LISTED.sentence
    assert Voice("ru").why("none-listed") == TEXTS["ru"]["reason.none-listed"]
    assert Voice("ru").why("a-word-of-tomorrow") == "a-word-of-tomorrow"


def test_a_period_names_each_part_once() -> None:
    october, second, fourth = (
        datetime(2026, month, day, 9, tzinfo=UTC) for month, day in ((10, 31), (11, 2), (11, 4))
    )
    say = Voice("en", UTC).period
    assert say(second, second) == "2 November 2026"
    assert say(second, fourth) == "2 \u2013 4 November 2026"
    assert say(october, second) == "31 October 2026 \u2013 2 November 2026"
    assert say(None, None) == "unknown"
    assert Voice("ru", UTC).period(second, fourth) == "2 \u2013 4 ноября 2026"


def test_a_day_is_that_of_the_zone() -> None:
    late = datetime(2026, 11, 2, 23, 30, tzinfo=UTC)
    assert Voice("en", ZoneInfo("Europe/Berlin")).period(late, late) == "3 November 2026"
