"""A statement speaks each language in full, and never rounds a gap away."""

import json
import re
from datetime import UTC, datetime
from importlib.resources import files
from string import Formatter
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from archiver.catalog.coverage import AGES
from archiver.catalog.overview import Period
from archiver.statement.months import month_of, months_between
from archiver.statement.speech import Speech
from archiver.text.messages import LANGUAGES

HOME = files("archiver.statement")
TEXTS: dict[str, dict[str, Any]] = {
    code: json.loads(HOME.joinpath("locale", f"{code}.json").read_text("utf-8"))
    for code in LANGUAGES
}
FORMS = {"en": {"one", "other"}, "ru": {"one", "few", "many"}}


def places(text: Any) -> set[str]:
    forms = text.values() if isinstance(text, dict) else [text]
    return {name for form in forms for _, name, _, _ in Formatter().parse(form) if name}


def test_a_message_is_there_with_the_same_places_in_every_language() -> None:
    assert TEXTS["en"].keys() == TEXTS["ru"].keys()
    for key in TEXTS["en"]:
        assert places(TEXTS["en"][key]) == places(TEXTS["ru"][key]), key
        for code in LANGUAGES:
            text = TEXTS[code][key]
            assert not isinstance(text, dict) or text.keys() == FORMS[code]


def test_the_ages_that_the_catalog_parts_are_those_that_the_columns_say() -> None:
    says = [TEXTS["en"][f"age.{one}"] for one in ("day", "week", "month")]
    assert [int(re.findall(r"\d+", one)[-1]) for one in says] == [*AGES]


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (0, 0, "–"),
        (0, 5, "0\N{NO-BREAK SPACE}%"),
        (1, 10**6, "0.1\N{NO-BREAK SPACE}%"),
        (10**6 - 1, 10**6, "99.9\N{NO-BREAK SPACE}%"),
        (7, 7, "100\N{NO-BREAK SPACE}%"),
    ],
)
def test_a_share_is_100_percent_only_where_it_is_all(part: int, whole: int, said: str) -> None:
    assert Speech("en", UTC).share(part, whole) == said


def test_a_period_names_its_days_and_its_times_where_they_matter() -> None:
    english = Speech("en", UTC)
    october, first = month_of("2026-10", UTC), datetime(2026, 10, 1, tzinfo=UTC)
    assert english.period(october) == "1 – 31 October 2026"
    assert Speech("ru", UTC).period(october) == "1 – 31 октября 2026"
    assert english.period(Period(UTC, first, datetime(2026, 11, 3, tzinfo=UTC))) == (
        "1 October 2026 – 2 November 2026"
    )
    assert english.period(Period(UTC, first, datetime(2026, 10, 2, tzinfo=UTC))) == "1 October 2026"
    noon = datetime(2026, 10, 2, 12, tzinfo=UTC)
    assert english.period(Period(UTC, first, noon)) == (
        "from 1 October 2026 to 2 October 2026, 12:00"
    )
    assert english.period(Period(UTC)) == "The whole archive"


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "2026", "10-2026", "2026-1", "٢٠٢٦-١٠", ""])
def test_a_month_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a month"):
        month_of(text, UTC)


def test_the_months_of_an_archive_are_named_newest_first_in_its_zone() -> None:
    first, last = datetime(2025, 11, 30, 23, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    assert months_between(first, last, UTC) == ["2026-02", "2026-01", "2025-12", "2025-11"]
    assert months_between(first, last, ZoneInfo("Europe/Moscow"))[-1] == "2025-12"
    assert months_between(last, last, UTC) == ["2026-02"]
