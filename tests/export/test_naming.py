"""Names for people are safe on every system, whatever an agent is called."""

import re
import unicodedata
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.export.naming import folder_name, recording_name

AT = datetime(2026, 11, 2, 9, 14, 5, tzinfo=UTC)
FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|com\d|lpt\d)(\.|$)")


def name(record_id: int = 456, who: str | None = "Anna Price", **others: object) -> str:
    facts = {"at": AT, "zone": ZoneInfo("Europe/Berlin"), "direction": "outgoing"} | others
    return recording_name(record_id, who=who, **facts)  # type: ignore[arg-type]


def test_a_name_tells_when_which_way_who_and_which() -> None:
    assert name() == "2026-11-02_10-14-05_outgoing_Anna-Price_456"
    assert name(who="+79001234567") == "2026-11-02_10-14-05_outgoing_79001234567_456"
    assert name(who="Сергей Орлов") == "2026-11-02_10-14-05_outgoing_Сергей-Орлов_456"


def test_what_is_unknown_is_left_out() -> None:
    assert name(who=None, direction=None, at=None) == "undated_456"


def check(text: str) -> None:
    assert FORBIDDEN.search(text) is None
    assert RESERVED.search(text) is None
    assert text == text.strip(" .")
    assert text not in ("", ".", "..")
    assert not text.startswith("-")
    assert unicodedata.is_normalized("NFC", text)
    assert len(text.encode("utf-8")) <= 130
    assert all(unicodedata.category(one)[0] in "LNM" or one in "-_" for one in text)


@given(
    who=st.text() | st.none(), direction=st.text() | st.none(), record_id=st.integers(1, 2**63 - 1)
)
def test_every_name_is_safe_on_windows_macos_and_linux(
    who: str | None, direction: str | None, record_id: int
) -> None:
    made = name(record_id, who, direction=direction)
    check(made)
    assert made.endswith(f"_{record_id}")


@given(one=st.text(), other=st.text())
def test_two_recordings_never_share_a_name_whatever_the_case(one: str, other: str) -> None:
    assert name(1, one).casefold() != name(2, other).casefold()


@given(st.text())
def test_the_folder_in_a_zip_has_a_safe_name(stem: str) -> None:
    check(folder_name(stem))


@pytest.mark.parametrize("stem", ["con", "LPT1", "...", "", "nul"])
def test_a_reserved_or_empty_stem_is_not_taken_over(stem: str) -> None:
    assert folder_name(stem).startswith("export-")
