"""The list of redactions: a file written by a person."""

import csv
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from archiver.errors import UsageError
from archiver.sound.spans import MARGIN, SIDES, Fill, Form, Plan, Span
from archiver.text.json import read_json
from archiver.text.measures import parse_id

FIELDS: Final = ("recordId", "start", "end", "side", "reason")

MOST_BYTES: Final = 16 * 1024 * 1024
_MOST_REASON: Final = 4000
_HINT: Final = (
    "give recordId, start, end (seconds), side (left, right or both) and reason for each span, as "
    "CSV with these names in its first line, or as a JSON list"
)


@dataclass(frozen=True, slots=True)
class Reason:
    """A span, and why it is replaced."""

    span: Span
    why: str


@dataclass(frozen=True, slots=True)
class Redactions:
    """Which spans of which recordings are replaced, and how."""

    spans: Mapping[int, tuple[Reason, ...]]
    margin: float = MARGIN
    fill: Fill = "silence"
    form: Form = "wav"

    def plan(self, record_id: int) -> Plan | None:
        """The spans to replace in this recording; None if there are none."""
        reasons = self.spans.get(record_id)
        if reasons is None:
            return None
        return Plan(tuple(one.span for one in reasons), self.margin, self.fill, self.form)


def load_redactions(path: Path) -> Mapping[int, tuple[Reason, ...]]:
    """Read the file. Raises UsageError if it cannot be read or is invalid."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}", hint=_HINT) from error
    return read_redactions(data, str(path))


def read_redactions(data: bytes, name: str) -> Mapping[int, tuple[Reason, ...]]:
    """The spans of each recording, in the order of the file, which is CSV or JSON.

    The UsageError for an invalid one names the line (or the entry of a JSON list) and the field.
    """
    if len(data) > MOST_BYTES:
        raise UsageError(f"{name} is larger than {MOST_BYTES // 1024**2} MiB", hint=_HINT)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{name} is not UTF-8 text", hint=_HINT) from None
    found: dict[int, list[Reason]] = {}
    for place, row in _json(text, name) if text.lstrip()[:1] in ("[", "{") else _csv(text, name):
        record_id, reason = _entry(row, f"{name}, {place}")
        found.setdefault(record_id, []).append(reason)
    if not found:
        raise UsageError(f"{name} contains no spans", hint=_HINT)
    return {record_id: tuple(some) for record_id, some in found.items()}


def _json(text: str, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        told = read_json(text)
    except ValueError as error:
        raise UsageError(f"{name} is not JSON: {error}", hint=_HINT) from None
    if not isinstance(told, list):
        raise UsageError(f"{name} is not a JSON list", hint=_HINT)
    for number, row in enumerate(told, start=1):
        place = f"entry {number}"
        if not isinstance(row, dict):
            raise UsageError(f"{name}, {place}: not an object", hint=_HINT)
        _check_names(row, f"{name}, {place}")
        yield place, row


def _csv(text: str, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    head = text.partition("\n")[0]
    divider = ";" if ";" in head and "," not in head else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=divider, strict=True)
    try:
        reader.fieldnames = [one.strip() for one in reader.fieldnames or ()]
        _check_names(dict.fromkeys(reader.fieldnames), f"{name}, line 1")
        for row in reader:
            place = f"line {reader.line_num}"
            if None in row:
                raise UsageError(f"{name}, {place}: more fields than the first line", hint=_HINT)
            cells = {key: (value or "").strip() for key, value in row.items()}
            if divider == ";":
                cells |= {key: cells[key].replace(",", ".") for key in ("start", "end")}
            if any(cells.values()):
                yield place, cells
    except csv.Error as error:
        line = reader.reader.line_num
        raise UsageError(f"{name}, line {line}: {error}", hint=_HINT) from None


def _check_names(row: Mapping[str, Any], place: str) -> None:
    if unknown := [str(one)[:40] for one in row if one not in FIELDS]:
        raise UsageError(f"{place}: unknown field {unknown[0]!r}", hint=_HINT)
    if missing := [one for one in FIELDS if one not in row and one != "side"]:
        raise UsageError(f"{place}: the field {missing[0]} is missing", hint=_HINT)


def _entry(row: Mapping[str, Any], place: str) -> tuple[int, Reason]:
    try:
        record_id = parse_id(str(row["recordId"]))
    except ValueError:
        raise _wrong(place, "recordId", row, "a recording id") from None
    start, end = _seconds(row, "start", place), _seconds(row, "end", place)
    if end <= start:
        raise UsageError(f"{place}: end ({end:g}) is not after start ({start:g})", hint=_HINT)
    told = str(row.get("side") or "both").lower()
    side = next((one for one in SIDES if one == told), None)
    if side is None:
        raise _wrong(place, "side", row, "left, right or both")
    why = row["reason"].strip() if isinstance(row["reason"], str) else ""
    if not why or len(why) > _MOST_REASON:
        raise _wrong(place, "reason", row, f"a text of 1 to {_MOST_REASON:,} characters")
    return record_id, Reason(Span(start, end, side), why)


def _seconds(row: Mapping[str, Any], field: str, place: str) -> float:
    try:
        seconds = math.nan if isinstance(row[field], bool) else float(row[field])
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise _wrong(place, field, row, "seconds from the beginning of the recording")
    return seconds


def _wrong(place: str, field: str, row: Mapping[str, Any], wanted: str) -> UsageError:
    return UsageError(f"{place}: {field} must be {wanted}, not {row[field]!r:.60}", hint=_HINT)
