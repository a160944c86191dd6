"""An event as a line of the ledger, and back (pure).

Every line begins with `what`, `at` (the time, UTC) and `run` (the run that wrote it); unknown
members are left out. Events of a kind that this version does not know are preserved and skipped.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, get_args

from msgspec import Struct
from msgspec.json import Decoder, Encoder
from msgspec.structs import fields

from archiver.clock import stamp
from archiver.ledger.events import CallJudged, Event, OpenRecording, Stored
from archiver.ledger.members import Moment


class Entry(NamedTuple):
    """A line of the ledger: an event (None: of an unknown kind), its time and its run."""

    at: datetime
    run: str
    event: Event | None


def encode(entry_at: datetime, run: str, event: Event) -> bytes:
    """The line of an event, without its line end."""
    line = {"what": event.what, "at": stamp(entry_at), "run": run, **_members(event)}
    if _has_common_floats(event):
        try:
            quick = _QUICK_ENCODER.encode(line)
        except (TypeError, ValueError, OverflowError):  # a lone surrogate, or a huge number
            quick = _DELETE
        if quick.isascii() and _DELETE not in quick:
            return quick
    return _ENCODER.encode(line).encode("ascii")


def beginning(kind: type[Event]) -> bytes:
    """The beginning of every line of such an event and of no other line, to recognise it without
    parsing."""
    return b'{"what":"%s"' % kind.what.encode("ascii")


def decode(line: bytes) -> Entry:
    """Parse an entry. ValueError for anything else: each member must be of its type."""
    try:
        begins = _BEGINS.decode(line)
        kind = _DECODERS.get(begins.what)
        event = None if kind is None else kind.decode(line)
    except RecursionError:
        raise ValueError("not an event: nested too deeply") from None
    return Entry(_in_utc(begins.at), begins.run, event)


class StoredLine(
    Stored, frozen=True, kw_only=True, rename="camel", tag_field="what", tag="stored", gc=False
):
    """A whole line, parsed at once, and not first its beginning."""

    at: Moment
    run: str


class CallLine(
    CallJudged, frozen=True, kw_only=True, rename="camel", tag_field="what", tag="call", gc=False
):
    """A whole line. Its states are those of any other, but compared without a pattern."""

    at: Moment
    run: str
    state: Literal["archived", "none", "waiting", "failed", "gone"]


def read(line: bytes) -> "StoredLine | CallLine | Entry":
    """As `decode`, in less than half the time for the two kinds of which a ledger has most. Those
    are events with their time and their run, equal to no other event."""
    try:
        return _FREQUENT.decode(line)
    except (ValueError, RecursionError):  # another kind, `what` twice, or no event at all
        return decode(line)


def decode_all(lines: Iterable[bytes]) -> "list[StoredLine | CallLine | Entry]":
    """Read these lines. ValueError if one of them is no entry."""
    return [*map(read, lines)]


def as_entry(line: StoredLine | CallLine | Entry) -> Entry:
    """The line as an entry."""
    return line if isinstance(line, Entry) else Entry(_in_utc(line.at), line.run, line)


def _in_utc(at: datetime) -> datetime:
    return at if at.tzinfo is UTC else at.astimezone(UTC)


class _Begins(Struct):
    """What every line has."""

    what: str
    at: Moment
    run: str


_ENCODER = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))
_QUICK_ENCODER = Encoder()
"""Writes the same in a fifth of the time, but for characters from DEL on, which it does not escape,
and for floats that are written with an exponent or are no numbers."""
_DELETE = b"\x7f"
_LEAST, _MOST = 1e-4, 1e16
"""Floats from and below which neither has an exponent."""

_KINDS: dict[str, type[Event]] = {kind.what: kind for kind in get_args(Event)}


_BEGINS: Decoder[_Begins] = Decoder(_Begins)
_DECODERS: dict[str, Decoder[Event]] = {what: Decoder(kind) for what, kind in _KINDS.items()}

_FREQUENT: Decoder[StoredLine | CallLine] = Decoder(StoredLine | CallLine)

_NAMES: dict[type[Any], tuple[tuple[str, str, bool], ...]] = {
    kind: tuple((one.name, one.encode_name, one.default == ()) for one in fields(kind))
    for kind in (*_KINDS.values(), OpenRecording)
}
"""For each member: its name, as it is written, and whether empty values are left out."""

_FLOATS: dict[type[Any], tuple[str, ...]] = {
    kind: tuple(one.name for one in fields(kind) if "float" in str(one.type))
    for kind in _KINDS.values()
}


def _has_common_floats(event: Event) -> bool:
    """Whether its floats, if any, are written without an exponent."""
    for name in _FLOATS[type(event)]:
        member = getattr(event, name)
        for number in member if type(member) is tuple else (member,):
            if number and not _LEAST <= abs(number) < _MOST:
                return False
    return True


def _members(value: Any) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, written, may_lack in _NAMES[type(value)]:
        member = getattr(value, name)
        if member is None:
            continue
        if type(member) is tuple:
            if member or not may_lack:
                members[written] = [
                    _members(one) if type(one) is OpenRecording else one for one in member
                ]
        else:
            members[written] = stamp(member) if type(member) is datetime else member
    return members
