"""`loadfile.dat`: the recordings for import into review platforms (pure).

A Concordance load file that Relativity and similar platforms read with default settings: UTF-8 with
a byte order mark, which identifies the encoding; a header; one recording per line; U+0014 between
fields, U+00FE around each, U+00AE for a line break within a field. Paths are relative to the
package, with backslashes, since the platforms run on Windows.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from typing import Final

from archiver.export.entries import CallEntry, RecordingEntry
from archiver.text.csv import BOM
from archiver.text.templates import visible

FIELD, QUOTE, BREAK = "\x14", "\xfe", "\xae"

FIELDS: Final = (
    "DOCID", "BEGATTACH", "ENDATTACH", "CUSTODIAN", "DATESENT", "TIMESENT", "TIMEZONE", "DURATION",
    "DIRECTION", "PHONE", "STATUS", "LEADID", "CALLID", "RECORDID", "ORDER", "SUMMARY", "FILENAME",
    "FILEEXT", "FILESIZE", "SHA256HASH", "NATIVE_FILE", "REDACTED", "ORIGINAL_SHA256",
)  # fmt: skip
"""Names that import wizards recognise, where there are any. The recordings of a call are a family:
they share the ids of its first and last recording."""


def header() -> str:
    """The first line, with the byte order mark."""
    return BOM + _line(FIELDS)


def lines(call: CallEntry, packed: Iterable[RecordingEntry], zone: tzinfo) -> str:
    """One line for each recording that is packed under this call."""
    recordings = [one for one in packed if one.file]
    return "".join(_line(_fields(call, one, recordings, zone)) for one in recordings)


def doc_id(one: RecordingEntry) -> str:
    """The recording's id on the platform."""
    return f"REC{one.record_id:012}"


def _fields(
    call: CallEntry, one: RecordingEntry, family: list[RecordingEntry], zone: tzinfo
) -> Iterator[object]:
    file = one.file or ""
    local = _local(call.at or one.at, zone)
    yield from (doc_id(one), doc_id(family[0]), doc_id(family[-1]))
    yield one.agent or call.agent
    yield f"{local:%m/%d/%Y}" if local else ""
    yield f"{local:%H:%M:%S}" if local else ""
    yield zone
    yield f"{one.seconds:g}" if one.seconds is not None else ""
    yield from (call.direction, call.phone, call.status, one.lead_id or call.lead_id)
    yield from (call.call_id, one.record_id, call.order, one.summary)
    yield file.rpartition("/")[2]
    yield file.rpartition(".")[2]
    yield from (one.size, one.sha256)
    yield "\\".join((".", "data", *file.split("/")))
    yield from ("Yes" if one.original_sha256 else "No", one.original_sha256)


def _local(at: datetime | None, zone: tzinfo) -> datetime | None:
    return at.astimezone(zone) if at else None


def _line(values: Iterable[object]) -> str:
    return FIELD.join(f"{QUOTE}{_cell(value)}{QUOTE}" for value in values) + "\r\n"


def _cell(value: object) -> str:
    """Text without the delimiters of fields; line breaks become U+00AE."""
    text = "" if value is None else str(value)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.translate({0x14: " ", 0xFE: "th", 0xAE: "(R)"}).replace("\n", BREAK)
    return str(visible(text))
