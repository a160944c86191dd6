"""Tables as spreadsheets open them: CSV that no program takes for anything but text (pure).

UTF-8 with a byte order mark, commas, CRLF. A cell that a spreadsheet would take for a formula gets
an apostrophe in front (OWASP, "CSV injection"); a number in its international form, which begins
with a plus, is one of them. Line breaks and control characters become spaces.
"""

import csv
import io
import unicodedata
from collections.abc import Iterable
from typing import Final

BOM: Final = "\ufeff"
"""The mark at the start of a file that tells a spreadsheet its encoding."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "|", "%")
_MOST: Final = 32_000
"""Characters of a cell; Excel takes 32,767 and drops the rest without a word."""


def csv_line(cells: Iterable[object]) -> str:
    """One line of a table, its end included, each cell made safe."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow([safe_cell(cell) for cell in cells])
    return line.getvalue()


def safe_cell(value: object) -> str:
    """The value as a cell that no spreadsheet takes for a formula, nor for two lines."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    text = "".join(_plain(one) for one in str(value))[:_MOST]
    return f"'{text}" if text.lstrip(" \u00a0\ufeff").startswith(_FORMULA) else text


def _plain(one: str) -> str:
    return " " if unicodedata.category(one) in {"Cc", "Cs", "Zl", "Zp"} else one
