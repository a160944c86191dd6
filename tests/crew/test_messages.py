"""What crosses a process: the same unit comes out, and another version is refused."""

import json
from datetime import UTC, datetime

import pytest

from archiver import __version__
from archiver.crew.messages import (
    PROTOCOL,
    decode_answer,
    decode_batch,
    decode_failure,
    encode_answer,
    encode_batch,
    encode_failure,
    encode_unit,
)
from archiver.crew.unit import Brought, Unit
from archiver.errors import (
    ArchiverError,
    ConfigError,
    FetchError,
    StorageForbidden,
    StorageFull,
    UsageError,
)
from archiver.ledger.events import Erased, Stored
from archiver.ledger.lines import encode
from archiver.liner.fields import read_call, read_recording
from archiver.liner.models import Call
from archiver.reasons import Reason
from archiver.recordings.sidecar import Names

AT = datetime(2026, 11, 3, 1, 2, 3, tzinfo=UTC)

RECORD = {
    "id": 11,
    "leadId": "7",
    "fileUrl": "https://files.example.com/a?sig=s%2F1",
    "durationSeconds": 7.5,
    "recordSummary": "Said \ud83d and \u2028 ü",
    "nested": {"b": [1, None, {"a": True}], "a": 2**70},
    "createdAt": "2026-11-02T12:00:00.75+03:00",
}
CALL = {"id": 1, "leadId": 7, "createdAt": "2026-11-02T12:00:00.25Z", "hasRecords": 1, "x": [[]]}


def unit() -> Unit:
    call, recording = read_call(CALL), read_recording(RECORD)
    assert call is not None and recording is not None
    return Unit(call, recording.at("https://b.example.com/"), Names("Ann", None, "answered"), "k")


def batch(*units: Unit) -> bytes:
    return encode_batch("archive", "run", 4, [encode_unit(one) for one in units])


STORED = Stored(
    record_id=11,
    call_id=1,
    key="7/1/11.wav",
    bytes=3,
    sha256="a" * 64,
    content_type="audio/wav",
    sidecar_bytes=9,
    sidecar_sha256="b" * 64,
    metadata_sha256="c" * 64,
    has_summary=True,
    created_at=AT,
    findings=("duration-mismatch",),
)


def test_a_unit_arrives_as_it_was_sent() -> None:
    sent = unit()
    told = decode_batch(batch(sent))
    assert (told.archive_id, told.run_id, told.slots) == ("archive", "run", 4)
    (came,) = told.units
    assert came == sent
    assert (came.call.row, came.recording.row) == (CALL, RECORD)
    assert list(came.recording.row) == list(RECORD)


def test_a_call_that_only_the_catalog_remembers_arrives_as_it_was_sent() -> None:
    call = Call(5, lead_id=3, created_at=AT, has_records=True)
    recording = unit().recording
    (came,) = decode_batch(batch(Unit(call, recording, Names()))).units
    assert (came.call, came.call.row) == (call, {})


@pytest.mark.parametrize(
    "brought",
    [
        Brought((STORED,)),
        Brought(reason=Reason.DIFFERENT_BYTES, detail="other bytes", left="7/1/11.wav"),
        Brought(left="7/1/11.wav"),
    ],
    ids=["stored", "open", "dropped"],
)
def test_an_ending_arrives_as_it_was_sent(brought: Brought) -> None:
    data = encode_answer([brought, Brought()], lambda: AT)
    assert decode_answer(data, 2) == [brought, Brought()]


def test_a_failure_keeps_its_kind_its_words_and_its_exit_code() -> None:
    failure = StorageForbidden("no right to put", key="7/1/11.wav", hint="grant it")
    (came,) = decode_answer(encode_answer([Brought(failure=failure)], lambda: AT), 1)
    assert type(came.failure) is StorageForbidden
    assert (str(came.failure), came.failure.hint) == ("no right to put", "grant it")
    for kind in (StorageFull, ConfigError, UsageError):
        assert type(decode_failure(encode_failure(kind("said", hint="do")))) is kind


def test_a_failure_that_needs_more_than_words_is_still_a_failure() -> None:
    made = decode_failure(encode_failure(FetchError(Reason.STALLED, "stalled")))
    assert type(made) is ArchiverError
    assert str(made) == "stalled"


@pytest.mark.parametrize("head", [[PROTOCOL + 1, __version__], [PROTOCOL, "0.0.1"]], ids=str)
def test_another_version_is_refused_and_named(head: list[object]) -> None:
    sent = json.dumps({"head": [*head, "archive", "run", 4], "units": []}).encode()
    with pytest.raises(UsageError, match=r"versions of archiver differ.*" + str(head[1])):
        decode_batch(sent)
    with pytest.raises(UsageError, match="versions of archiver differ"):
        decode_answer(json.dumps({"head": head, "endings": []}).encode(), 0)


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"null", b'{"head":[1]}', b'{"head":7,"units":[]}', b"\xff"],
    ids=repr,
)
def test_what_is_no_message_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        decode_batch(data)
    with pytest.raises(ValueError):
        decode_answer(data, 0)


def test_an_answer_about_another_number_of_units_is_none() -> None:
    with pytest.raises(ValueError, match="number of units"):
        decode_answer(encode_answer([Brought()], lambda: AT), 2)


def test_an_answer_can_report_nothing_but_what_was_stored_or_revised() -> None:
    told = json.loads(encode_answer([Brought((STORED,))], lambda: AT))
    forged = encode(AT, "run", Erased(lead_id=7, before=AT))
    told["endings"][0]["events"] = [forged.decode()]
    with pytest.raises(ValueError, match="another kind"):
        decode_answer(json.dumps(told).encode(), 1)
