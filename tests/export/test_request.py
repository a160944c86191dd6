"""What an export is asked for: titles, numbers, and the run that fetches first."""

from pathlib import Path

import pytest

from archiver.errors import UsageError
from archiver.export.request import (
    BEGINNING,
    ExportRequest,
    Trace,
    bare_number,
    fetch_request,
    number_in,
)


def request(**members: object) -> ExportRequest:
    return ExportRequest(target=Path("x.zip"), **members)  # type: ignore[arg-type]


def test_the_title_says_whose_calls() -> None:
    assert request(leads=(789,)).title == "Lead 789"
    assert request(leads=(789, 790, 791), calls=(5,)).title == "Leads 789, 790 and 791, call 5"
    assert request(phones=("+7900",)).title == "Number +7900"


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


def test_the_run_before_asks_for_all_time_and_the_leads_of_a_number() -> None:
    asked = fetch_request(
        request(leads=(1, 2), phones=("+79001234567",)), Trace((7, 8), (2, 3), (8,))
    )
    assert (asked.since, asked.leads, asked.calls) == (BEGINNING, (1, 2, 3), (8,))
    assert not asked.is_whole
