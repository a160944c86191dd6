"""What goes around a driver: trying again while the storage does not answer.

Drivers never try again themselves (boto3's own retries are off), so the policy is in one place.
"""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import anyio

from archiver.errors import (
    KeyChanged,
    KeyExists,
    KeyMissing,
    StorageError,
    StorageUnreachable,
)
from archiver.storage.base import Body, ByteRange, ObjectInfo, Reader, Reading, Storage
from archiver.storage.versions import ObjectLock, ObjectVersion, Versions
from archiver.tasks.retry import RetryPolicy, RetryScheduled, retrying

_Result = TypeVar("_Result")


class Retrying(Storage):
    """A storage whose operations are retried after StorageUnreachable.

    A `put` whose response was lost finds its own object on the next attempt; so the object is read
    back, and if it is the body, the put has succeeded. A `delete` that finds nothing on a later
    attempt has succeeded. A listing continues where it broke off, and each bit of progress resets
    the count of attempts. A broken `open` is retried until its first chunk has arrived, not in the
    middle of the object.
    """

    def __init__(
        self,
        storage: Storage,
        policy: RetryPolicy,
        *,
        sleep: Callable[[float], Awaitable[object]] = anyio.sleep,
        on_retry: Callable[[RetryScheduled], None] | None = None,
    ) -> None:
        self._storage = storage
        self._policy = policy
        self._sleep = sleep
        self._on_retry = on_retry

    @property
    def spool_folder(self) -> Path | None:
        """See `Storage.spool_folder`."""
        return self._storage.spool_folder

    @property
    def reader(self) -> Reader | None:
        """See `Storage.reader`; it does not try again."""
        return self._storage.reader

    @property
    def known(self) -> Any:
        """See `Storage.known`."""
        return self._storage.known

    async def put(self, key: str, body: Body, *, replacing: str | None = None) -> ObjectInfo:
        """See `Storage.put`."""
        attempts = 0

        async def attempt() -> ObjectInfo:
            nonlocal attempts
            attempts += 1
            try:
                return await self._storage.put(key, body, replacing=replacing)
            except (KeyExists, KeyChanged) as error:
                own = await self._own(key, body) if attempts > 1 else None
                if own is None:
                    raise error from None
                return own

        return await self._retry(attempt)

    async def put_in_order(
        self, objects: Sequence[tuple[str, Body]]
    ) -> Sequence[ObjectInfo | StorageError]:
        """See `Storage.put_in_order`; continues with the first object that had no response."""
        ended: list[ObjectInfo | StorageError] = []
        attempts = 0

        async def attempt() -> None:
            nonlocal attempts
            attempts += 1
            while len(ended) < len(objects):
                *done, last = await self._storage.put_in_order(objects[len(ended) :])
                ended.extend(done)
                if isinstance(last, StorageUnreachable):
                    raise last
                if isinstance(last, KeyExists) and attempts > 1:
                    last = await self._own(*objects[len(ended)]) or last
                ended.append(last)
                if isinstance(last, StorageError):
                    return

        try:
            await self._retry(attempt)
        except StorageUnreachable as error:
            ended.append(error)
        return ended

    @asynccontextmanager
    async def open(
        self, key: str, span: ByteRange | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """See `Storage.open`."""
        async with AsyncExitStack() as opened:

            async def attempt() -> tuple[AsyncIterator[bytes], bytes]:
                async with AsyncExitStack() as trial:
                    chunks = await trial.enter_async_context(self._storage.open(key, span))
                    first = await anext(chunks, b"")
                    await opened.enter_async_context(trial.pop_all())
                return chunks, first

            chunks, first = await self._retry(attempt)
            yield _rejoined(first, chunks)

    async def stat(self, key: str) -> ObjectInfo:
        """See `Storage.stat`."""
        return await self._retry(lambda: self._storage.stat(key))

    async def list(self, prefix: str = "") -> AsyncIterator[ObjectInfo]:
        """See `Storage.list`."""
        listing = _Listing(self._storage, prefix)
        while (info := await self._retry(listing.next)) is not None:
            yield info

    def survey(self, on_gap: Callable[[str, StorageError], None]) -> AsyncIterator[ObjectInfo]:
        """See `Storage.survey`; a gap is reported at once, without another attempt."""
        return self._storage.survey(on_gap) if self.is_local else self.list()

    async def delete(self, key: str) -> None:
        """See `Storage.delete`."""
        attempts = 0

        async def attempt() -> None:
            nonlocal attempts
            attempts += 1
            try:
                await self._storage.delete(key)
            except KeyMissing:
                if attempts == 1:
                    raise

        await self._retry(attempt)

    async def now(self) -> datetime | None:
        """See `Storage.now`."""
        return await self._retry(self._storage.now)

    async def aclose(self) -> None:
        """See `Storage.aclose`."""
        await self._storage.aclose()

    async def clear_parts(
        self, *, unchanged_for: float = 0.0, keeping: tuple[str, ...] = ()
    ) -> int:
        """See `Storage.clear_parts`."""
        return await self._retry(
            lambda: self._storage.clear_parts(unchanged_for=unchanged_for, keeping=keeping)
        )

    async def read(self, key: str, *, limit: int) -> bytes:
        """See `Storage.read`; a read that breaks off starts over."""
        return await self._retry(lambda: self._storage.read(key, limit=limit))

    @property
    def versions(self) -> Versions | None:
        """See `Storage.versions`; its verbs are tried again as well."""
        versions = self._storage.versions
        return None if versions is None else _RetryingVersions(versions, self._retry)

    async def readings(
        self, keys: Sequence[str], *, keep: int = 0
    ) -> Sequence[Reading | StorageError]:
        """See `Storage.readings`; what did not answer is read again by itself."""
        found = await self._storage.readings(keys, keep=keep)
        return [
            await self._read_again(key, keep) if isinstance(one, StorageUnreachable) else one
            for key, one in zip(keys, found, strict=True)
        ]

    async def _read_again(self, key: str, keep: int) -> Reading | StorageError:
        async def attempt() -> Reading | StorageError:
            (found,) = await self._storage.readings([key], keep=keep)
            if isinstance(found, StorageUnreachable):
                raise found
            return found

        try:
            return await self._retry(attempt)
        except StorageUnreachable as error:
            return error

    async def _own(self, key: str, body: Body) -> ObjectInfo | None:
        """The object under the key if it is the body, read back and hashed."""
        info = await self._storage.stat(key)
        if info.size != body.size:
            return None
        digest = hashlib.sha256()
        async with self._storage.open(key) as chunks:
            async for chunk in chunks:
                digest.update(chunk)
        return info if digest.hexdigest() == body.sha256 else None

    async def _retry(self, attempt: Callable[[], Awaitable[_Result]]) -> _Result:
        return await retrying(self._policy, attempt, sleep=self._sleep, on_retry=self._on_retry)


@dataclass(frozen=True, slots=True)
class _RetryingVersions(Versions):
    """Versions whose operations are retried after StorageUnreachable; each can be repeated."""

    inner: Versions
    retry: Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]

    async def of(self, prefix: str) -> list[ObjectVersion]:
        """See `Versions.of`."""
        return list(await self.retry(lambda: self.inner.of(prefix)))

    async def lock(self, key: str, version: str | None) -> ObjectLock:
        """See `Versions.lock`."""
        lock: ObjectLock = await self.retry(lambda: self.inner.lock(key, version))
        return lock

    async def retain(self, key: str, version: str | None, mode: str, until: datetime) -> None:
        """See `Versions.retain`."""
        await self.retry(lambda: self.inner.retain(key, version, mode, until))

    async def hold(self, key: str, version: str | None, *, is_on: bool) -> None:
        """See `Versions.hold`."""
        await self.retry(lambda: self.inner.hold(key, version, is_on=is_on))

    async def is_on_hold(self, key: str, version: str | None) -> bool:
        """See `Versions.is_on_hold`."""
        return bool(await self.retry(lambda: self.inner.is_on_hold(key, version)))

    async def delete(self, key: str, version: str | None) -> None:
        """See `Versions.delete`."""
        await self.retry(lambda: self.inner.delete(key, version))

    async def can_lock(self) -> bool:
        """See `Versions.can_lock`."""
        return bool(await self.retry(self.inner.can_lock))


class _Listing:
    """A listing that starts over after it broke, and leaves out what it has already given."""

    def __init__(self, storage: Storage, prefix: str) -> None:
        self._storage = storage
        self._prefix = prefix
        self._found = storage.list(prefix)
        self._last = b""

    async def next(self) -> ObjectInfo | None:
        """The next object; None at the end."""
        try:
            async for info in self._found:
                key = info.key.encode("utf-8", "surrogateescape")
                if key > self._last:
                    self._last = key
                    return info
        except StorageUnreachable:
            self._found = self._storage.list(self._prefix)
            raise
        return None


async def _rejoined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if first:
        yield first
        async for chunk in rest:
            yield chunk
