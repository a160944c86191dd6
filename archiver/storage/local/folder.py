"""An archive in a folder: part file, sync, link, sync of the folder.

Puts that arrive while others are being written wait for their turn and are written together
(`writing.py`), so a busy run shares its syncs and thread switches, and an idle one does not wait.

Files are read-only, which prevents accidental changes. It does not prevent changes by the owner of
the folder: a disk is not WORM.

One thing differs from S3: a key cannot be a folder of another key (`a` beside `a/b`); the second of
the two is rejected. Keys of an archive never are.
"""

import os
import stat
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import islice
from pathlib import Path
from time import monotonic, sleep, time
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from archiver.errors import (
    KeyChanged,
    StorageError,
    StorageUnreachable,
)
from archiver.storage.base import Body, ByteRange, ObjectInfo, Reader, Reading, Storage
from archiver.storage.keys import LOCK_KEYS, TMP_PREFIX, check_key, check_prefix
from archiver.storage.local import disk
from archiver.storage.local.filelock import FileLock
from archiver.storage.local.reader import READ_CHUNK, FolderReader, missing
from archiver.storage.local.syncing import Syncing
from archiver.storage.local.walk import entries
from archiver.storage.local.writing import Put, Writer, tag_of
from archiver.tasks.batch import SharedHop

LIST_BATCH = 500
# Reads of several files go on at once; more threads only fight for the interpreter.
THREADS = 8
CHANGE_WAIT = 30.0

_PARTS_FOLDER = TMP_PREFIX.removesuffix("/")
_CHANGE_LOCK = "change-lock"

_Result = TypeVar("_Result")


class LocalStorage(Storage):
    """The folder must exist; `opening.py` creates it. `syncing` makes its content durable."""

    def __init__(self, root: Path, syncing: Callable[[str], Syncing] = Syncing) -> None:
        self._root = os.path.abspath(root)  # noqa: PTH100 - plain strings: this is the hot path
        self._parts = f"{self._root}/{TMP_PREFIX}"
        self._reader = FolderReader(self._root)
        self._limiter = CapacityLimiter(THREADS)
        self._syncing = syncing(self._root)
        self._writer = Writer(
            self._root, self._syncing, changing=self._changing, check_tag=self._check_tag
        )
        self._writing = SharedHop(self._writer.put_all)

    @property
    def spool_folder(self) -> Path:
        """The folder of part files; made by the first put or by the archive lock."""
        return Path(self._parts)

    @property
    def reader(self) -> Reader:
        """See `Storage.reader`."""
        return self._reader

    async def put(self, key: str, body: Body, *, replacing: str | None = None) -> ObjectInfo:
        """See `Storage.put`."""
        (ended,) = await self._writing.take([Put(check_key(key), body, replacing)])
        if isinstance(ended, StorageError):
            raise ended
        return ended

    async def put_in_order(
        self, objects: Sequence[tuple[str, Body]]
    ) -> Sequence[ObjectInfo | StorageError]:
        """See `Storage.put_in_order`; written and synced together, named one after the other."""
        return await self._writing.take([Put(check_key(key), body) for key, body in objects])

    @asynccontextmanager
    async def open(
        self, key: str, span: ByteRange | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """See `Storage.open`; chunks of up to a mebibyte."""
        check_key(key)
        file, first, left = await self._in_thread(self._open, key, span)
        try:
            yield self._chunks(key, file, first, left)
        finally:
            os.close(file)

    async def stat(self, key: str) -> ObjectInfo:
        """See `Storage.stat`."""
        check_key(key)
        return await self._in_thread(self._stat, key)

    async def list(self, prefix: str = "") -> AsyncIterator[ObjectInfo]:
        """See `Storage.list`; holds the names of one folder a level, never the whole tree.

        Foreign files are listed too, whatever their name; a symbolic link is listed as itself and
        never followed.
        """
        async for info in self._infos(entries(self._root, check_prefix(prefix)), prefix):
            yield info

    def survey(self, on_gap: Callable[[str, StorageError], None]) -> AsyncIterator[ObjectInfo]:
        """See `Storage.survey`."""

        def pass_over(key: str, error: OSError) -> None:
            on_gap(key, disk.storage_error(error, key))

        return self._infos(entries(self._root, "", pass_over), "")

    async def _infos(
        self, found: Iterator[tuple[str, os.stat_result]], prefix: str
    ) -> AsyncIterator[ObjectInfo]:
        while batch := await self._in_thread(_next_batch, found, prefix):
            for name, facts in batch:
                yield ObjectInfo(name, facts.st_size, tag_of(facts))

    async def delete(self, key: str) -> None:
        """See `Storage.delete`; folders that it leaves empty are removed with it."""
        check_key(key)
        await self._in_thread(self._delete, key)

    async def aclose(self) -> None:
        """Remove the folder of part files if it is empty."""
        await self._in_thread(self._remove_empty_parts)

    async def clear_parts(
        self, *, unchanged_for: float = 0.0, keeping: tuple[str, ...] = ()
    ) -> int:
        """See `Storage.clear_parts`."""
        return await self._in_thread(self._clear_parts, unchanged_for, keeping)

    async def readings(
        self, keys: Sequence[str], *, keep: int = 0
    ) -> Sequence[Reading | StorageError]:
        """See `Storage.readings`; all of them in one hop to a worker thread."""
        return await self._in_thread(self._readings, keys, keep)

    async def _in_thread(self, work: Callable[..., _Result], *arguments: object) -> _Result:
        # Never abandoned: each of these ends soon, and cleans up.
        return await to_thread.run_sync(work, *arguments, limiter=self._limiter)

    def _check_tag(self, key: str, expected: str) -> None:
        if self._stat(key).tag != expected:
            raise KeyChanged(f"{key} was changed by another process", key=key)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Changes of existing objects take turns, over all threads and processes."""
        lock = FileLock(f"{self._parts}{_CHANGE_LOCK}")
        deadline = monotonic() + CHANGE_WAIT
        os.makedirs(self._parts, exist_ok=True)  # noqa: PTH103
        while not lock.acquire():
            if monotonic() > deadline:
                raise StorageUnreachable(
                    f"another process has held the change lock for {CHANGE_WAIT:.0f} s"
                )
            sleep(0.001)
        try:
            yield
        finally:
            lock.release()

    def _readings(self, keys: Sequence[str], keep: int) -> Sequence[Reading | StorageError]:
        return [self._reader.read(key, keep=keep) for key in keys]

    def _open(self, key: str, span: ByteRange | None) -> tuple[int, bytes, int]:
        """The open file, its first chunk, and how many bytes are to follow."""
        with disk.disk_errors(key):
            try:
                file = os.open(f"{self._root}/{key}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            except NotADirectoryError:
                raise missing(key) from None
            try:
                facts = os.fstat(file)
                if not stat.S_ISREG(facts.st_mode):
                    raise missing(key)
                start, stop = (span.start, span.stop) if span else (0, None)
                left = max(0, min(facts.st_size, stop or facts.st_size) - start)
                os.lseek(file, start, os.SEEK_SET)
                first = os.read(file, min(left, READ_CHUNK))
            except BaseException:
                os.close(file)
                raise
            return file, first, left - len(first)

    async def _chunks(self, key: str, file: int, chunk: bytes, left: int) -> AsyncIterator[bytes]:
        while chunk:
            yield chunk
            if not left:
                return
            chunk = await self._in_thread(_read, file, key, min(left, READ_CHUNK))
            left -= len(chunk)

    def _stat(self, key: str) -> ObjectInfo:
        with disk.disk_errors(key):
            try:
                facts = os.lstat(f"{self._root}/{key}")
            except NotADirectoryError:
                raise missing(key) from None
            if stat.S_ISDIR(facts.st_mode):
                raise missing(key)
            return ObjectInfo(
                key, facts.st_size, tag_of(facts), age=max(0.0, time() - facts.st_mtime)
            )

    def _delete(self, key: str) -> None:
        self._stat(key)
        with disk.disk_errors(key), self._changing():
            os.unlink(f"{self._root}/{key}")  # noqa: PTH108
            folder = key.rpartition("/")[0]
            with suppress(OSError):
                while folder and folder != _PARTS_FOLDER:
                    os.rmdir(f"{self._root}/{folder}")  # noqa: PTH106
                    self._writer.forget(folder)
                    folder = folder.rpartition("/")[0]
            for error in self._syncing.sync([f"{self._root}/{folder}"]).values():
                raise error

    def _clear_parts(self, unchanged_for: float, keeping: tuple[str, ...]) -> int:
        removed, before = 0, time() - unchanged_for
        with disk.disk_errors(TMP_PREFIX):
            for key, facts in entries(self._root, TMP_PREFIX):
                if key.endswith(_CHANGE_LOCK):
                    _sweep_lock(FileLock(f"{self._root}/{key}"))
                elif key in LOCK_KEYS or key.startswith(keeping):
                    continue
                elif facts.st_mtime <= before:
                    with suppress(FileNotFoundError):
                        os.unlink(f"{self._root}/{key}")  # noqa: PTH108
                        removed += 1
        return removed

    def _remove_empty_parts(self) -> None:
        with suppress(OSError):
            os.rmdir(self._parts)  # noqa: PTH106


def _next_batch(
    found: Iterator[tuple[str, os.stat_result]], prefix: str
) -> list[tuple[str, os.stat_result]]:
    with disk.disk_errors(prefix):
        return list(islice(found, LIST_BATCH))


def _read(file: int, key: str, size: int) -> bytes:
    with disk.disk_errors(key):
        return os.read(file, size)


def _sweep_lock(lock: FileLock) -> None:
    """Remove the file of a lock that a killed process left."""
    if lock.acquire():
        lock.release()
