"""Where the bytes of a recording wait until they are proved: in memory, then in a part file.

A part grows by chunks and knows its SHA-256 at any moment. Up to `in_memory` bytes it lives in
memory; beyond that it is written out, a batch at a time and in a worker thread, hashed on the way.
Either way it becomes a `Body` that a storage can put, or leaves nothing behind.

The system reports only once that bytes could not be written to the disk. A second sync of the same
file succeeds, although they are lost. So a file that a storage takes as it is, is synced by the
descriptor that wrote it; if that fails, the recording has to be fetched again.
"""

import errno
import hashlib
import os
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import TracebackType

import anyio
import anyio.to_thread
from msgspec import Struct

from archiver.errors import (
    ObjectRefused,
    StorageError,
    StorageForbidden,
    StorageFull,
    StorageRefused,
    StorageUnreachable,
)
from archiver.recordings.audio import HEAD_BYTES, measure
from archiver.recordings.lengths.facts import Facts
from archiver.storage.base import Body
from archiver.storage.local.disk import kind_of

_BATCH_BYTES = 1024 * 1024
"""Bytes that go to the hash and the disk at once: large enough to make a thread worth its switch
(about 50 us), small enough to keep sixteen workers within some 32 MiB, as the last chunk may be of
half a mebibyte, and waits while they are written."""

_AT_ONCE_SECONDS = 0.001
"""Bodies up to this size are hashed on the event loop: a thread switch would cost half as much
again, and keep two threads waiting for each other."""
_SAMPLE_BYTES = 64 * 1024


@cache
def at_once_bytes() -> int:
    """The longest body that is hashed where it is: what this processor hashes in that time.

    Some 2 MiB with SHA instructions; without them a tenth of it, and then a second core is worth
    the hop.
    """
    sample = bytes(_SAMPLE_BYTES)
    seconds = min(_seconds_to_hash(sample) for _ in range(3))
    return int(_AT_ONCE_SECONDS / seconds * _SAMPLE_BYTES)


def _seconds_to_hash(sample: bytes) -> float:
    begun = time.perf_counter()
    hashlib.sha256(sample).digest()
    return time.perf_counter() - begun


class Spool(Struct, frozen=True):
    """`folder` is for part files (None: the system's temporary folder); a part keeps up to
    `in_memory` bytes in memory before it is written there.

    A complete file is synced unless `syncs` is False: if nobody stores it, or S3 does, which checks
    the digest of what it receives."""

    folder: Path | None
    in_memory: int
    syncs: bool = True

    def part(self) -> "Part":
        """A new, empty part; use it as an asynchronous context manager, which removes its
        file."""
        return Part(self)


class Part:
    """The bytes of one recording so far. Not shared between tasks."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._file: _PartFile | None = None
        self.head = b""
        self.size = 0

    async def __aenter__(self) -> "Part":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.clear()

    async def clear(self) -> None:
        """Forget all bytes: the part is empty again and its file gone."""
        file, self._file = self._file, None
        if file is not None:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(file.remove)
        self._waiting, self._waiting_bytes = [], 0
        self.head, self.size = b"", 0

    async def add(self, chunk: bytes) -> None:
        """Append bytes. Raises StorageError: StorageFull if the spool's disk is full, and
        StorageUnreachable if it fails, after which the part has to be cleared."""
        if len(self.head) < HEAD_BYTES:
            self.head += chunk[: HEAD_BYTES - len(self.head)]
        self._waiting.append(chunk)
        self._waiting_bytes += len(chunk)
        self.size += len(chunk)
        if self.size > self._spool.in_memory and self._waiting_bytes >= _BATCH_BYTES:
            await anyio.to_thread.run_sync(self._write_out)

    async def finish(self, content_type: str) -> tuple[Body, Facts]:
        """The complete part as a body, and the facts in the audio. Raises the same as `add`."""
        if self._file is None and self.size <= at_once_bytes():
            return self._finish(content_type)
        return await anyio.to_thread.run_sync(self._finish, content_type)

    def _finish(self, content_type: str) -> tuple[Body, Facts]:
        if self._file is None:
            data = self._waiting[0] if len(self._waiting) == 1 else b"".join(self._waiting)
            self._waiting = [data]
            digest = hashlib.sha256(data).hexdigest()
            return Body(data, self.size, digest, content_type), measure(data)
        self._write_out()
        try:
            self._file.close(syncs=self._spool.syncs)
        except OSError as error:
            raise _spool_error(error, self._spool.folder) from error
        path = self._file.path
        return Body(path, self.size, self._file.sha256, content_type), measure(path)

    def _write_out(self) -> None:
        try:
            if self._file is None:
                self._file = _PartFile(self._spool.folder)
            for chunk in self._waiting:
                self._file.write(chunk)
        except OSError as error:
            raise _spool_error(error, self._spool.folder) from error
        self._waiting, self._waiting_bytes = [], 0


class _PartFile:
    """A file without a buffer: on a full disk nothing is left that would fail once more."""

    def __init__(self, folder: Path | None) -> None:
        self._file = tempfile.NamedTemporaryFile(  # noqa: SIM115 - closed when it is complete
            "wb", buffering=0, dir=folder, prefix="part-", delete=False
        )
        self.path = Path(self._file.name)
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        self._digest.update(data)
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]

    def close(self, *, syncs: bool) -> None:
        """It is complete, and waits to be stored without taking up a file descriptor."""
        if syncs:
            os.fsync(self._file.fileno())
        self._file.close()

    def remove(self) -> None:
        """Ignores errors of the disk: the next run removes what is left."""
        with suppress(OSError):
            self.close(syncs=False)
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


def _spool_error(error: OSError, folder: Path | None) -> StorageError:
    number = error.errno or 0
    if number == errno.EFBIG:
        return ObjectRefused(
            "the spool's disk does not allow files of that size",
            hint="raise the limit on file sizes, or point download.spool to another disk",
        )
    if number in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull(
            "no space left for the spool",
            hint="free some disk space, or point download.spool to a larger disk",
        )
    what = f"cannot write a temporary file in {folder or tempfile.gettempdir()}: {error.strerror}"
    kind, hint = kind_of(number)
    if kind is StorageUnreachable:
        return StorageUnreachable(what, hint=hint)
    if kind is StorageForbidden or not hint:
        hint = "check the permissions of the archive's folder and of download.spool"
    return StorageRefused(what, hint=hint)
