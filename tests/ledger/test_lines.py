"""The bytes of a line: those that Python's own encoder makes, whatever the members are."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.clock import stamp
from archiver.ledger.events import Event, Inspected, OpenRecording
from archiver.ledger.lines import encode

_AT = datetime(2026, 10, 2, 1, 0, 7, 999_999, tzinfo=timezone(timedelta(hours=3)))
_TEXTS = st.text(st.characters(exclude_categories=())) | st.sampled_from(
    ["", "\x7f", "\ud800", "\U0001f3b5", "é", '"\\/\b\f\n\r\t\x00', "\u2028"]
)
_WHOLES = st.integers(0, 2**63 - 1) | st.just(2**70)
_FLOATS = st.floats() | st.sampled_from(
    [0.0, -0.0, 1e-4, 9.999e-5, 1e-5, 1e16, 1e15, 5e-324, 65.5, float("nan"), float("-inf")]
)
_MOMENTS = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5))])).filter(
    lambda moment: 1 < moment.year < 9999
)
_OPEN = st.builds(
    OpenRecording,
    record_id=_WHOLES,
    state=_TEXTS,
    reason=_TEXTS,
    attempts=_WHOLES,
    since=_MOMENTS,
    missing_days=st.lists(_TEXTS, max_size=2).map(tuple),
)


def values_of(kind: object) -> st.SearchStrategy[Any]:
    """Values of a type, and some that no event should have."""
    found = str(kind)
    parts: list[st.SearchStrategy[Any]] = []
    for name, values in (
        ("OpenRecording", _OPEN),
        ("float", _FLOATS),
        ("datetime", _MOMENTS),
        ("bool", st.booleans()),
        ("int", _WHOLES),
        ("str", _TEXTS),
    ):
        if name in found and not parts:
            parts.append(values)
    if "tuple" in found:
        parts = [st.lists(parts[0], max_size=3).map(tuple)]
    if "None" in found:
        parts.append(st.none())
    return st.one_of(parts)


def by_python(event: Event) -> bytes:
    """The line as Python's own encoder writes it."""
    line = {"what": event.what, "at": stamp(_AT), "run": "run-1"} | members(event)
    return json.dumps(line, ensure_ascii=True, separators=(",", ":")).encode("ascii")


def members(value: Any) -> dict[str, Any]:
    written: dict[str, Any] = {}
    for one in msgspec.structs.fields(value):
        member = getattr(value, one.name)
        if member is None or (member == () and one.default == ()):
            continue
        if isinstance(member, datetime):
            member = stamp(member)
        if isinstance(member, tuple):
            member = [members(part) if isinstance(part, OpenRecording) else part for part in member]
        written[one.encode_name] = member
    return written


@pytest.mark.parametrize("kind", get_args(Event), ids=lambda kind: kind.what)
@given(data=st.data())
def test_a_line_is_what_the_standard_encoder_writes(kind: type[Event], data: st.DataObject) -> None:
    given_members = {
        one.name: data.draw(values_of(one.type), label=one.name)
        for one in msgspec.structs.fields(kind)
    }
    event = kind(**given_members)
    assert encode(_AT, "run-1", event) == by_python(event)


@pytest.mark.parametrize("level", [1e-5, 1e16, 1e300, float("nan"), float("inf"), -0.0, 0.5])
def test_a_level_is_written_as_the_standard_encoder_writes_it(level: float) -> None:
    event = Inspected(record_id=1, sha256="ab" * 32, rules=1, levels=(-20.5, level))
    assert encode(_AT, "run-1", event) == by_python(event)
