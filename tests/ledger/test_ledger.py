"""The ledger: a chain that a stranger can check, and that tells when it was touched."""

import hashlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import ArchiveDamaged, KeyExists
from archiver.ledger import lines, segments
from archiver.ledger.events import (
    CallJudged,
    CursorMoved,
    Event,
    Gone,
    OpenRecording,
    OrderSeen,
    Revised,
    RunEnded,
    Stored,
)
from archiver.ledger.lines import Entry
from archiver.ledger.log import Ledger
from archiver.ledger.segments import Head
from archiver.storage.base import ObjectInfo
from archiver.storage.memory import MemoryStorage

pytestmark = pytest.mark.anyio

AT = datetime(2026, 10, 2, 1, 0, 7, tzinfo=UTC)
ARCHIVE = "1b6b587f-eb6d-44d9-912e-1453acbaeadd"

EVENTS: list[Event] = [
    Stored(
        record_id=456,
        call_id=123,
        key="789/123/456.mp3",
        bytes=481280,
        sha256="ab" * 32,
        content_type="audio/mpeg",
        sidecar_bytes=1500,
        sidecar_sha256="cd" * 32,
        metadata_sha256="ef" * 32,
        has_summary=False,
        created_at=AT,
        duration_seconds=60,
        findings=("duration-mismatch",),
    ),
    Revised(
        record_id=456,
        revision=2,
        sidecar_bytes=1600,
        sidecar_sha256="01" * 32,
        metadata_sha256="23" * 32,
        has_summary=True,
        previous_key="_archive/revisions/789/123/456.1.json",
        previous_sha256="cd" * 32,
    ),
    CallJudged(
        call_id=123,
        state="failed",
        attempts=2,
        reason="cut-short",
        lead_id=789,
        has_records=True,
        asked_at=AT,
        due_at=AT,
        open_since=AT,
        recordings=(456, 457),
        open=(
            OpenRecording(
                record_id=457,
                state="failed",
                reason="cut-short",
                attempts=2,
                since=AT,
                missing_days=("2026-10-01",),
            ),
        ),
    ),
    Gone(record_id=457, call_id=123, missing_days=("2026-10-01", "2026-10-02", "2026-10-03")),
    OrderSeen(order_ids=(202, 203)),
    CursorMoved(kind="order", ids=(202,), until=AT, narrowed_to="users=1"),
    RunEnded(report_key="_archive/runs/1.json", report_sha256="45" * 32, complete=True),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.what)
def test_every_event_is_read_back_as_it_was_written(event: Event) -> None:
    assert lines.decode(lines.encode(AT, "run-1", event)) == Entry(AT, "run-1", event)


def test_an_event_of_a_later_version_is_passed_over() -> None:
    line = b'{"what":"sealed","at":"2026-10-02T01:00:07Z","run":"r","leadId":789}'
    assert lines.decode(line) == Entry(AT, "r", None)


@pytest.mark.parametrize(
    "line", [b"", b"[]", b"{}", b'{"what":"gone","at":"x","run":"r"}', b"\xff"]
)
def test_a_line_that_is_no_event_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        lines.decode(line)


async def ledger_of(*batches: list[bytes]) -> tuple[MemoryStorage, Ledger, Head]:
    storage = MemoryStorage()
    ledger, head = Ledger(storage, ARCHIVE), Head()
    for batch in batches:
        head = (await ledger.append(batch, after=head)).head
    return storage, ledger, head


async def bytes_of(storage: MemoryStorage) -> dict[str, bytes]:
    return {
        info.key: await storage.read(info.key, limit=10**6)
        async for info in storage.list("_archive/ledger/")
        if info.key.endswith(".jsonl")
    }


LATER = b'{"what":"later","at":"2026-01-01T02:00:00+01:00","run":"run-1"}'


@pytest.mark.parametrize("line", [LATER, *(lines.encode(AT, "run-1", one) for one in EVENTS)])
def test_a_line_is_read_as_it_is_decoded(line: bytes) -> None:
    require_equal(line)


def require_equal(line: bytes) -> None:
    read, decoded = lines.as_entry(lines.read(line)), lines.decode(line)
    assert (read.at, read.run, _members(read)) == (decoded.at, decoded.run, _members(decoded))
    assert read.at.tzinfo is UTC


def _members(entry: Entry) -> dict[str, object] | None:
    event = entry.event
    if event is None:
        return None
    found = msgspec.structs.asdict(event)
    return {"what": event.what} | {name: found[name] for name in found if name not in ("at", "run")}


CALL = b'{"what":"call","at":"2026-01-01T02:00:00+01:00","run":"r","callId":1,"attempts":0'


@pytest.mark.parametrize(
    "line",
    [
        CALL + b',"state":"none"}',
        CALL + b',"state":"none"} ',
        CALL + b',"state":"none","callId":2}',
        CALL + b',"state":"none","at":"2026-01-01T00:00:00Z"}',
        CALL + b',"state":"none","what":"order-seen","orderIds":[1]}',
        CALL + b',"state":"none","what":"later"}',
    ],
)
def test_an_unusual_line_is_read_as_it_is_decoded(line: bytes) -> None:
    require_equal(line)


@pytest.mark.parametrize(
    "line",
    [
        CALL + b"}",
        CALL + b',"state":"none\\n"}',
        CALL + b',"state":"none","at":5}',
        CALL + b',"state":"none"}' + CALL + b',"state":"none"}',
        CALL + b',"state":"none","other":' + b"[" * 100_000,
    ],
)
def test_what_cannot_be_decoded_cannot_be_read(line: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        lines.decode(line)
    with pytest.raises(ValueError, match=r".+"):
        lines.read(line)


async def test_a_stranger_can_check_the_chain_with_a_hash_and_a_json_reader() -> None:
    storage, _, head = await ledger_of([b'{"n":1}', b'{"n":2}'], [b'{"n":3}'])
    previous = None
    for number, (key, data) in enumerate(sorted((await bytes_of(storage)).items()), start=1):
        digest = hashlib.sha256(data).hexdigest()
        assert key == f"_archive/ledger/{number:08d}-{digest}.jsonl"
        header = json.loads(data.splitlines()[0])
        claim = f"{number:08d}.claim"
        told = {"segment": number, "archive": ARCHIVE, "previous": previous, "claim": claim}
        assert header == told
        claimed = await storage.read(f"_archive/ledger/{claim}", limit=1000)
        assert claimed == f"{digest}  {key}\n".encode()
        previous = digest
    assert previous == head.digest


async def test_what_is_appended_is_read_in_order_from_any_head() -> None:
    _, ledger, _ = await ledger_of([b'{"n":1}', b'{"n":2}'], [b'{"n":3}'], [b'{"n":4}'])
    whole = [segment async for segment in ledger.read_after(Head())]
    assert [line for segment in whole for line in segment.lines] == [
        b'{"n":1}',
        b'{"n":2}',
        b'{"n":3}',
        b'{"n":4}',
    ]
    rest = [segment async for segment in ledger.read_after(whole[0].head)]
    assert [segment.head.number for segment in rest] == [2, 3]


async def test_the_slower_of_two_writers_is_told_and_writes_nothing() -> None:
    storage, ledger, head = await ledger_of([b'{"n":1}'])
    await ledger.append([b'{"n":2}'], after=head)
    with pytest.raises(KeyExists):
        await ledger.append([b'{"n":99}'], after=head)
    assert len(await bytes_of(storage)) == 2


@given(st.data())
async def test_any_changed_byte_and_any_missing_segment_is_found(data: st.DataObject) -> None:
    storage, ledger, head = await ledger_of([b'{"n":1}'], [b'{"n":2}'], [b'{"n":3}'])
    key = data.draw(st.sampled_from(sorted(await bytes_of(storage))))
    content = await storage.read(key, limit=10**6)
    await storage.delete(key)
    if data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(content) - 1))
        flipped = bytes([content[place] ^ data.draw(st.integers(1, 255))])
        storage.write_behind(key, content[:place] + flipped + content[place + 1 :])
    elif segments.head_of(key) == head:
        return  # a chain alone cannot show that its tail was cut off: the next test can
    with pytest.raises(ArchiveDamaged):
        _ = [segment async for segment in ledger.read_after(Head())]


async def test_a_cut_tail_is_found_by_whoever_has_seen_the_head() -> None:
    storage, ledger, head = await ledger_of([b'{"n":1}'], [b'{"n":2}'])
    await storage.delete(max(await bytes_of(storage)))
    with pytest.raises(ArchiveDamaged, match="segment 2, which this machine has seen, is missing"):
        _ = [segment async for segment in ledger.read_after(head)]


async def test_a_segment_of_another_archive_does_not_fit() -> None:
    storage, _, _ = await ledger_of([b'{"n":1}'])
    with pytest.raises(ArchiveDamaged, match="another archive"):
        _ = [segment async for segment in Ledger(storage, "other").read_after(Head())]


async def test_what_a_reader_saw_being_written_is_listed_again() -> None:
    """A listing may miss what is written while it goes on, and show what came after it."""
    storage, _, _ = await ledger_of([b'{"n":1}'], [b'{"n":2}'], [b'{"n":3}'])
    missed = [key for key in await bytes_of(storage) if "00000002" in key]

    class Blinking(MemoryStorage):
        async def list(self, prefix: str = "") -> AsyncIterator[ObjectInfo]:
            async for info in super().list(prefix):
                if info.key in missed:
                    missed.remove(info.key)
                else:
                    yield info

    blinking = Blinking()
    blinking.objects = storage.objects
    found = [one.head.number async for one in Ledger(blinking, ARCHIVE).read_after(Head())]
    assert found == [1, 2, 3]
