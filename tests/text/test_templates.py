"""Text that is put into a template stays text, and hides nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from archiver.text.templates import templates_of, visible


def put(said: object) -> str:
    environment = templates_of("archiver.export")
    return environment.from_string('<p title="{{ said }}">').render(said=said)


@given(st.text())
def test_no_text_becomes_markup_or_leaves_its_attribute(said: str) -> None:
    assert not set("<>\"'") & set(put(said).removeprefix('<p title="').removesuffix('">'))


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\u200b", "\u00ad", "\x1b", "\ud800"])
def test_what_would_hide_or_turn_is_shown(hidden: str) -> None:
    assert visible(f"a{hidden}b") == "a\ufffdb"
    assert put(f"a{hidden}b") == '<p title="a\ufffdb">'
    assert put(f"{hidden}{'long' * 100}").startswith('<p title="\ufffdlong')


def test_what_belongs_to_a_script_stays() -> None:
    persian, family = (
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\U0001f468\u200d\U0001f467",
    )
    assert visible(persian) == persian
    assert visible(family) == family
    assert visible("a line\r\nand another") == "a line\r\nand another"


def test_markup_and_numbers_are_left_alone() -> None:
    markup = Markup("<b>\u202e</b>")
    assert visible(markup) is markup
    assert visible(7) == 7
    assert put(Markup("&amp;")) == '<p title="&amp;">'
    assert put("&amp;") == '<p title="&amp;amp;">'  # equal to the markup, and text all the same
    assert put(7) == '<p title="7">'
