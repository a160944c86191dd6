"""An open archive: storage, ledger and the catalog that mirrors it (`opening` opens one)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import anyio

from archiver.archive.pace import REAL_PACE, Pace
from archiver.catalog.answers import Answers
from archiver.catalog.catalog import Catalog
from archiver.errors import KeyExists
from archiver.ledger.events import Event
from archiver.ledger.lines import encode
from archiver.ledger.log import Ledger
from archiver.ledger.segments import Head, Segment
from archiver.storage.base import Storage
from archiver.storage.lock import AcquiredLock


class Readable(Protocol):
    """An archive as far as it can be read and asked: an open one, or the desk's view of it."""

    @property
    def storage(self) -> Storage: ...  # noqa: D102 - as an archive has it
    @property
    def archive_id(self) -> str: ...  # noqa: D102
    @property
    def catalog(self) -> Answers: ...  # noqa: D102


@dataclass(slots=True)
class Archive:
    """An open archive. Only the owner of its lock records; whoever watches may `announce`.

    `lock` tells how the last owner of the lock ended, and the next one how this one does.
    """

    storage: Storage
    archive_id: str
    ledger: Ledger
    catalog: Catalog
    is_watched: bool = False
    pace: Pace = REAL_PACE
    lock: AcquiredLock = field(default_factory=lambda: AcquiredLock(found_left=False))
    _publishing: anyio.Lock = field(default_factory=anyio.Lock)

    async def publish(self, *, least: int = 1) -> Head:
        """Write waiting events to the ledger, a segment at a time, while at least `least` wait.

        Another writer may be faster; its segments are taken in first. Returns the newest head. An
        archive that is only watched publishes nothing.
        """
        if self.is_watched:
            return await self.catalog.head()
        async with self._publishing:
            head = await self.catalog.head()
            while self.catalog.waiting_events >= least:
                last, lines = await self.catalog.outbox(self.pace.segment_events)
                if not lines:
                    break  # no segment is ever empty
                try:
                    segment = await self.ledger.append(lines, after=head)
                except KeyExists:
                    head = await self.catch_up()
                    continue
                head = segment.head
                await self.catalog.published(last, head)
            return head

    async def announce(self, events: Sequence[Event], *, at: datetime, run: str) -> Head:
        """Tell the ledger something, also without the lock: holds and exports do.

        Runs learn of it when they catch up.
        """

        async def these() -> Sequence[Event]:
            return events

        return await self.decide(these, at=at, run=run)

    async def decide(
        self, decision: Callable[[], Awaitable[Sequence[Event]]], *, at: datetime, run: str
    ) -> Head:
        """Tell the ledger what `decision` makes of everything that was told before.

        Nobody can tell anything in between: when another writer is faster, it is asked again.
        """
        await self.publish()
        while True:
            head = await self.catch_up()
            lines = [encode(at, run, event) for event in await decision()]
            if not lines:
                return head
            try:
                segment = await self.ledger.append(lines, after=head)
            except KeyExists:
                continue
            await self.catalog.replay(segment)
            return segment.head

    async def catch_up(self) -> Head:
        """Take in every segment that the catalog has not seen; the newest head."""
        head = await self.catalog.head()
        async for segment in self.ledger.read_after(head):
            if self.is_watched or not await self._wrote(segment):
                await self.catalog.replay(segment)
            head = segment.head
        return head

    async def _wrote(self, segment: Segment) -> bool:
        """Whether the segment holds our own oldest lines: written, but not yet marked as such."""
        last, lines = await self.catalog.outbox(len(segment.lines))
        if tuple(lines) != segment.lines:
            return False
        await self.catalog.published(last, segment.head)
        return True
