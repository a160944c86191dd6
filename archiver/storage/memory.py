"""A storage in memory: the verified fake, held to the same suite as the real ones."""

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from anyio import lowlevel, to_thread

from archiver.errors import KeyChanged, KeyExists, KeyMissing, StorageError
from archiver.storage.base import Body, ByteRange, ObjectInfo, Storage
from archiver.storage.keys import LOCK_KEYS, TMP_PREFIX, check_key, check_prefix

CHUNK = 64 * 1024


class Entry(NamedTuple):
    """An object in memory; `written` is the reading of the clock at that moment."""

    data: bytes
    tag: str
    written: float


class MemoryStorage(Storage):
    """Objects in a dictionary, open to tests. `clock` (seconds) decides their age only."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self.objects: dict[str, Entry] = {}
        self._writes = count(1)
        self._clock = clock

    def write_behind(self, key: str, data: bytes) -> None:
        """Put bytes there as a foreign hand would, whatever the key holds."""
        self.objects[key] = Entry(data, f"{next(self._writes)}", self._clock())

    async def put(self, key: str, body: Body, *, replacing: str | None = None) -> ObjectInfo:
        """See `Storage.put`."""
        check_key(key)
        await lowlevel.checkpoint()
        if replacing is None and key in self.objects:
            raise KeyExists(f"{key} already exists", key=key)
        if replacing is not None and self._entry(key).tag != replacing:
            raise KeyChanged(f"{key} was changed by another process", key=key)
        data = body.source
        if isinstance(data, Path):
            data = await to_thread.run_sync(data.read_bytes)
        if len(data) != body.size or hashlib.sha256(data).hexdigest() != body.sha256:
            raise StorageError(f"{key}: the bytes differ from the announced digest", key=key)
        self.write_behind(key, data)
        return _info(key, self.objects[key])

    @asynccontextmanager
    async def open(
        self, key: str, span: ByteRange | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """See `Storage.open`."""
        check_key(key)
        await lowlevel.checkpoint()
        data = self._entry(key).data
        yield _chunks(data[span.start : span.stop] if span else data)

    async def stat(self, key: str) -> ObjectInfo:
        """See `Storage.stat`."""
        check_key(key)
        await lowlevel.checkpoint()
        entry = self._entry(key)
        return _info(key, entry, age=self._clock() - entry.written)

    async def list(self, prefix: str = "") -> AsyncIterator[ObjectInfo]:
        """See `Storage.list`."""
        check_prefix(prefix)
        for key in sorted(self.objects):
            await lowlevel.checkpoint()
            entry = self.objects.get(key)
            if entry is not None and key.startswith(prefix):
                yield _info(key, entry)

    async def delete(self, key: str) -> None:
        """See `Storage.delete`."""
        check_key(key)
        await lowlevel.checkpoint()
        self._entry(key)
        del self.objects[key]

    async def aclose(self) -> None:
        """Nothing to release; the objects stay."""
        await lowlevel.checkpoint()

    async def clear_parts(
        self, *, unchanged_for: float = 0.0, keeping: tuple[str, ...] = ()
    ) -> int:
        """See `Storage.clear_parts`."""
        await lowlevel.checkpoint()
        before = self._clock() - unchanged_for
        stray = {
            key
            for key, entry in self.objects.items()
            if key.startswith(TMP_PREFIX)
            and key not in LOCK_KEYS
            and not key.startswith(keeping)
            and entry.written <= before
        }
        for key in stray:
            del self.objects[key]
        return len(stray)

    def _entry(self, key: str) -> Entry:
        try:
            return self.objects[key]
        except KeyError:
            raise KeyMissing(f"{key} does not exist", key=key) from None


def _info(key: str, entry: Entry, age: float | None = None) -> ObjectInfo:
    return ObjectInfo(key, len(entry.data), entry.tag, age=age)


async def _chunks(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), CHUNK):
        await lowlevel.checkpoint()
        yield data[start : start + CHUNK]
