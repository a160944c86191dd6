"""The ledger in a storage: read in order, appended to by one writer at a time.

Runs lock the archive, but holds and exports write to the ledger without that lock. So an append
acquires the short append lock, checks whether its number is still free, writes its segment and
claims the number, both create-only. A writer that finds the number taken raises KeyExists: it reads
on, and tries the next number. `claims.py` explains which segment is valid if the lock was lost
meanwhile.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import anyio
from msgspec import Struct, field

from archiver.errors import ArchiveDamaged, KeyExists
from archiver.ledger.claims import (
    MOST_CLAIM_BYTES,
    SETTLE_FORK,
    are_events,
    claim_key,
    claim_of,
    claimed_head,
    claimed_number,
)
from archiver.ledger.segments import (
    MOST_BYTES,
    Head,
    Segment,
    head_of,
    link,
    lost,
    number_stem,
    previous_of,
    read,
    segment_key,
)
from archiver.storage.base import Body, Storage
from archiver.storage.keys import LEDGER_PREFIX
from archiver.storage.lease import LeaseTimes
from archiver.storage.lock import LEASE_TIMES, append_lock


class Numbers(Struct):
    """The objects of the ledger by number: the keys of segments, and which numbers are claimed."""

    segments: dict[int, list[str]] = field(default_factory=dict)
    claimed: set[int] = field(default_factory=set)

    def note(self, key: str) -> None:
        """Add a key; keys that are neither a segment nor a claim are ignored."""
        head, claimed = head_of(key), claimed_number(key)
        if head is not None:
            self.segments.setdefault(head.number, []).append(key)
        elif claimed is not None:
            self.claimed.add(claimed)

    def has_gap_after(self, number: int) -> bool:
        """Whether a number above that one has no segment, although it is claimed or was passed."""
        numbers = {one for one in self.claimed | set(self.segments) if one > number}
        return any(one not in self.segments for one in range(number + 1, max(numbers, default=0)))

    def is_last(self, number: int) -> bool:
        """Whether nothing has a higher number."""
        return not any(one > number for one in self.claimed | set(self.segments))


class Ledger:
    """The chain of segments of one archive. `lease` is the timing of its append lock."""

    def __init__(
        self, storage: Storage, archive_id: str, *, lease: LeaseTimes = LEASE_TIMES
    ) -> None:
        self._storage = storage
        self._archive_id = archive_id
        self._lease = lease
        self._locked_by: int | None = None

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """Hold the append lock, which should be short, for what this task appends in the block.

        The lock takes a round trip to S3: so it can be acquired while the last thing is stored that
        a segment is to name. Other tasks wait for the lock as other processes do.
        """
        task = anyio.get_current_task().id
        if self._locked_by == task:
            yield
            return
        async with append_lock(self._storage, times=self._lease):
            self._locked_by = task
            try:
                yield
            finally:
                self._locked_by = None

    async def read_after(self, head: Head) -> AsyncIterator[Segment]:
        """Every valid segment after `head`, in order, each checked against the one before.

        Raises ArchiveDamaged if the chain is broken: a segment is missing, altered or foreign, or
        the ledger ends before `head`.
        """
        numbers = await self._numbers(head)
        while not numbers.is_last(head.number):
            segment = await self._next(head, numbers)
            if segment is None:
                return
            yield segment
            head = segment.head

    async def append(self, lines: Sequence[bytes], *, after: Head) -> Segment:
        """Write the segment that follows `after`.

        Raises KeyExists if another writer was faster: read on from `after`, and try again.
        """
        segment = link(after, self._archive_id, lines)
        body = Body(
            segment.data, len(segment.data), str(segment.head.digest), "application/x-ndjson"
        )
        async with self.locked():
            await self._require_free(after)
            await self._storage.put(segment.key, body)
            await self._claim(segment.head)
        return segment

    async def claim_left(self, after: Head) -> bool:
        """Claim an undamaged segment that follows `after` and was left unclaimed, for its writer.

        Returns whether there is more to read now. Decisions based on the ledger must include it:
        its events are true, and someone will claim it sooner or later.
        """
        number, numbers = after.number + 1, Numbers()
        async for info in self._storage.list(number_stem(number)):
            numbers.note(info.key)
        if not numbers.segments:
            return False
        try:
            async with self.locked():
                await self._require_free(after)
        except KeyExists:
            return True
        return False

    async def _require_free(self, after: Head) -> None:
        """Raise KeyExists unless the number after that one is free.

        An undamaged segment that is unclaimed is claimed here for its writer.
        """
        number, numbers = after.number + 1, Numbers()
        async for info in self._storage.list(number_stem(number)):
            numbers.note(info.key)
        if number in numbers.claimed:
            raise _taken(claim_key(number))
        for one in await self._following(after, numbers.segments.get(number, [])):
            if one.asks_for_claim and not are_events(one.lines):
                continue
            if one.asks_for_claim:
                await self._claim(one.head)
            raise _taken(one.key)

    async def _claim(self, head: Head) -> None:
        """Make that segment valid; KeyExists if another one is."""
        key = claim_key(head.number)
        try:
            await self._storage.put(key, claim_of(head))
        except KeyExists:
            if await self._claimed(head.number) != head:
                raise _taken(key) from None

    async def _claimed(self, number: int) -> Head:
        content = await self._storage.read(claim_key(number), limit=MOST_CLAIM_BYTES)
        return claimed_head(number, content)

    async def _next(self, after: Head, numbers: Numbers) -> Segment | None:
        """The valid segment that follows; None if it is not claimed yet."""
        number = after.number + 1
        keys = numbers.segments.get(number, [])
        if len(keys) == 1 and number + 1 in numbers.segments:
            return await self._read(
                keys[0], after
            )  # the next segment names it, or the chain is broken
        if number in numbers.claimed:
            head = await self._claimed(number)
            if head not in map(head_of, keys):
                raise lost(head)
            return await self._read(segment_key(head), after)
        found = await self._following(after, keys)
        if not found and keys:
            return await self._read(keys[0], after)  # raises what is wrong with it
        if not found:
            raise lost(Head(number))
        named = await self._named_by(numbers.segments.get(number + 1, []))
        counting = [one for one in found if one.head.digest in named]
        counting = counting or [one for one in found if not one.asks_for_claim]
        if len(counting) > 1:
            raise ArchiveDamaged(
                f"damaged ledger: there are {len(keys)} segments with number {number}",
                hint=SETTLE_FORK,
            )
        return counting[0] if counting else None

    async def _following(self, after: Head, keys: Sequence[str]) -> list[Segment]:
        """Those segments that are undamaged and follow that one."""
        found = []
        for key in keys:
            try:
                found.append(await self._read(key, after))
            except ArchiveDamaged:
                continue
        return found

    async def _named_by(self, keys: Sequence[str]) -> set[str | None]:
        """The digests that those segments name as the one before them."""
        data = [await self._storage.read(key, limit=MOST_BYTES) for key in keys]
        return {previous_of(one) for one in data}

    async def _read(self, key: str, after: Head) -> Segment:
        data = await self._storage.read(key, limit=MOST_BYTES)
        return read(key, data, after=after, archive_id=self._archive_id)

    async def _numbers(self, head: Head) -> Numbers:
        """The objects of the ledger, listed again if an expected one is missing.

        It may have been written during the first listing. Raises ArchiveDamaged if `head` itself is
        missing.
        """
        for _ in range(2):
            numbers = Numbers()
            async for info in self._storage.list(LEDGER_PREFIX):
                numbers.note(info.key)
            is_there = head.number == 0 or segment_key(head) in numbers.segments.get(
                head.number, []
            )
            if is_there and not numbers.has_gap_after(head.number):
                break
        if not is_there:
            raise lost(head)
        return numbers


def _taken(key: str) -> KeyExists:
    return KeyExists("another writer wrote the next segment", key=key)
