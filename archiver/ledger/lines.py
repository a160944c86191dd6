"""An event as a line of the ledger, and back (pure).

Every line begins with `what`, `at` (the time, UTC) and `run` (the run that wrote it); unknown
members are left out. Events of a kind that this version does not know are preserved and skipped.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, get_args, get_origin, get_type_hints

from archiver.clock import from_stamp, stamp
from archiver.ledger.events import Event, OpenRecording
from archiver.text.json import read_json


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the ledger: an event (None: of an unknown kind), its time and its run."""

    at: datetime
    run: str
    event: Event | None


def encode(entry_at: datetime, run: str, event: Event) -> bytes:
    """The line of an event, without its line end."""
    line = {"what": event.what, "at": stamp(entry_at), "run": run, **_members(event)}
    return _ENCODER.encode(line).encode("ascii")


def beginning(kind: type[Event]) -> bytes:
    """The beginning of every line of such an event and of no other line, to recognise it without
    parsing."""
    return b'{"what":"%s"' % kind.what.encode("ascii")


def decode(line: bytes) -> Entry:
    """Parse an entry. ValueError for anything else."""
    members = read_json(line)
    if not isinstance(members, dict):
        raise ValueError("not an event")
    try:
        at, run = from_stamp(members.pop("at")), str(members.pop("run"))
        kind = _KINDS.get(members.pop("what"))
        return Entry(at, run, None if kind is None else _build(kind, members))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not an event: {error}") from error


_ENCODER = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))

_KINDS: dict[str, type[Event]] = {kind.what: kind for kind in get_args(Event)}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


_NAMES: dict[type[Any], tuple[tuple[str, str, bool], ...]] = {
    kind: tuple((one.name, _camel(one.name), one.default == ()) for one in fields(kind))
    for kind in (*_KINDS.values(), OpenRecording)
}
"""For each member: its name as written, and whether empty values are left out."""


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


def _build(kind: type[Any], members: Any) -> Any:
    if not isinstance(members, dict):
        raise TypeError(f"{kind.__name__} from no object")
    known, values = _READERS[kind], {}
    for written, member in members.items():
        found = known.get(written)
        if found is not None:
            name, read = found
            values[name] = member if read is None else read(member)
    return kind(**values)


def _tuple(member: Any) -> Any:
    return tuple(member) if isinstance(member, list) else member


def _open(member: Any) -> tuple[OpenRecording, ...]:
    return tuple(_build(OpenRecording, one) for one in member)


def _reader_of(name: str, hint: Any) -> Callable[[Any], Any] | None:
    """How a member is parsed; None: as JSON has it."""
    kinds = {hint, *get_args(hint)}
    if name == "open":
        return _open
    if datetime in kinds:
        return from_stamp
    return _tuple if any(get_origin(one) is tuple for one in kinds) else None


_READERS: dict[type[Any], dict[str, tuple[str, Callable[[Any], Any] | None]]] = {
    kind: {
        written: (name, _reader_of(name, get_type_hints(kind)[name])) for name, written, _ in names
    }
    for kind, names in _NAMES.items()
}
"""For each member as written: its name, and how it is parsed."""
