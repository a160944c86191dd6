"""`calls.csv`: every call, with or without a recording, as spreadsheets open it (pure).

UTF-8 with a byte order mark, commas, CRLF. A cell that a spreadsheet would take for a formula gets
an apostrophe in front (OWASP, "CSV injection"); a number in its international form, which begins
with a plus, is one of them. Line breaks and control characters become spaces.
"""

import csv
import io
import unicodedata
from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Final

from archiver.export.entries import CallEntry, RecordingEntry

BOM: Final = "\ufeff"

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "|", "%")
_MOST: Final = 32_000
"""Characters of a cell; Excel takes 32,767 and drops the rest without a word."""

COLUMNS: Final = (
    "date", "time", "direction", "agent", "clientPhone", "status", "talkSeconds", "state", "file",
    "recordingSeconds", "transfer", "summary", "leadId", "callId", "recordId", "orderId", "order",
    "createdAtUtc", "sha256", "bytes", "note", "source",
)  # fmt: skip


def header() -> str:
    """The first line, with the mark that tells a spreadsheet the encoding."""
    return BOM + _line(COLUMNS)


def lines(call: CallEntry, zone: tzinfo) -> str:
    """A line for each recording of the call, or one for a call without any."""
    recordings: Iterable[RecordingEntry | None] = call.recordings or (None,)
    return "".join(_line(_cells(call, one, zone)) for one in recordings)


def safe_cell(value: object) -> str:
    """The value as a cell that no spreadsheet takes for a formula, nor for two lines."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    text = "".join(_plain(one) for one in str(value))[:_MOST]
    return f"'{text}" if text.lstrip(" \u00a0\ufeff").startswith(_FORMULA) else text


def _cells(call: CallEntry, one: RecordingEntry | None, zone: tzinfo) -> list[object]:
    at = (one.at if one else None) or call.at
    local = at.astimezone(zone) if at else None
    state, note = (one.state, one.note) if one else (call.state, "")
    return [
        f"{local:%Y-%m-%d}" if local else "",
        f"{local:%H:%M:%S}" if local else "",
        call.direction,
        (one.agent if one else None) or call.agent,
        call.phone,
        call.status,
        call.talk_seconds,
        state,
        one.file if one else "",
        one.seconds if one else None,
        "yes" if one and one.is_transfer else "",
        one.summary if one else None,
        (one.lead_id if one else None) or call.lead_id,
        call.call_id,
        one.record_id if one else None,
        call.order_id,
        call.order,
        _utc(at),
        one.sha256 if one else "",
        one.size if one and one.file else None,
        "; ".join(part for part in (*call.differences, call.note, note) if part),
        call.source,
    ]


def _utc(at: datetime | None) -> str:
    from archiver.clock import stamp

    return stamp(at) if at else ""


def _line(cells: Iterable[object]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow([safe_cell(cell) for cell in cells])
    return line.getvalue()


def _plain(one: str) -> str:
    return " " if unicodedata.category(one) in {"Cc", "Cs", "Zl", "Zp"} else one
