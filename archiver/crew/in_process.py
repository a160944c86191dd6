"""The crew inside the run's own process, which is also what workers in other processes use."""

from collections.abc import Sequence

import anyio
from msgspec import Struct

from archiver import __version__
from archiver.clock import Clock
from archiver.crew.crew import LISTING, Crew
from archiver.crew.unit import Brought, Unit
from archiver.errors import ArchiverError, FetchError, ObjectRefused
from archiver.reasons import Reason
from archiver.recordings.deposit import Shelf
from archiver.recordings.fetch import Fetcher
from archiver.recordings.spool import Spool
from archiver.storage.base import Storage
from archiver.tasks.grace import Grace


class InProcess(Struct, frozen=True):
    """Fetches with `fetcher` through `spool` into `storage`; `couriers` is what keeps it busy."""

    fetcher: Fetcher
    storage: Storage
    spool: Spool
    grace: Grace
    clock: Clock
    couriers: int

    @property
    def has_lost_any(self) -> bool:
        """See `Crew.has_lost_any`."""
        return False

    async def bring(self, unit: Unit) -> Brought:
        """See `Crew.bring`."""
        record_id = unit.recording.id
        left = {} if unit.orphan is None else {record_id: unit.orphan}
        shelf = Shelf(self.storage, self.clock, __version__, left)
        try:
            async with self.spool.part() as part:
                fetched = await self.fetcher.fetch(unit.recording, part)
                events = await self.grace.protected(
                    shelf.place(unit.call, unit.recording, unit.names, fetched)
                )
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


class Bounded(Struct, frozen=True):
    """Another crew with at most as many recordings in flight as there are `slots`.

    Others are listed meanwhile, and wait.
    """

    crew: Crew
    slots: anyio.Semaphore

    @property
    def couriers(self) -> int:
        """See `Crew.couriers`."""
        return self.crew.couriers + LISTING

    @property
    def has_lost_any(self) -> bool:
        """See `Crew.has_lost_any`."""
        return self.crew.has_lost_any

    async def bring(self, unit: Unit) -> Brought:
        """See `Crew.bring`."""
        async with self.slots:
            return await self.crew.bring(unit)

    async def drain(self) -> Sequence[tuple[int, Brought]]:
        """See `Crew.drain`."""
        return await self.crew.drain()
