"""Two writers, one number: exactly one segment counts, whatever arrives when."""

import hashlib
import itertools
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archiver.errors import ArchiveDamaged, KeyExists
from archiver.ledger import segments
from archiver.ledger.claims import SETTLE_FORK, claim_key, claim_of, claimed_head, claimed_number
from archiver.ledger.events import Gone
from archiver.ledger.lines import encode
from archiver.ledger.log import Ledger
from archiver.ledger.segments import Head, Segment
from archiver.ledger.walk import Walk
from archiver.storage.base import Body, Storage
from archiver.storage.local.folder import LocalStorage
from archiver.storage.memory import MemoryStorage
from archiver.verify.chain import chain_finding

pytestmark = pytest.mark.anyio

ARCHIVE = "1b6b587f-eb6d-44d9-912e-1453acbaeadd"


def line(number: int) -> bytes:
    event = Gone(record_id=number, call_id=1, missing_days=("2026-10-01",))
    return encode(datetime(2026, 10, 2, tzinfo=UTC), "r", event)


async def start(count: int = 1) -> tuple[MemoryStorage, Ledger, Head]:
    storage, head = MemoryStorage(), Head()
    ledger = Ledger(storage, ARCHIVE)
    for number in range(count):
        head = (await ledger.append([line(number)], after=head)).head
    return storage, ledger, head


def late(after: Head, number: int = 99) -> Segment:
    """The segment of a writer that has lost the lock."""
    return segments.link(after, ARCHIVE, [line(number)])


def of_old(after: Head, number: int) -> Segment:
    """A segment as archiver 0.1 wrote it."""
    header, _, rest = late(after, number).data.partition(b"\n")
    data = header[: header.index(b',"claim"')] + b"}\n" + rest
    head = Head(after.number + 1, hashlib.sha256(data).hexdigest())
    return Segment(head, after.digest, ARCHIVE, data, (line(number),), asks_for_claim=False)


async def told(ledger: Ledger) -> list[bytes]:
    return [line for one in [s async for s in ledger.read_after(Head())] for line in one.lines]


async def walked(storage: Storage) -> tuple[list[bytes], list[str], list[str]]:
    """Lines that count, keys that are set aside, keys that are broken."""
    steps = [step async for step in Walk(storage, ARCHIVE).steps()]
    return (
        [line for step in steps for line in step.lines],
        [step.key for step in steps if step.set_aside],
        [one.key for step in steps for one in step.breaks],
    )


async def test_a_segment_that_comes_too_late_is_set_aside_by_every_reader() -> None:
    storage, ledger, head = await start()
    stale = late(head)
    head = (await ledger.append([line(1)], after=head)).head
    storage.write_behind(stale.key, stale.data)
    for count in (2, 3):
        lines = [line(number) for number in range(count)]
        assert await told(ledger) == lines
        assert await walked(storage) == (lines, [stale.key], [])
        head = (await ledger.append([line(count)], after=head)).head


async def test_a_writer_that_comes_too_late_with_its_claim_tells_again() -> None:
    storage, ledger, head = await start()
    stale = late(head)
    storage.write_behind(stale.key, stale.data)
    with pytest.raises(KeyExists):  # the next writer claims it, since it is whole
        await ledger.append([line(1)], after=head)
    assert await told(ledger) == [line(0), line(99)]
    with pytest.raises(KeyExists):
        await ledger.append([line(1)], after=head)
    await ledger.append([line(1)], after=stale.head)
    assert await told(ledger) == [line(0), line(99), line(1)]


async def test_what_nobody_has_claimed_is_not_told_yet() -> None:
    storage, ledger, head = await start()
    stale = late(head)
    storage.write_behind(stale.key, stale.data)
    assert await told(ledger) == [line(0)]
    walk = Walk(storage, ARCHIVE)
    assert [s.set_aside for s in [step async for step in walk.steps()]] == [False, True]
    assert [step async for step in walk.steps()] == []
    await storage.put(claim_key(2), claim_of(stale.head))
    assert [step.lines async for step in walk.steps()] == [(line(99),)]
    assert await told(ledger) == [line(0), line(99)]


@pytest.mark.parametrize("spoil", [lambda data: data + b"no event\n", lambda data: data[:-9]])
async def test_what_is_no_segment_is_not_claimed_for_anybody(
    spoil: Callable[[bytes], bytes],
) -> None:
    storage, ledger, head = await start()
    data = spoil(late(head).data)
    key = segments.segment_key(Head(2, hashlib.sha256(data).hexdigest()))
    storage.write_behind(key, data)
    await ledger.append([line(1)], after=head)
    assert await told(ledger) == [line(0), line(1)]


@pytest.mark.parametrize("order", sorted(set(itertools.permutations("aabb"))), ids="".join)
@pytest.mark.parametrize("medium", ["memory", "disk"])
async def test_every_order_of_two_writers_leaves_one_that_counts(
    order: Sequence[str], medium: str, tmp_path: Path
) -> None:
    """Each writer puts its body, then its claim, and neither knows that it lost the lock."""
    storage: Storage = MemoryStorage() if medium == "memory" else LocalStorage(tmp_path)
    ledger = Ledger(storage, ARCHIVE)
    head = (await ledger.append([line(0)], after=Head())).head
    writers = {"a": late(head, 1), "b": late(head, 2)}
    has_written: set[str] = set()
    believed: list[Segment] = []
    for who in order:
        segment = writers[who]
        if who not in has_written:
            has_written.add(who)
            await storage.put(segment.key, body_of(segment))
            continue
        with suppress(KeyExists):
            await ledger._claim(segment.head)
            believed.append(segment)
    (winner,) = believed
    lines = [line(0), *winner.lines]
    assert await told(ledger) == lines
    aside = [one.key for one in writers.values() if one is not winner]
    assert await walked(storage) == (lines, aside, [])


async def test_a_claim_whose_segment_was_removed_is_damage() -> None:
    storage, ledger, head = await start(2)
    await storage.delete(segments.segment_key(head))
    with pytest.raises(ArchiveDamaged, match="segment 2, which this machine has seen, is missing"):
        await told(ledger)
    assert (await walked(storage))[2] == [segments.segment_key(head)]


async def test_a_ledger_of_archiver_0_1_is_read_and_gone_on_with() -> None:
    storage, ledger, head = await start(0)
    for number in range(3):
        old = of_old(head, number)
        storage.write_behind(old.key, old.data)
        head = old.head
    lines = [line(number) for number in range(3)]
    assert await told(ledger) == lines
    with pytest.raises(KeyExists):
        await ledger.append([line(9)], after=Head(2, old.previous))
    await ledger.append([line(3)], after=head)
    assert await told(ledger) == [*lines, line(3)]
    assert await walked(storage) == ([*lines, line(3)], [], [])


async def test_of_a_fork_that_archiver_0_1_left_the_one_counts_that_was_gone_on_from() -> None:
    storage, ledger, head = await start()
    ours, theirs = of_old(head, 1), of_old(head, 2)
    await write(storage, [ours, theirs])
    with pytest.raises(ArchiveDamaged, match="2 segments with number 2"):
        await told(ledger)
    assert len((await walked(storage))[2]) == 1
    after = late(ours.head, 3)
    await write(storage, [after])
    await storage.put(claim_key(3), claim_of(after.head))
    lines = [line(0), line(1), line(3)]
    assert await told(ledger) == lines
    assert await walked(storage) == (lines, [theirs.key], [])


async def test_a_fork_of_archiver_0_1_at_the_end_is_settled_by_doing_what_is_advised() -> None:
    storage, ledger, head = await start()
    ours, theirs = of_old(head, 1), of_old(head, 2)
    await write(storage, [ours, theirs])
    with pytest.raises(ArchiveDamaged) as caught:
        await told(ledger)
    assert caught.value.hint == SETTLE_FORK
    steps = [step async for step in Walk(storage, ARCHIVE).steps()]
    (broken,) = [one for step in steps for one in step.breaks]
    assert chain_finding(broken).next == SETTLE_FORK
    moved, kept = (ours, theirs) if broken.key == ours.key else (theirs, ours)
    await storage.delete(moved.key)
    assert len(await told(ledger)) == 2
    await ledger.append([line(3)], after=kept.head)
    assert (await walked(storage))[1:] == ([], [])
    await write(storage, [moved])
    assert (await walked(storage))[1:] == ([moved.key], []), "now something says which counts"


def body_of(segment: Segment) -> Body:
    digest = str(segment.head.digest)
    return Body(segment.data, len(segment.data), digest)


async def write(storage: MemoryStorage, some: Sequence[Segment]) -> None:
    for one in some:
        storage.write_behind(one.key, one.data)


def test_a_claim_is_a_line_of_sha256sum_and_names_one_segment() -> None:
    head = Head(7, "ab" * 32)
    content = claim_of(head).source
    assert content == f"{'ab' * 32}  _archive/ledger/00000007-{'ab' * 32}.jsonl\n".encode()
    assert isinstance(content, bytes)
    assert claimed_head(7, content) == head
    assert claimed_number(claim_key(7)) == 7
    assert claimed_number("_archive/ledger/00000007.claims") is None
    for wrong in (b"", content[:-1], content + content, b"x" * 200):
        with pytest.raises(ArchiveDamaged):
            claimed_head(7, wrong)
    with pytest.raises(ArchiveDamaged):
        claimed_head(8, content)
