"""The crew inside the run's own process, which is also what workers in other processes use."""

from collections.abc import Sequence

from msgspec import Struct

from archiver import __version__
from archiver.clock import Clock
from archiver.crew.unit import Brought, Unit
from archiver.errors import ArchiverError, FetchError, ObjectRefused
from archiver.reasons import Reason
from archiver.recordings.deposit import Shelf
from archiver.recordings.fetch import Fetcher
from archiver.recordings.spool import Spool
from archiver.storage.base import Storage
from archiver.tasks.grace import Grace


class InProcess(Struct):
    """Fetches with `fetcher` through `spool` into `storage`, as many at a time as there are
    `slots`."""

    fetcher: Fetcher
    storage: Storage
    spool: Spool
    grace: Grace
    clock: Clock
    slots: int
    load: int = 0

    @property
    def couriers(self) -> int:
        """See `Crew.couriers`."""
        return self.slots

    @property
    def has_lost_any(self) -> bool:
        """See `Crew.has_lost_any`."""
        return False

    @property
    def wanted(self) -> int:
        """See `Sharing.wanted`."""
        return self.slots

    @property
    def most(self) -> int:
        """See `Sharing.most`."""
        return self.slots

    @property
    def is_ready(self) -> bool:
        """See `Sharing.is_ready`."""
        return True

    async def bring(self, unit: Unit) -> Brought:
        """See `Crew.bring`."""
        self.load += 1
        try:
            return await self._bring(unit)
        finally:
            self.load -= 1

    async def drain(self) -> Sequence[tuple[int, Brought]]:
        """See `Crew.drain`. Nothing is left to drain: each unit ends before its `bring` does."""
        return ()

    async def _bring(self, unit: Unit) -> Brought:
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
