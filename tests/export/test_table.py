"""calls.csv opens right in a spreadsheet, and nothing in it is taken for a formula."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.export.table import COLUMNS, header
from archiver.text.csv import BOM, safe_cell


def test_the_file_begins_with_the_mark_of_utf_8_and_its_columns() -> None:
    assert header() == BOM + ",".join(COLUMNS) + "\r\n"


@pytest.mark.parametrize(
    "attack",
    [
        "=1+1",
        "+79001234567",
        "-2",
        "@SUM(A1)",
        "\t=1",
        "\r\n=1",
        " =1",
        '=HYPERLINK("http://x")',
        "|cmd",
    ],
)
def test_a_formula_becomes_text(attack: str) -> None:
    assert safe_cell(attack).startswith("'")


@given(st.text())
def test_no_text_ever_starts_like_a_formula_or_breaks_its_line(text: str) -> None:
    cell = safe_cell(text)
    assert not cell.lstrip(" \u00a0\ufeff").startswith(("=", "+", "-", "@", "\t", "\r"))
    line = io.StringIO()
    csv.writer(line).writerow([cell])
    assert len(line.getvalue().splitlines()) <= 1 or "\x85" in cell


@pytest.mark.parametrize(
    "number", ["0079001234567", "012", "380441234567", "1E5", "1.5e-3", " 00123 "]
)
def test_a_text_that_would_be_shown_as_another_number_stays_text(number: str) -> None:
    assert safe_cell(number) == f"'{number}"


@pytest.mark.parametrize("text", ["79001234567", "12", "2026-11-02", "00:00:05", "0.50", "0"])
def test_a_text_that_is_shown_as_it_is_gets_no_apostrophe(text: str) -> None:
    assert safe_cell(text) == text


def test_the_digits_of_a_long_id_are_kept() -> None:
    assert safe_cell(999_999_999_999_999) == "999999999999999"
    assert safe_cell(1_234_567_890_123_456_789) == "'1234567890123456789"


def test_no_cell_reads_backwards() -> None:
    assert safe_cell("\u202egnp.exe") == "\ufffdgnp.exe"


def test_numbers_stay_numbers_and_nothing_is_empty() -> None:
    assert [safe_cell(one) for one in (12, 1.5, None, "Anna")] == ["12", "1.5", "", "Anna"]


def test_a_cell_fits_into_a_cell() -> None:
    assert len(safe_cell("x" * 100_000)) <= 32_767
