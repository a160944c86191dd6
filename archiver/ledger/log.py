"""The ledger as it lies in a storage: read in order, appended to by one writer at a time.

Runs lock the archive, but holds and exports write to the ledger too, and need none. So an
append takes the short append lock, looks whether its number is still free, and writes create-only.
A writer that finds the number taken raises KeyExists: it reads on, and tries again with the next.
"""

from collections.abc import AsyncIterator, Sequence

from archiver.errors import ArchiveDamaged, KeyExists
from archiver.ledger.segments import (
    MOST_BYTES,
    Head,
    Segment,
    head_of,
    link,
    lost,
    number_prefix,
    read,
)
from archiver.storage.base import Body, Storage
from archiver.storage.keys import LEDGER_PREFIX
from archiver.storage.lease import LeaseTimes
from archiver.storage.lock import LEASE_TIMES, append_lock


class Ledger:
    """The chain of segments of one archive. `lease` times the lock of its end."""

    def __init__(
        self, storage: Storage, archive_id: str, *, lease: LeaseTimes = LEASE_TIMES
    ) -> None:
        self._storage = storage
        self._archive_id = archive_id
        self._lease = lease

    async def read_after(self, head: Head) -> AsyncIterator[Segment]:
        """Every segment after `head`, in order, each checked against the one before.

        Raises ArchiveDamaged when the chain does not hold: a segment is missing, altered, doubled
        or foreign, or the ledger ends before `head`.
        """
        for key in await self._keys_after(head):
            data = await self._storage.read(key, limit=MOST_BYTES)
            segment = read(key, data, after=head, archive_id=self._archive_id)
            yield segment
            head = segment.head

    async def append(self, lines: Sequence[bytes], *, after: Head) -> Segment:
        """Write the segment that follows `after`.

        Raises KeyExists when another writer was faster: read on from `after`, and try again.
        """
        segment = link(after, self._archive_id, lines)
        body = Body(
            segment.data, len(segment.data), str(segment.head.digest), "application/x-ndjson"
        )
        async with append_lock(self._storage, times=self._lease):
            taken = await self._key_of(segment.head.number)
            if taken is not None:
                raise KeyExists("another writer wrote the next segment", key=taken)
            await self._storage.put(segment.key, body)
        return segment

    async def _key_of(self, number: int) -> str | None:
        """The key of the segment with that number. Two of one number are a fork: damage."""
        keys = [one.key async for one in self._storage.list(number_prefix(number))]
        if len(keys) > 1:
            raise ArchiveDamaged(
                f"the ledger does not hold: there are {len(keys)} segments with number {number}",
                hint="nothing was changed; keep the one that the next segment names",
            )
        return keys[0] if keys else None

    async def _keys_after(self, head: Head) -> list[str]:
        """The keys of all later segments; ArchiveDamaged when `head` itself is there no more."""
        later, is_there = [], head.number == 0
        async for info in self._storage.list(LEDGER_PREFIX):
            found = head_of(info.key)
            if found is None:
                continue
            is_there = is_there or found == head
            if found.number > head.number:
                later.append(info.key)
        if not is_there:
            raise lost(head)
        return later
