"""The crew inside the run's own process, which is also what workers in other processes use."""

from collections.abc import Callable, Sequence
from typing import Final

import anyio
from msgspec import Struct

from archiver import __version__
from archiver.clock import Clock
from archiver.crew.unit import Brought, Unit
from archiver.errors import ArchiverError, FetchError, ObjectRefused
from archiver.ledger.events import Revised, Stored
from archiver.reasons import Reason
from archiver.recordings.deposit import Shelf
from archiver.recordings.fetch import Fetched, Fetcher
from archiver.recordings.spool import Part, Spool
from archiver.storage.base import Storage
from archiver.tasks.grace import Grace

_ROUNDS_IN_A_FOLDER: Final = 4
"""Recordings in this process for each slot, if a slot is only for fetching: while one group is
stored and the next one waits, others are fetched."""


class InProcess(Struct):
    """Fetches with `fetcher` through `spool` into `storage`, as many at a time as there are
    `slots`.

    S3 has as many connections as there are slots, so each is taken until a recording is stored. In
    a folder, all that wait are stored and synced together. What is fetched meanwhile makes the next
    group larger, so there a slot is only for fetching, until too many wait to be stored.
    """

    fetcher: Fetcher
    storage: Storage
    spool: Spool
    grace: Grace
    clock: Clock
    slots: anyio.CapacityLimiter
    load: int = 0
    _waiting: int = 0

    @property
    def couriers(self) -> int:
        """See `Crew.couriers`."""
        return self.unfetched * (_ROUNDS_IN_A_FOLDER if self.storage.is_local else 1)

    @property
    def unfetched(self) -> int:
        """See `Crew.unfetched`."""
        return int(self.slots.total_tokens)

    @property
    def has_lost_any(self) -> bool:
        """See `Crew.has_lost_any`."""
        return False

    @property
    def wanted(self) -> int:
        """See `Sharing.wanted`."""
        return self.unfetched

    @property
    def most(self) -> int:
        """See `Sharing.most`."""
        return self.unfetched

    @property
    def is_ready(self) -> bool:
        """See `Sharing.is_ready`."""
        return True

    def prepare(self) -> None:
        """See `Sharing.prepare`. It is ready."""

    async def bring(self, unit: Unit, on_fetched: Callable[[], None] = lambda: None) -> Brought:
        """See `Crew.bring`."""
        record_id = unit.recording.id
        left = {} if unit.orphan is None else {record_id: unit.orphan}
        shelf = Shelf(self.storage, self.clock, __version__, left)
        try:
            async with self.spool.part() as part:
                events = await self._fetch_and_store(unit, part, shelf, on_fetched)
        except FetchError as error:
            return Brought(reason=error.reason, detail=str(error), left=left.get(record_id))
        except ObjectRefused as error:
            return Brought(reason=Reason.NOT_STORED, detail=str(error), left=left.get(record_id))
        except ArchiverError as error:
            return Brought(failure=error, left=left.get(record_id))
        return Brought(events)

    async def drain(self) -> Sequence[tuple[int, Brought]]:
        """See `Crew.drain`. Nothing is left to drain: each unit ends before its `bring` does."""
        return ()

    async def _fetch_and_store(
        self, unit: Unit, part: Part, shelf: Shelf, on_fetched: Callable[[], None]
    ) -> tuple[Stored | Revised, ...]:
        self.load += 1
        try:
            async with self.slots:
                fetched = await self.fetcher.fetch(unit.recording, part)
                if self._waiting >= self.couriers - self.unfetched:
                    return await self._store(unit, fetched, shelf)
        finally:
            self.load -= 1
        self._waiting += 1
        try:
            on_fetched()
            return await self._store(unit, fetched, shelf)
        finally:
            self._waiting -= 1

    async def _store(
        self, unit: Unit, fetched: Fetched, shelf: Shelf
    ) -> tuple[Stored | Revised, ...]:
        return await self.grace.protected(
            shelf.place(unit.call, unit.recording, unit.names, fetched)
        )
