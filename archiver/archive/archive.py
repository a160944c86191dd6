"""An open archive: storage, ledger, and the catalog that mirrors it (see `opening`)."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

import anyio
from msgspec import Struct, field

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
from archiver.tasks.lanes import one_failure


class Readable(Protocol):
    """An archive as far as it can be read and asked: an open one, or the desk's view of it."""

    @property
    def storage(self) -> Storage: ...  # noqa: D102 - as an archive has it
    @property
    def archive_id(self) -> str: ...  # noqa: D102
    @property
    def catalog(self) -> Answers: ...  # noqa: D102


class Archive(Struct):
    """An open archive. Only the owner of its lock records; others may `announce`.

    `lock` knows how its last owner ended, and records how this one does.
    """

    storage: Storage
    archive_id: str
    ledger: Ledger
    catalog: Catalog
    is_watched: bool = False
    pace: Pace = REAL_PACE
    lock: AcquiredLock = field(default_factory=lambda: AcquiredLock(found_left=False, leave=False))
    _publishing: anyio.Lock = field(default_factory=anyio.Lock)

    async def publish(self, *, least: int = 1) -> Head:
        """Write waiting events to the ledger, one segment at a time, while at least `least` wait.

        If another writer was faster, its segments are read first. Returns the newest head. An
        archive opened without the lock publishes nothing.
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

    async def publish_after(self, prepare: Callable[[], Awaitable[None]]) -> Head:
        """Publish what `prepare` stores and records; the ledger is locked while it does so.

        Nothing is written to the ledger before `prepare` is done.
        """
        is_prepared = anyio.Event()

        async def preparing() -> None:
            await prepare()
            is_prepared.set()

        with one_failure():
            async with anyio.create_task_group() as group:
                group.start_soon(preparing)
                async with self.ledger.locked():
                    await is_prepared.wait()
                    head = await self.publish()
        return head

    async def announce(self, events: Sequence[Event], *, at: datetime, run: str) -> Head:
        """Record events in the ledger, even without the lock, as holds and exports do.

        A run in progress reads them when it catches up.
        """

        async def these() -> Sequence[Event]:
            return events

        return await self.decide(these, at=at, run=run)

    async def decide(
        self, decision: Callable[[], Awaitable[Sequence[Event]]], *, at: datetime, run: str
    ) -> Head:
        """Record what `decision` derives from everything recorded so far.

        Nothing can be recorded in between: if another writer is faster, the decision is made again.
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
        """Read every segment that the catalog has not seen; returns the newest head."""
        head = await self.catalog.head()
        async for segment in self.ledger.read_after(head):
            if self.is_watched or not await self._wrote(segment):
                await self.catalog.replay(segment)
            head = segment.head
        return head

    async def _wrote(self, segment: Segment) -> bool:
        """Whether the segment contains our own oldest lines: written, but not marked as written."""
        last, lines = await self.catalog.outbox(len(segment.lines))
        if tuple(lines) != segment.lines:
            return False
        await self.catalog.published(last, segment.head)
        return True
