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
    assert len(text.encode("utf-8")) <= 100
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


def test_the_longest_path_fits_into_windows_where_people_unpack_zips() -> None:
    folder = folder_name("lead-" * 50)
    file = name(2**63 - 1, "x" * 500, direction="y" * 500) + ".json"
    downloads = "C:\\Users\\" + "u" * 20 + "\\Downloads\\"  # Windows takes no longer user
    assert len(f"{downloads}{'z' * 60}\\{folder}\\data\\sidecars\\{file}") < 260


@pytest.mark.parametrize(
    ("who", "kept"),
    [
        ("Ju\u0301lia Nagy", "J\u00falia-Nagy"),
        ("CON", "CON"),
        ("Price. ", "Price"),
        ("a/../b\\c:d*?", "a-b-c-d"),
        ("\u202egnp.exe\u200b", "gnp-exe"),
    ],
)
def test_what_one_system_would_refuse_or_rewrite_is_not_in_a_name(who: str, kept: str) -> None:
    assert name(who=who) == f"2026-11-02_10-14-05_outgoing_{kept}_456"


@given(one=st.text(), other=st.text())
def test_two_recordings_never_share_a_name_whatever_the_case(one: str, other: str) -> None:
    assert name(1, one).casefold() != name(2, other).casefold()


@given(st.text())
def test_the_folder_in_a_zip_has_a_safe_name(stem: str) -> None:
    check(folder_name(stem))


@pytest.mark.parametrize("stem", ["con", "LPT1", "...", "", "nul"])
def test_a_reserved_or_empty_stem_is_not_taken_over(stem: str) -> None:
    assert folder_name(stem).startswith("export-")
