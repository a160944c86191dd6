"""`calls.csv`: all calls, with and without recordings, for spreadsheets (pure)."""

from collections.abc import Iterable, Iterator
from datetime import tzinfo
from typing import Final

from archiver.clock import stamp_or_none
from archiver.export.entries import CallEntry, RecordingEntry
from archiver.text.csv import BOM, csv_line

COLUMNS: Final = (
    "date", "time", "direction", "agent", "clientPhone", "status", "talkSeconds", "state", "file",
    "recordingSeconds", "transfer", "summary", "leadId", "callId", "recordId", "orderId", "order",
    "createdAtUtc", "recordingTime", "archivedAt", "sha256", "bytes", "note", "source",
)  # fmt: skip


def header() -> str:
    """The first line, with a byte order mark that tells spreadsheets the encoding."""
    return BOM + csv_line(COLUMNS)


def lines(call: CallEntry, zone: tzinfo) -> str:
    """One line for each recording of the call, or one for a call without recordings."""
    return "".join(map(csv_line, cells(call, zone)))


def cells(call: CallEntry, zone: tzinfo) -> Iterator[list[object]]:
    """The same, in the order of COLUMNS."""
    recordings: Iterable[RecordingEntry | None] = call.recordings or (None,)
    return (_cells(call, one, zone) for one in recordings)


def _plain(seconds: float | None) -> float | None:
    """Whole seconds without a decimal point, however the source wrote them."""
    return seconds if seconds is None or seconds != int(seconds) else int(seconds)


def _cells(call: CallEntry, one: RecordingEntry | None, zone: tzinfo) -> list[object]:
    at = call.at or (one.at if one else None)
    local = at.astimezone(zone) if at else None
    state, note = (one.state, one.note) if one else (call.state, "")
    return [
        f"{local:%Y-%m-%d}" if local else "",
        f"{local:%H:%M:%S}" if local else "",
        call.direction,
        (one.agent if one else None) or call.agent,
        call.phone,
        call.status,
        _plain(call.talk_seconds),
        state,
        one.file if one else "",
        _plain(one.seconds) if one else None,
        "yes" if one and one.is_transfer else "",
        one.summary if one else None,
        (one.lead_id if one else None) or call.lead_id,
        call.call_id,
        one.record_id if one else None,
        call.order_id,
        call.order,
        stamp_or_none(at),
        f"{one.at.astimezone(zone):%H:%M:%S}" if one and one.at else "",
        stamp_or_none(one.archived_at if one else None),
        one.sha256 if one else "",
        one.size if one and one.file else None,
        "; ".join(part for part in (*call.differences, call.note, note) if part),
        call.source,
    ]
