"""calls.csv opens right in a spreadsheet, and nothing in it is taken for a formula."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.export.table import COLUMNS, header
from archiver.spreadsheet import BOM, safe_cell


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


def test_numbers_stay_numbers_and_nothing_is_empty() -> None:
    assert [safe_cell(one) for one in (12, 1.5, None, "Anna")] == ["12", "1.5", "", "Anna"]


def test_a_cell_fits_into_a_cell() -> None:
    assert len(safe_cell("x" * 100_000)) <= 32_767
