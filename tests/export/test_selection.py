"""A selection as a value: its title, its numbers, its list, and what it asks the API for."""

from datetime import UTC, datetime

import pytest

from archiver.errors import UsageError
from archiver.export.request import BEGINNING, Trace, fetch_request
from archiver.export.selection import Named, Selection, bare_number, number_in, read_list
from archiver.export.voice import Voice
from archiver.run.request import RunRequest

OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("selection", "title"),
    [
        (Selection(leads=(789,)), "Lead 789"),
        (Selection(leads=(789, 790, 791), calls=(5,)), "Leads 789, 790 and 791, call 5"),
        (Selection(phones=("+7900",)), "Number +7900"),
        (
            Selection(users=(7,), statuses=("answered", "busy")),
            "User 7, statuses answered and busy",
        ),
        (
            Selection(since=OCTOBER, until=NOVEMBER),
            "Since 2026-10-01 00:00 UTC, until 2026-11-01 00:00 UTC",
        ),
        (Selection(listed=Named(frozenset({1, 2}))), "A list with 2 entries"),
        (Selection(calls=tuple(range(1, 10))), "Calls 1, 2, 3, 4, 5 and 4 more"),
    ],
)
def test_the_title_says_which_calls(selection: Selection, title: str) -> None:
    assert selection.title(Voice()) == title
    assert not selection.is_empty


@pytest.mark.parametrize(
    "spelled",
    ["+79001234567", "+7 900 123-45-67", "0079001234567", "8 (900) 123-45-67", "79001234567"],
)
def test_spellings_of_one_number_are_one_number(spelled: str) -> None:
    assert bare_number(spelled) == "79001234567"
    assert number_in(spelled, frozenset({"79001234567"})) == "79001234567"


@pytest.mark.parametrize("wrong", ["", "Anna", "123", "+7900x1234567", "1" * 16, "++79001234567"])
def test_what_is_no_number_is_refused(wrong: str) -> None:
    with pytest.raises(UsageError, match="--phone must be a telephone number"):
        bare_number(wrong)


@pytest.mark.parametrize("row", [None, 79001234567, {}, "", "+79001234568"])
def test_a_row_with_another_number_or_none_does_not_match(row: object) -> None:
    assert number_in(row, frozenset({"79001234567"})) is None


def test_a_list_names_recordings_and_whole_calls() -> None:
    lines = ["\ufeff900101\n", "\n", "# a comment\n", "call:123  # all of it\n", "CALL: 7"]
    assert read_list(lines, "x") == Named(frozenset({900101}), frozenset({123, 7}))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["1", "two"], "x, line 2: 'two' is neither"),
        (["call:"], "x, line 1"),
        (["0"], "x, line 1"),
        (["# only this"], "x contains no recordings or calls"),
    ],
)
def test_a_list_with_a_wrong_line_or_nothing_in_it_is_refused(lines: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_list(lines, "x")


@pytest.mark.parametrize(
    ("selection", "asked"),
    [
        (Selection(leads=(1, 2), users=(7,)), RunRequest(since=BEGINNING, leads=(1, 2))),
        (Selection(leads=(1,), orders=(5,)), RunRequest(since=BEGINNING, leads=(1,))),
        (
            Selection(orders=(5,), since=OCTOBER, until=NOVEMBER),
            RunRequest(since=OCTOBER, until=NOVEMBER, orders=(5,)),
        ),
        (Selection(leads=(1,), calls=(3, 3)), RunRequest(since=BEGINNING, calls=(3,))),
        (
            Selection(listed=Named(frozenset({9}), frozenset({3}))),
            RunRequest(BEGINNING, calls=(3,)),
        ),
        (Selection(listed=Named(frozenset({9}))), None),
        (Selection(tags=("x",), tagged=Named(frozenset({9}))), None),
        (Selection(phones=("+79001234567",)), RunRequest(BEGINNING, leads=(2,), calls=(8,))),
        (Selection(since=OCTOBER, users=(7,)), RunRequest(since=OCTOBER)),
    ],
)
def test_the_api_is_asked_for_no_more_than_may_fit(
    selection: Selection, asked: RunRequest | None
) -> None:
    found = fetch_request(selection, Trace((7, 8), (2,), (8,)))
    if asked is None or found is None:
        assert found is asked
        return
    assert found.for_export
    assert not found.is_whole
    for member in ("since", "until", "leads", "orders", "calls"):
        assert getattr(found, member) == getattr(asked, member)


def test_a_number_that_was_not_found_asks_the_api_nothing() -> None:
    assert fetch_request(Selection(phones=("+79001234567",)), Trace()) is None
