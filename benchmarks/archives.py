"""Creates archives of any size on a disk, for measuring how fast they are read back.

Everything is as a run would have left it (sidecars, events, segments), except that the audio is
noise of the requested length.
"""

import hashlib
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from archiver.archive.format import encode_format
from archiver.ledger.claims import claim_key, claim_of
from archiver.ledger.events import CallJudged, Event, RunEnded, Stored
from archiver.ledger.lines import encode
from archiver.ledger.segments import Head, link
from archiver.liner.models import Call, Recording
from archiver.recordings import sidecar
from archiver.recordings.sidecar import Audio, Names
from archiver.storage.keys import FORMAT_KEY, RUNS_PREFIX, audio_key, sidecar_key

ARCHIVE_ID = "00000000-0000-4000-8000-000000000001"
START = datetime(2026, 1, 1, tzinfo=UTC)
RUN = "20260101T000000Z-000000"
EVENTS_A_SEGMENT = 1000
CALLS_A_LEAD = 4


def write_archive(root: Path, recordings: int, *, size: int, ledger_only: bool = False) -> None:
    """Write an archive of this many recordings of about `size` bytes; optionally only its
    ledger."""
    (root / "_archive/ledger").mkdir(parents=True)
    (root / FORMAT_KEY).write_bytes(encode_format(ARCHIVE_ID))
    lines: list[bytes] = []
    head = Head()
    for event in _events(root, recordings, size, write=not ledger_only):
        lines.append(encode(START, RUN, event))
        if len(lines) == EVENTS_A_SEGMENT:
            head, lines = write_segment(root, head, lines), []
    key, report = f"{RUNS_PREFIX}{RUN}.json", b'{"complete": true}\n'
    (root / RUNS_PREFIX).mkdir()
    (root / key).write_bytes(report)
    ended = RunEnded(report_key=key, report_sha256=_sha256(report), complete=True)
    write_segment(root, head, [*lines, encode(START, RUN, ended)])


def write_segment(root: Path, head: Head, lines: list[bytes]) -> Head:
    """Write the segment of these lines and its claim; returns the new head."""
    segment = link(head, ARCHIVE_ID, lines)
    (root / segment.key).write_bytes(segment.data)
    claim = claim_of(segment.head).source
    assert isinstance(claim, bytes)
    (root / claim_key(segment.head.number)).write_bytes(claim)
    return segment.head


def _events(root: Path, recordings: int, size: int, *, write: bool) -> Iterator[Event]:
    choice = random.Random(7)
    noise = choice.randbytes(2 * size)
    for number in range(1, recordings + 1):
        lead, call_id, record_id = number // CALLS_A_LEAD + 1, number + 10**6, number + 10**7
        start = choice.randrange(size)
        audio = record_id.to_bytes(8, "big") + noise[start : start + size]
        stored, card = _stored(lead, call_id, record_id, audio)
        if write:
            path = root / stored.key
            path.parent.mkdir(parents=True)
            path.write_bytes(audio)
            (root / sidecar_key(stored.key)).write_bytes(card)
        yield stored
        yield CallJudged(
            call_id=call_id,
            state="archived",
            attempts=0,
            lead_id=lead,
            order_id=number % 20 + 1,
            user_id=number % 50 + 1,
            created_at=START + timedelta(seconds=number),
            talk_seconds=60.0,
            has_records=True,
            asked_at=START + timedelta(seconds=number + 600),
            recordings=(record_id,),
        )


def _stored(lead: int, call_id: int, record_id: int, audio: bytes) -> tuple[Stored, bytes]:
    at = START + timedelta(seconds=record_id % 10**7)
    row = {"id": record_id, "leadId": lead, "durationSeconds": 60, "fileUrl": "https://x.example/a"}
    call = Call(call_id, lead_id=lead, order_id=1, user_id=1, created_at=at, row={"id": call_id})
    recording = Recording(record_id, lead_id=lead, created_at=at, duration_seconds=60.0, row=row)
    key = audio_key(lead, call_id, record_id, "mp3")
    facts = Audio(key, len(audio), _sha256(audio), "audio/mpeg", 60.0, ())
    names = Names("Anna Price", "Delivery line", "answered")
    card = sidecar.compose(
        call, recording, names, facts, found_under=call_id, archived_at=at, version="1"
    ).encode()
    stored = Stored(
        record_id=record_id,
        call_id=call_id,
        key=key,
        bytes=facts.size,
        sha256=facts.sha256,
        content_type=facts.content_type,
        sidecar_bytes=len(card),
        sidecar_sha256=_sha256(card),
        metadata_sha256=sidecar.metadata_digest(recording),
        has_summary=False,
        lead_id=lead,
        user_id=1,
        created_at=at,
        duration_seconds=60.0,
    )
    return stored, card


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
