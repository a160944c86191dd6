"""The sidecar: complete, readable without our tools, and free of secrets."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from archiver.liner.fields import read_call, read_recording
from archiver.liner.models import Call, Recording, Row
from archiver.recordings import sidecar
from archiver.recordings.sidecar import Audio, Names, Sidecar

AT = datetime(2026, 10, 2, 1, 0, 7, tzinfo=UTC)
NAMES = Names("Anna Price", "Delivery line", "answered")
AUDIO = Audio("789/123/456.mp3", 481280, "ab" * 32, "audio/mpeg", 60.1, ())
CALL: Row = {
    "id": 123,
    "leadId": 789,
    "orderId": 202,
    "userId": 101,
    "clientPhone": "+79001234567",
    "createdAt": "2026-10-01T08:31:00Z",
    "somethingNew": [1, {"deep": None}],
}
RECORD: Row = {
    "id": 456,
    "userId": 101,
    "leadId": 789,
    "isTransfer": False,
    "durationSeconds": 60,
    "fileUrl": "https://user:secret@files.example.com/a/456.mp3?X-Sig=secret#secret",
    "recordSummary": None,
    "createdAt": "2026-10-01T08:31:17Z",
}


def call(**changes: object) -> Call:
    read = read_call({**CALL, **changes})
    assert read is not None
    return read


def recording(**changes: object) -> Recording:
    read = read_recording({**RECORD, **changes})
    assert read is not None
    return read


def first(the_call: Call | None = None, the_recording: Recording | None = None) -> Sidecar:
    return sidecar.compose(
        the_call or call(),
        the_recording or recording(),
        NAMES,
        AUDIO,
        found_under=123,
        archived_at=AT,
        version="0.1.0",
    )


def later(old: Sidecar, the_recording: Recording, names: Names = NAMES) -> Sidecar | None:
    return sidecar.revise(
        old, call(), the_recording, names, archived_at=AT + timedelta(days=1), version="0.1.0"
    )


def test_a_sidecar_has_the_promised_members_in_the_promised_order() -> None:
    told = json.loads(first().encode())
    assert list(told) == [
        "format",
        "recordId",
        "callId",
        "leadId",
        "orderId",
        "userId",
        "userName",
        "orderTitle",
        "statusCode",
        "createdAt",
        "durationSeconds",
        "recordSummary",
        "isTransfer",
        "call",
        "record",
        "audio",
        "revision",
        "archivedAt",
        "archiver",
    ]
    assert told["createdAt"] == "2026-10-01T08:31:17Z"
    assert told["durationSeconds"] == 60
    assert told["recordSummary"] is None
    assert told["call"] == CALL
    assert told["audio"]["bytes"] == 481280


def test_no_address_keeps_what_makes_it_a_secret() -> None:
    odd = {
        "mirror": "https://files.example.com/456.mp3?sig=secret",
        "parts": [{"url": "//cdn.example.com/1?secret"}],
        "fileUrl": "/files/456.mp3?secret",
    }
    for sample in (first(), first(the_recording=recording(**odd))):
        assert b"secret" not in sample.encode()
    assert first().record["fileUrl"] == "https://files.example.com/a/456.mp3"
    assert first(the_recording=recording(**odd)).record["fileUrl"] == "/files/456.mp3"


def test_text_that_only_mentions_an_address_stays_as_it_is() -> None:
    said = "He asked to see https://shop.example.com/?item=4 and //slashes"
    assert first(the_recording=recording(recordSummary=said)).fields["recordSummary"] == said


def test_any_text_makes_valid_json_and_valid_utf_8() -> None:
    hostile = 'Клиент "\ud800" <img onerror=x>\n\x1b[31m\u202e'
    data = first(the_recording=recording(recordSummary=hostile)).encode()
    assert json.loads(data.decode())["recordSummary"] == hostile
    assert "Клиент" in data.decode()
    assert data.count(b"\n") == len(json.loads(data)) + 2  # one member a line


def test_a_summary_that_arrives_makes_the_next_revision() -> None:
    revised = later(first(), recording(recordSummary="He paid."))
    assert revised is not None
    assert (revised.revision, revised.fields["recordSummary"]) == (2, "He paid.")
    assert revised.has_summary
    assert revised.fields["audio"] == first().fields["audio"]
    assert revised.fields["archivedAt"] == "2026-10-03T01:00:07Z"


def test_a_new_address_is_no_new_revision() -> None:
    fresh = recording(fileUrl="https://other.example.com/456.mp3?sig=2")
    assert later(first(), fresh) is None
    assert sidecar.metadata_digest(fresh) == sidecar.metadata_digest(recording())


def test_a_lean_row_takes_nothing_away() -> None:
    old = first(the_recording=recording(recordSummary="He paid."))
    lean = read_recording({name: RECORD[name] for name in ("id", "isTransfer", "fileUrl")})
    assert lean is not None
    assert later(old, lean) is None


def test_a_deleted_agent_keeps_the_name_that_was_known() -> None:
    revised = later(first(), recording(recordSummary="He paid."), Names())
    assert revised is not None
    assert revised.fields["userName"] == "Anna Price"


def test_the_lead_and_the_agent_of_the_call_stand_in_for_those_of_the_recording() -> None:
    told = first(the_recording=recording(leadId=None, userId=None)).fields
    assert (told["leadId"], told["userId"]) == (789, 101)


def test_what_is_written_is_read_back() -> None:
    assert sidecar.decode(first().encode()) == first()


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b'{"format": "other/1"}', b'{"format": "liner-recording/1"}', b"\xff\xfe"],
)
def test_what_is_no_sidecar_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        sidecar.decode(data)
