"""The index follows the archive: first the ledger, then the sidecars, newest first.

Only the storage is needed, read-only, so this works during a run, on another machine, and from a
read-only mount. What cannot be read is reported and tried again later; the desk continues with what
it has.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

import anyio
import anyio.to_thread

from archiver.desk.index.apply import Parsed, parse
from archiver.desk.index.batches import Batch
from archiver.desk.index.entries import Progress
from archiver.desk.index.processes import PROCESSES, Processes
from archiver.desk.index.reading import A_PIECE, CardReader
from archiver.desk.index.snapshot import Upkeep
from archiver.errors import ArchiverError, StorageError
from archiver.ledger.events import Removed, Stored
from archiver.ledger.lines import beginning
from archiver.ledger.segments import (
    MOST_BYTES,
    Head,
    head_of,
    number_prefix,
    number_stem,
    segment_key,
)
from archiver.ledger.walk import Step, Walk
from archiver.storage.base import Storage
from archiver.storage.keys import LEDGER_PREFIX
from archiver.tasks.lanes import in_lanes, in_order, one_failure

_Result = TypeVar("_Result")

OnBuried: TypeAlias = Callable[[Sequence[int], Sequence[str]], Awaitable[None]]
"""Receives removed recordings, or those about to be: their ids, and digests of audio."""

_SIDECARS: Final = 4 * A_PIECE
_SIDECAR_BYTES: Final = 32 * 1024 * 1024
"""Looked up at a time, and of how many bytes together."""


_AT_ONCE: Final = 8
"""Segments that are counted at a time."""
_WORTH_A_PROCESS: Final = 16
"""Fewer segments are parsed sooner than a process starts."""


@dataclass(slots=True)
class Counts:
    """How many recordings segments say were stored, and removed: by how their lines begin, since
    parsing them takes as long as taking them in."""

    stored: int = 0
    removed: int = 0

    def add(self, segment: bytes) -> None:
        """Count the lines of one more segment."""
        self.stored += segment.count(_STORED)
        self.removed += segment.count(_REMOVED)


_STORED: Final = b"\n" + beginning(Stored)
_REMOVED: Final = b"\n" + beginning(Removed)


class Following:
    """Updates the index from the archive, step by step.

    From `worth_a_process` segments on, those that are there at first are parsed in another process.
    """

    def __init__(
        self,
        upkeep: Upkeep,
        storage: Storage,
        archive_id: str,
        reader: CardReader,
        *,
        worth_a_process: int = _WORTH_A_PROCESS,
    ) -> None:
        self._upkeep = upkeep
        self._storage = storage
        self._reader = reader
        self._worth_a_process = worth_a_process
        self._walk = Walk(storage, archive_id)
        self._taken = Head()
        self._one_at_a_time = anyio.CapacityLimiter(1)
        self._skipped = 0
        self._known_segments = self._expected = 0
        self._set_aside: list[str] = []
        self._broken = ""
        self._has_begun = False
        self._buried: set[int] = set()
        self.progress = Progress(0, 0, 0, 0, is_current=False)

    async def begin(self) -> bool:
        """Continue from the state of the index; False if the ledger no longer has that segment.

        Then the index is of a different history, and must be rebuilt.
        """
        head = await self._do(self._upkeep.store.head)
        await self._do(self._upkeep.store.try_troubled_again)
        if head.number:
            names = [one.key async for one in self._storage.list(number_prefix(head.number))]
            if not any(name.endswith(f"-{head.digest}.jsonl") for name in names):
                return False
        self._walk.head = self._taken = head
        await self._tell(is_current=False)
        return True

    async def catch_up(self, on_buried: OnBuried) -> None:
        """Read everything new in the ledger and the sidecars, and report progress.

        Raises StorageError if the storage does not respond.
        """
        await self._follow_ledger()
        await self._bury(on_buried)
        while wanted := await self._do(self._upkeep.unread, _SIDECARS, _SIDECAR_BYTES):
            await self._reader.read(wanted, partial(self._keep, on_buried))
        await self._do(self._upkeep.refresh)
        await self._tell(is_current=True)

    async def _keep(self, on_buried: OnBuried, batch: Batch) -> None:
        await self._do(self._upkeep.keep, batch)
        await self._do(self._upkeep.refresh_if_due)
        await self._tell(is_current=False)
        await self._follow_ledger()
        await self._bury(on_buried)

    def lament(self, error: ArchiverError) -> None:
        """Show on the page that the archive cannot be read at the moment."""
        self.progress = replace(self.progress, is_current=False, trouble=str(error))

    async def _follow_ledger(self) -> None:
        began = self._walk.head
        following = [one.key async for one in self._storage.list(number_stem(began.number + 1))]
        if self._has_begun and following == self._set_aside:
            return
        if self._has_begun:
            await self._take_in()
        else:
            await self._take_in_first(began)
        # The walk has come to the end: what it did not take (a segment that a killed run never
        # claimed) is not still to be read, and is read again only once a claim stands beside it.
        self._known_segments = self._walk.head.number
        self._set_aside = following if self._walk.head == began else []
        self._has_begun = True

    async def _take_in_first(self, began: Head) -> None:
        """Take in what there is, maybe all of a long ledger: counted first, and then parsed in a
        separate process, beside the one that writes."""
        await self._do(self._upkeep.refresh)
        heads = [head_of(one.key) async for one in self._storage.list(LEDGER_PREFIX)]
        ahead = {one.number: one for one in heads if one and one.number > began.number}
        self._known_segments = max(ahead, default=began.number)
        with one_failure():
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._count, [*ahead.values()], self._upkeep.archived())
                are_many = len(ahead) >= self._worth_a_process
                await self._take_in(self._reader.processes if are_many else None)
        await self._do(self._upkeep.store.make_indexes)

    async def _count(self, ahead: Sequence[Head], known: int) -> None:
        """Count the recordings that segments add to those that are `known`."""
        counts = Counts()

        async def count(head: Head) -> None:
            with suppress(StorageError):  # what cannot be read is reported by the walk
                counts.add(await self._storage.read(segment_key(head), limit=MOST_BYTES))

        await in_lanes(_AT_ONCE, ahead, count)
        self._expected = max(0, known + counts.stored - counts.removed)
        self.progress = replace(
            self.progress, known_segments=self._known_segments, expected=self._expected
        )

    async def _take_in(self, processes: Processes | None = None) -> None:
        """Take in every new segment; with `processes`, the next ones are parsed there meanwhile."""

        async def parsed(found: tuple[Step, Head]) -> Parsed | None:
            return await processes.do(partial(parse, found[0].lines)) if processes else None

        try:
            lanes = PROCESSES + 1 if processes else 1
            await in_order(lanes, self._found(), parsed, self._take)
        except ArchiverError:
            # What was found and not taken is to be found again.
            self._walk.head = self._taken
            raise

    async def _found(self) -> AsyncIterator[tuple[Step, Head]]:
        async for step in self._walk.steps():
            yield step, self._walk.head

    async def _take(self, found: tuple[Step, Head], parsed: Parsed | None) -> None:
        step, head = found
        for one in step.breaks:
            self._broken = f"damaged ledger: {one.key}: expected {one.expected}, found {one.found}"
        # Behind a break the index does not say that it has come: the next desk tries again,
        # and by then the missing object may have been restored.
        place = None if self._broken else head
        skipped, buried = await self._do(self._upkeep.take, step.lines, place, parsed)
        self._taken = head
        self._skipped += skipped
        self._buried |= buried
        self.progress = replace(
            self.progress,
            segments=head.number,
            known_segments=max(self._known_segments, head.number),
        )
        if await self._do(self._upkeep.refresh_if_due):
            await self._tell(is_current=False)

    async def _bury(self, on_buried: OnBuried) -> None:
        """Delete everything about removed recordings here, and notify others that may have it."""
        if self._buried:
            buried = sorted(self._buried)
            digests = await self._do(self._upkeep.store.digests, buried)
            await self._do(self._upkeep.refresh)
            await on_buried(buried, digests)
            self._buried.clear()
        await self._do(self._upkeep.store.scrub)

    async def _tell(self, *, is_current: bool) -> None:
        head, (pending, troubles) = await self._do(self._standing)
        recordings = self._upkeep.archived()
        trouble = self._broken
        if not trouble and self._skipped:
            trouble = f"{self._skipped} lines of the ledger could not be read"
        self.progress = Progress(
            head.number,
            recordings,
            max(0, recordings - pending),
            troubles,
            is_current,
            trouble,
            max(self._known_segments, head.number),
            self._expected,
        )

    def _standing(self) -> tuple[Head, tuple[int, int]]:
        return self._upkeep.store.head(), self._upkeep.store.counts()

    async def _do(self, work: Callable[..., _Result], *arguments: Any) -> _Result:
        return await anyio.to_thread.run_sync(
            partial(work, *arguments), limiter=self._one_at_a_time
        )
