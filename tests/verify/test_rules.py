"""A sidecar with the right digest must still be one, and say what the ledger says."""

import json
from typing import Any

import pytest

from archiver.storage.base import Reading
from archiver.verify.inventory import Expected, Kind
from archiver.verify.rules import judge
from tests.support.witness import digest

AUDIO = "5" * 64
CARD: dict[str, Any] = {
    "format": "liner-recording/1",
    "recordId": 3,
    "callId": 2,
    "recordSummary": None,
    "call": {"id": 2},
    "record": {"id": 3, "note": "NOTE"},
    "audio": {"key": "1/2/3.mp3", "sha256": AUDIO},
    "revision": 1,
}


def judged(content: bytes) -> str | None:
    sha256 = digest(content)
    expected = Expected(
        key="1/2/3.json",
        kind=Kind.SIDECAR,
        sha256=sha256,
        size=len(content),
        at="2026-01-01T00:00:00Z",
        record_id=3,
        call_id=2,
        revision=1,
        audio_sha256=AUDIO,
        audio_key="1/2/3.mp3",
    )
    finding = judge(expected, Reading("1/2/3.json", len(content), sha256, content))
    return None if finding is None else finding.name


def with_note(note: bytes) -> bytes:
    return json.dumps(CARD).encode().replace(b'"NOTE"', note)


NOTES = [b'"\xc3\xa9"', rb'"\ud800"', b"1e999", b"{}", b"[" * 50 + b"]" * 50]


@pytest.mark.parametrize("note", NOTES)
def test_a_sidecar_may_have_any_json_in_its_rows(note: bytes) -> None:
    assert judged(with_note(note)) is None


@pytest.mark.parametrize(
    "note",
    [b'"\xff"', rb'"\q"', b'"a\nb"', b"01", b"NaN", b"[1,]", b"{1:2}", b"[" * 9999 + b"]" * 9999],
)
def test_a_sidecar_that_is_no_json_is_found_in_members_too_that_nobody_compares(
    note: bytes,
) -> None:
    assert judged(with_note(note)) == "sidecar-unreadable"


@pytest.mark.parametrize("member", CARD)
def test_every_member_of_a_sidecar_that_is_needed_is_missed(member: str) -> None:
    wanted = {"recordId": "sidecar-disagrees", "callId": "sidecar-disagrees"}
    without = {name: value for name, value in CARD.items() if name != member}
    assert judged(json.dumps(without).encode()) == wanted.get(member, "sidecar-unreadable")


@pytest.mark.parametrize(
    "changed",
    [
        {"recordId": 4},
        {"callId": 4},
        {"revision": 2},
        {"audio": {"key": "1/2/4.mp3", "sha256": AUDIO}},
        {"audio": {"key": "1/2/3.mp3", "sha256": "6" * 64}},
    ],
)
def test_a_sidecar_that_contradicts_the_ledger_is_found(changed: dict[str, Any]) -> None:
    assert judged(json.dumps(CARD | changed).encode()) == "sidecar-disagrees"
