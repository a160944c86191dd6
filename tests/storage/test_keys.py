"""Keys are made of ids and an extension, and read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.storage.keys import (
    RecordingKey,
    audio_key,
    check_key,
    check_prefix,
    parse_recording_key,
    revision_key,
    sidecar_key,
)

ids = st.integers(0, 2**62)


def test_the_keys_of_a_recording() -> None:
    audio = audio_key(789, 123, 456, "mp3")
    assert audio == "789/123/456.mp3"
    assert sidecar_key(audio) == "789/123/456.json"
    assert revision_key(sidecar_key(audio), 1) == "_archive/revisions/789/123/456.1.json"


def test_a_recording_without_a_lead_lies_under_zero() -> None:
    assert audio_key(None, 123, 456, "mp3") == "0/123/456.mp3"


@pytest.mark.parametrize(
    ("extension", "kept"),
    [
        *(("MP3", "mp3"), (".wav", "wav"), ("m4a", "m4a"), ("json", "bin"), ("JSON", "bin")),
        *(("", "bin"), ("toolong", "bin"), ("a/b", "bin"), ("mp3\n", "bin"), ("ä", "bin")),
    ],
)
def test_an_extension_is_five_letters_or_digits_and_never_the_sidecars(
    extension: str, kept: str
) -> None:
    assert audio_key(1, 2, 3, extension) == f"1/2/3.{kept}"


@given(ids, ids, ids, st.text(max_size=8))
def test_every_key_made_is_safe_and_is_read_back(
    lead: int, call: int, record: int, extension: str
) -> None:
    key = audio_key(lead, call, record, extension)
    parsed = parse_recording_key(check_key(key))
    assert parsed is not None
    assert parsed[:3] == (lead, call, record)
    assert not parsed.is_sidecar
    assert sidecar_key(key) != key
    assert parse_recording_key(sidecar_key(key)) == RecordingKey(lead, call, record, "json")


@pytest.mark.parametrize("ids_", [(-1, 2, 3), (1, -2, 3), (1, 2, 10**20)])
def test_impossible_ids_are_refused(ids_: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError):
        audio_key(*ids_, "mp3")


@pytest.mark.parametrize(
    "key",
    ["_archive/format.json", "1/2/3", "01/2/3.mp3", "1/2/3.MP3", "1/2/3/4.mp3"],
)
def test_what_is_no_recordings_key_is_not_taken_for_one(key: str) -> None:
    assert parse_recording_key(key) is None


def test_only_a_sidecar_has_revisions_and_only_audio_a_sidecar() -> None:
    with pytest.raises(ValueError):
        revision_key("1/2/3.mp3", 1)
    with pytest.raises(ValueError):
        revision_key("1/2/3.json", 0)
    with pytest.raises(ValueError):
        sidecar_key("1/2/3.json")


@given(st.text())
def test_a_checked_key_stays_below_its_root(key: str) -> None:
    try:
        check_key(key)
    except ValueError:
        return
    assert key.isascii()
    assert all(part not in {"", ".", ".."} for part in key.split("/"))


@pytest.mark.parametrize("prefix", ["", "a", "a/", "a/b", "_archive/ledger/0000"])
def test_a_prefix_may_end_anywhere(prefix: str) -> None:
    assert check_prefix(prefix) == prefix


@pytest.mark.parametrize("prefix", ["/", "/a", "a//", "../", "a/../b"])
def test_an_unsafe_prefix_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError):
        check_prefix(prefix)
