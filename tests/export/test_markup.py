"""Text stays text on the pages, and numbers and days read as people write them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.export.markup import address, count, say_clock, say_period, text


@given(st.text())
def test_no_text_becomes_markup_or_leaves_its_attribute(said: str) -> None:
    assert not set("<>\"'") & set(text(said))


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\u200b", "\u00ad", "\x1b", "\ud800"])
def test_what_would_hide_or_turn_is_shown(hidden: str) -> None:
    assert text(f"a{hidden}b") == "a\ufffdb"


def test_what_belongs_to_a_script_stays() -> None:
    persian, family = (
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\U0001f468\u200d\U0001f467",
    )
    assert text(persian) == persian
    assert text(family) == family
    assert text("a line\nand another") == "a line and another"


def test_an_address_is_safe_in_any_script() -> None:
    assert address("audio/\u0415\u0432\u0430_1.mp3") == "audio/%D0%95%D0%B2%D0%B0_1.mp3"
    assert address('audio/"x#?.mp3') == "audio/%22x%23%3F.mp3"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, ""), (0, "0:00"), (18.9, "0:18"), (725, "12:05"), (3723, "1:02:03")],
)
def test_a_length_reads_as_in_a_player(seconds: float | None, said: str) -> None:
    assert say_clock(seconds) == said


def test_a_period_names_each_part_once() -> None:
    october, second, fourth = (
        datetime(2026, month, day, 9, tzinfo=UTC) for month, day in ((10, 31), (11, 2), (11, 4))
    )
    assert say_period(second, second, UTC) == "2 November 2026"
    assert say_period(second, fourth, UTC) == "2 \u2013 4 November 2026"
    assert say_period(october, second, UTC) == "31 October 2026 \u2013 2 November 2026"
    assert say_period(None, None, UTC) == "unknown"


def test_a_day_is_that_of_the_zone() -> None:
    late = datetime(2026, 11, 2, 23, 30, tzinfo=UTC)
    assert say_period(late, late, ZoneInfo("Europe/Berlin")) == "3 November 2026"


def test_one_is_not_many() -> None:
    assert [count(0, "call"), count(1, "call"), count(1234, "call")] == [
        "0 calls",
        "1 call",
        "1,234 calls",
    ]
