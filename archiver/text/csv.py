"""Tables for spreadsheets: CSV that every program reads as text (pure).

UTF-8 with a byte order mark, commas, CRLF. A cell that a spreadsheet would read as a formula starts
with an apostrophe (OWASP, "CSV injection"), which includes international telephone numbers with a
plus. So does a cell that it would change as a number: leading zeros and digits after the fifteenth
are dropped, `1E5` is expanded. Line breaks and control characters become spaces, and characters
that change the direction of text become visible.
"""

import csv
import io
import re
from collections.abc import Iterable
from typing import Final

BOM: Final = "\ufeff"
"""The byte order mark, which shows the encoding to spreadsheets."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "|", "%")
_CHANGED: Final = re.compile(r"0\d+|\d{12,}|[\d.,]*\d[eE][+-]?\d+", re.ASCII)
"""Texts that are shown as another number; from twelve digits on Excel writes a power of ten."""

_EXACT: Final = 10**15
"""Spreadsheets keep fifteen digits of a number."""

_TURNING: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""What turns the direction of writing (bidirectional classes LRE to PDI)."""

_BREAKS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Line breaks, control characters and halves of characters (categories Cc, Zl, Zp, Cs)."""

_MOST: Final = 32_000
"""Characters of a cell; Excel takes 32,767 and drops the rest without a word."""


def csv_line(cells: Iterable[object]) -> str:
    """One line of a table, its end included, each cell made safe."""
    return csv_lines([cells])


def csv_lines(rows: Iterable[Iterable[object]]) -> str:
    """Lines of a table, their ends included, each cell made safe."""
    return lines_of_safe_cells([safe_cell(cell) for cell in cells] for cells in rows)


def lines_of_safe_cells(rows: Iterable[Iterable[object]]) -> str:
    """Lines of a table, their ends included, whose cells are safe already: `safe_cell` has returned
    them, or would return them as they are."""
    lines = io.StringIO()
    csv.writer(lines, lineterminator="\r\n").writerows(rows)
    return lines.getvalue()


def safe_cell(value: object) -> str:
    """The value as a cell that no spreadsheet takes for a formula, two lines or another number."""
    if value is None or value == "":
        return ""
    if type(value) is str and value[:1].isalpha() and value.isprintable():
        return value[:_MOST]  # most cells: neither a formula nor a number begins with a letter
    if isinstance(value, int | float):
        return str(value) if abs(value) < _EXACT else f"'{value}"
    text = str(value)[:_MOST]
    if not text.isprintable():
        text = _BREAKS.sub(" ", _TURNING.sub("\ufffd", text))
    bare = text.strip(" \u00a0\ufeff")
    return f"'{text}" if bare.startswith(_FORMULA) or _CHANGED.fullmatch(bare) else text
