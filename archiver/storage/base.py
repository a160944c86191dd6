"""The storage interface: six operations on whole objects, and what each of them guarantees.

A key is a relative path of plain ASCII segments joined by `/` (see `keys.py`); a driver refuses any
other with ValueError before it touches the medium. Objects are written once:

- `put` is create-only. It returns when the object is *durable* under its final name; until then no
  reader sees any part of it. It raises KeyExists, and changes nothing, when the key holds an object
  - even when both race. Repeating a put whose answer was lost therefore ends in KeyExists, and the
  caller compares (`stat`, `open`) before it believes that the object is its own.
- `put(..., replacing=tag)` is the one way to change an object: it succeeds only while the object
  still has that tag, else it raises KeyChanged (or KeyMissing). It is all or nothing as well.
- A body is finished before it is put: its size and SHA-256 are known and the medium checks them, so
  a put can be repeated from the start, and half an object cannot be expressed. A driver that finds
  bytes other than those announced raises StorageError and leaves no object.
- `open` yields the bytes of one object, or one range of it, and raises KeyMissing. A range that
  reaches past the end is cut there; one that starts at or past the end yields nothing.
- `list` yields every object whose key starts with the prefix, in ascending order of the key as
  UTF-8 bytes. An object put or deleted while listing may or may not appear.
- `delete` removes the object; a key that holds none raises KeyMissing.

Everything under `_archive/tmp/` is working space (part files, locks, scratch objects), listed like
any other object; readers of an archive leave it out.

Errors are those of `archiver.errors` only: StorageUnreachable may be retried, the others not.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Struct

from archiver.errors import StorageError
from archiver.storage.versions import Versions


class Body(Struct, frozen=True):
    """A finished body: its bytes in memory, or the path of a closed file that holds exactly them.

    `size` is in bytes, `sha256` in lower-case hex. A file body may be consumed by `put` (moved into
    place); the caller never uses it again after a successful put, and
    removes it if it is still there. A put that fails leaves it alone. A file for a storage on a
    disk, which does not hash it again, has been synced by its writer.
    """

    source: bytes | Path
    size: int
    sha256: str
    content_type: str = "application/octet-stream"

    @classmethod
    def of(cls, data: bytes, content_type: str = "application/octet-stream") -> "Body":
        """The body of these bytes, which are hashed here."""
        return cls(data, len(data), hashlib.sha256(data).hexdigest(), content_type)


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a driver knows of an object. `tag` changes whenever the bytes may have changed.

    `sha256` is given only where the medium itself keeps a checked digest of the whole object (S3
    full-object checksums); `version` only on a versioned bucket. `age`, in seconds since the object
    was last written, is by the medium's own clock and given by `stat` only.
    """

    key: str
    size: int
    tag: str
    sha256: str | None = None
    version: str | None = None
    age: float | None = field(default=None, compare=False)


class ByteRange(Struct, frozen=True):
    """A half-open range of bytes, `start <= position < stop`; `stop` None means to the end."""

    start: int
    stop: int | None = None

    def __post_init__(self) -> None:
        if self.start < 0 or (self.stop is not None and self.stop <= self.start):
            raise ValueError(f"not a byte range: {self.start}..{self.stop}")


class Reading(NamedTuple):
    """An object as it was read from end to end. `content` are its bytes, where they were wanted."""

    key: str
    size: int
    sha256: str
    content: bytes | None = None


class Reader(ABC):
    """Reads a medium that is a file system of this machine, and blocks meanwhile.

    For worker threads, several of which may share one, and for other processes, to which it can be
    sent. It does not try again: after StorageUnreachable, ask the storage itself.
    """

    @abstractmethod
    def keys(
        self, after: str, upto: str | None, on_gap: Callable[[str, StorageError], None]
    ) -> list[bytes]:
        """The keys after `after` up to `upto`, itself included (None: to the end), in ascending
        order, as bytes: foreign names may be no text.

        What cannot be listed is skipped, and reported to `on_gap`, as by `Storage.survey`.
        """

    @abstractmethod
    def size(self, key: str) -> int | StorageError:
        """The size of the object in bytes, or why it is unknown."""

    @abstractmethod
    def read(self, key: str, *, keep: int = 0) -> Reading | StorageError:
        """Read an object from end to end, as `Storage.readings` does."""


class Storage(ABC):
    """Six verbs on whole objects; the module's docstring is the contract."""

    @abstractmethod
    async def put(self, key: str, body: Body, *, replacing: str | None = None) -> ObjectInfo:
        """Create the object (KeyExists if it is there), or replace the one with the tag."""

    async def put_in_order(
        self, objects: Sequence[tuple[str, Body]]
    ) -> Sequence[ObjectInfo | StorageError]:
        """Create these objects, each as by `put`, and none before the one that precedes it.

        What became of each; the error of the first that failed is the last, since those after it
        are not created.
        """
        ended: list[ObjectInfo | StorageError] = []
        for key, body in objects:
            try:
                ended.append(await self.put(key, body))
            except StorageError as error:
                return [*ended, error]
        return ended

    @abstractmethod
    def open(
        self, key: str, span: ByteRange | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Read the object in chunks: `async with storage.open(key) as chunks`."""

    @abstractmethod
    async def stat(self, key: str) -> ObjectInfo:
        """Size and tag of one object; KeyMissing where there is none."""

    @abstractmethod
    def list(self, prefix: str = "") -> AsyncIterator[ObjectInfo]:
        """Every object whose key starts with `prefix`, in ascending order of keys."""

    @abstractmethod
    async def delete(self, key: str) -> None:
        """Remove one object; KeyMissing where there is none."""

    async def now(self) -> datetime | None:
        """What time it is by the clock of the medium; None where that is this machine's."""
        return None

    @abstractmethod
    async def aclose(self) -> None:
        """Release connections and threads. No verb may be used afterwards."""

    @property
    def spool_folder(self) -> Path | None:
        """The folder `_archive/tmp/` where the medium is a file system of this machine, else None.

        A body spooled there is moved into place by `put`, not copied. It exists while the archive
        lock is held.
        """
        return None

    @property
    def is_local(self) -> bool:
        """Whether the medium is a file system of this machine: it has file locks and a folder for
        bodies on their way, and reading from it is bound by processors, not by waiting."""
        return self.spool_folder is not None

    @property
    def reader(self) -> Reader | None:
        """Reads the same objects without an event loop, where the medium is local, else None."""
        return None

    @property
    def known(self) -> Any:
        """What other processes of this run need not find out about the medium, to be pickled for
        `open_storage`; None if there is nothing. It contains credentials."""
        return None

    async def clear_parts(
        self, *, unchanged_for: float = 0.0, keeping: tuple[str, ...] = ()
    ) -> int:
        """Remove what killed writers left behind; how many things were removed.

        Everything under `_archive/tmp/` that is no lock, and on S3 every unfinished upload, if it
        was written at least `unchanged_for` seconds ago, except keys that begin with one of
        `keeping`. Without that limit only for the owner of the archive lock: other writers may be
        at work.
        """
        return 0

    @property
    def versions(self) -> Versions | None:
        """The versions of objects, where the medium may keep any; None where it never does."""
        return None

    def survey(self, on_gap: Callable[[str, StorageError], None]) -> AsyncIterator[ObjectInfo]:
        """Everything, like `list`, despite errors: to find all damage.

        What cannot be listed (a folder without permissions, or on a bad sector) is skipped, and
        reported to `on_gap` with its key, with a slash at the end of a folder's, and the reason.
        Media without folders have no such gaps.
        """
        return self.list()

    async def readings(
        self, keys: Sequence[str], *, keep: int = 0
    ) -> Sequence[Reading | StorageError]:
        """Read objects from end to end, in that order; an error stands where one could not be.

        The content of objects of up to `keep` bytes is kept. Nothing else is held in memory.
        """
        return [await self._reading(key, keep) for key in keys]

    async def _reading(self, key: str, keep: int) -> Reading | StorageError:
        digest, size = hashlib.sha256(), 0
        kept: list[bytes] = []
        try:
            async with self.open(key) as chunks:
                async for chunk in chunks:
                    size += len(chunk)
                    digest.update(chunk)
                    kept = [*kept, chunk] if size <= keep else []
        except StorageError as error:
            return error
        return Reading(key, size, digest.hexdigest(), b"".join(kept) if size <= keep else None)

    async def read(self, key: str, *, limit: int) -> bytes:
        """The whole of a small object; StorageError when it is larger than `limit` bytes."""
        parts: list[bytes] = []
        size = 0
        async with self.open(key) as chunks:
            async for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise StorageError(f"{key} is larger than {limit} bytes", key=key)
                parts.append(chunk)
        return b"".join(parts)
