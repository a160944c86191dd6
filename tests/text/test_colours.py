"""Colours: a verdict at the beginning of a line has one, and no text of the API can."""

import pytest

from archiver.text.colours import coloured


@pytest.mark.parametrize(
    ("line", "painted"),
    [
        ("PROBLEM  API    refused", "\x1b[1;31mPROBLEM\x1b[0m  API    refused"),
        ("ok       API    answers", "\x1b[32mok\x1b[0m       API    answers"),
        ("NOT COMPLETE: see above", "\x1b[1;31mNOT COMPLETE\x1b[0m: see above"),
        ("NOTHING OPEN: none", "\x1b[32mNOTHING OPEN\x1b[0m: none"),
        ("OPEN: two", "\x1b[33mOPEN\x1b[0m: two"),
    ],
)
def test_a_verdict_has_its_colour(line: str, painted: str) -> None:
    assert coloured(line) == painted


@pytest.mark.parametrize("line", ["", "okra", "  ok", "the error: none", "COMPLETED", "errors: 3"])
def test_any_other_line_is_as_it_was(line: str) -> None:
    assert coloured(line) == line
