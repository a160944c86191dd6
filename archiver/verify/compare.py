"""The archive read back and compared with the inventory: one pass, many readers.

The listing of the storage and the inventory have the same order, so one pass over both shows what
is missing, what was added and what has a different size, without keeping either in memory. A folder
is divided into stretches, each of which is listed and read by one process (`children`). A bucket is
listed here, and matching objects are read and hashed a batch at a time, by many requests at once.

Whatever does not match is only a suspect here: `audit` checks it a second time.
"""

import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeVar

import anyio
import anyio.to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from archiver.errors import StorageError, StorageUnreachable
from archiver.recordings.sidecar import MOST_BYTES
from archiver.storage.base import ObjectInfo, Reader, Storage
from archiver.tasks.lanes import in_lanes
from archiver.verify.children import Effort, Processes
from archiver.verify.inventory import Expected, Inventory, Kind
from archiver.verify.rules import judge
from archiver.verify.stretch import READ_ELSEWHERE, Stretch

BATCH_OBJECTS: Final = 256
BATCH_BYTES: Final = 8 * 1024 * 1024
"""A batch is one switch to a thread: many small objects, or one large one."""

_READERS_OF_A_NETWORK = 16

T = TypeVar("T")
Select = Callable[[Expected], bool]


@dataclass(slots=True)
class Checked:
    """How much was checked: objects listed, objects and bytes read and hashed."""

    listed: int = 0
    read: int = 0
    bytes: int = 0

    on_read: Callable[[int, int], None] = field(default=lambda objects, size: None, repr=False)

    def add(self, objects: int, size: int) -> None:
        """Count what was read."""
        self.read += objects
        self.bytes += size
        self.on_read(objects, size)


@dataclass(slots=True)
class _Batch:
    """Objects of one kind of reading: sidecars with their content, all else without."""

    keep: int
    objects: list[Expected] = field(default_factory=list)
    size: int = 0


@dataclass(slots=True)
class Inspector:
    """Reads one archive. `suspects` are the keys that did not match, `gaps` those that could not be
    listed, folders with a slash at the end.

    `select` chooses the objects to be read completely; all are listed. `is_stopped` ends it early,
    and `reached` is the last key up to which everything was checked.
    """

    storage: Storage
    inventory: Inventory
    select: Select
    is_stopped: Callable[[], bool]
    processes: Processes
    checked: Checked = field(default_factory=Checked)
    suspects: list[str] = field(default_factory=list)
    gaps: dict[str, StorageError] = field(default_factory=dict)
    reached: str = ""

    async def inspect(self) -> bool:
        """Check everything once; returns whether it was everything."""
        reader = self.storage.reader
        if reader is None:
            await self._inspect_remotely()
        else:
            await self._inspect_folder(reader)
        return not self.is_stopped()

    async def _inspect_folder(self, reader: Reader) -> None:
        async def check(stretch: Stretch) -> None:
            outcome, doubts = await self.processes.check(reader, stretch)
            self.suspects += map(os.fsdecode, outcome.suspects)
            self.gaps.update(doubts.gaps)
            self.checked.listed += outcome.listed
            self.checked.add(outcome.read, outcome.size)
            if doubts.unreachable:
                await self._read(_Batch(MOST_BYTES, doubts.unreachable))

        await in_lanes(self.processes.lanes, self._stretches(self.processes.effort), check)

    async def _stretches(self, most: Effort) -> AsyncGenerator[Stretch]:
        """Everything from the first to the last key, until it is stopped."""
        stretch, size = Stretch(""), 0
        async for expected in self._expected():
            if expected.kind not in READ_ELSEWHERE and self.select(expected):
                stretch.to_read.append(expected)
                size += expected.size or 0
            else:
                stretch.to_see.append(expected)
            objects = len(stretch.to_read) + len(stretch.to_see)
            if objects >= most.objects or size >= most.bytes:
                stretch.upto = self.reached = expected.key
                yield stretch
                stretch, size = Stretch(expected.key), 0
                if self.is_stopped():
                    return
        yield stretch

    async def _inspect_remotely(self) -> None:
        send, receive = anyio.create_memory_object_stream[_Batch](0)
        async with anyio.create_task_group() as group:
            for _ in range(_READERS_OF_A_NETWORK):
                group.start_soon(self._read_batches, receive.clone())
            receive.close()
            async with send:
                await self._compare(send)

    async def _compare(self, send: "MemoryObjectSendStream[_Batch]") -> None:
        batches = {True: _Batch(MOST_BYTES), False: _Batch(0)}
        async for expected, info in _merged(self._expected(), self._listed()):
            if expected is None or info is None:
                self._suspect_half(expected, info)
                continue
            self.checked.listed += 1
            self.reached = expected.key
            if expected.kind in READ_ELSEWHERE:
                continue
            if expected.size is not None and info.size != expected.size:
                self.suspects.append(expected.key)
            elif self.select(expected):
                is_sidecar = expected.kind == Kind.SIDECAR
                batch = batches[is_sidecar]
                batch.objects.append(expected)
                batch.size += info.size
                if len(batch.objects) >= BATCH_OBJECTS or batch.size >= BATCH_BYTES:
                    await send.send(batch)
                    batches[is_sidecar] = _Batch(batch.keep)
            if self.is_stopped():
                break
        for batch in batches.values():
            if batch.objects:
                await send.send(batch)

    def _suspect_half(self, expected: Expected | None, info: ObjectInfo | None) -> None:
        if expected is not None:
            if not expected.leaving:
                self.suspects.append(expected.key)
        elif info is not None:
            self.checked.listed += 1
            self.suspects.append(info.key)

    async def _read_batches(self, batches: "MemoryObjectReceiveStream[_Batch]") -> None:
        async with batches:
            async for batch in batches:
                await self._read(batch)

    async def _read(self, batch: _Batch) -> None:
        keys = [one.key for one in batch.objects]
        found = await self.storage.readings(keys, keep=batch.keep)
        size = 0
        for expected, read in zip(batch.objects, found, strict=True):
            if isinstance(read, StorageUnreachable):
                await self.storage.stat(expected.key)  # raises if the storage does not respond
            if judge(expected, read) is not None:
                self.suspects.append(expected.key)
            size += getattr(read, "size", 0)
        self.checked.add(len(found), size)

    def _listed(self) -> AsyncIterator[ObjectInfo]:
        return self.storage.survey(self.gaps.__setitem__)

    async def _expected(self) -> AsyncIterator[Expected]:
        chunks = self.inventory.chunks()
        while chunk := await anyio.to_thread.run_sync(_next_or_none, chunks):
            for one in chunk:
                yield one


async def _merged(
    expected: AsyncIterator[Expected], listed: AsyncIterator[ObjectInfo]
) -> AsyncIterator[tuple[Expected | None, ObjectInfo | None]]:
    """Both sequences merged, in ascending order of keys; items with the same key come together."""
    wanted, info = await anext(expected, None), await anext(listed, None)
    while wanted is not None or info is not None:
        # Keys of the archive are ASCII; a foreign name may hold any bytes.
        here = None if info is None else info.key.encode("utf-8", "surrogateescape")
        there = None if wanted is None else wanted.key.encode()
        if here == there:
            yield wanted, info
            wanted, info = await anext(expected, None), await anext(listed, None)
        elif here is None or (there is not None and there < here):
            yield wanted, None
            wanted = await anext(expected, None)
        else:
            yield None, info
            info = await anext(listed, None)


def _next_or_none(items: Iterator[T]) -> T | None:
    return next(items, None)
