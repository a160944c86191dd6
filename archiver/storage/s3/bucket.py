"""An archive on S3: boto3's requests in worker threads, small puts and gets beside them (`direct`).

A request in progress when the task is cancelled is left to its thread, which ends with the
answer or a time-out. A put may then still succeed, as any put whose answer is lost; an upload in
parts is aborted.
"""

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

import anyio
from anyio import CapacityLimiter, to_thread

from archiver.config import S3Config
from archiver.errors import (
    KeyChanged,
    KeyExists,
    KeyMissing,
    StorageError,
    StorageForbidden,
    StorageRefused,
    StorageUnreachable,
)
from archiver.storage.base import Body, ByteRange, ObjectInfo, Reading, Storage
from archiver.storage.keys import LOCK_KEYS, TMP_PREFIX, check_key, check_prefix
from archiver.storage.s3.direct import DirectRequests, Fate
from archiver.storage.s3.errors import CredentialsExpired, s3_errors
from archiver.storage.s3.parts import parts_of
from archiver.storage.s3.requests import Bucket, info_of
from archiver.storage.s3.signing import Known
from archiver.storage.s3.versions import S3Versions
from archiver.storage.versions import Versions
from archiver.tasks.lanes import in_lanes

if TYPE_CHECKING:
    from archiver.storage.s3.requests import Stream

READ_CHUNK: Final = 1 << 20
# In one piece the server checks and keeps the SHA-256 of the whole, and there is one condition to
# keep (SeaweedFS 4.48 lets several of racing completions win: observation). The body is read from
# its file in small blocks either way, so parts only save what has to be sent again after a fault.
WHOLE_UP_TO: Final = 128 << 20
THREADS: Final = 16
# How many objects are read at a time, by all who read many.
READERS: Final = 32
ABORT_DEADLINE: Final = 5.0
# S3 may give pages without a key between others, but not without end.
MOST_EMPTY_PAGES: Final = 1000

_Result = TypeVar("_Result")


class S3Storage(Storage):
    """`whole_up_to` is the size in bytes up to which an object is sent in one piece; `known` is
    what another process says of this bucket."""

    def __init__(
        self,
        bucket: str,
        prefix: str,
        config: S3Config,
        *,
        whole_up_to: int = WHOLE_UP_TO,
        known: Known | None = None,
    ) -> None:
        self._bucket = Bucket(bucket, prefix, config, connections=THREADS, known=known)
        self._direct = DirectRequests(self._bucket)
        self._whole_up_to = whole_up_to
        self._limiter = CapacityLimiter(THREADS)
        self._readers = CapacityLimiter(READERS)

    async def put(self, key: str, body: Body, *, replacing: str | None = None) -> ObjectInfo:
        """See `Storage.put`. A file body is read and left where it is."""
        check_key(key)
        if replacing == "":
            raise StorageRefused(
                f"{key} cannot be replaced safely: the S3 server returns no ETag",
                key=key,
                hint="use an S3 server that returns ETags",
            )
        if body.size <= self._whole_up_to:
            answer = await self._put_whole(key, body, replacing)
        else:
            answer = await self._put_parts(key, body, replacing)
        info = info_of(key, body.size, answer)
        return info if info.tag else await self._confirmed(info)

    @asynccontextmanager
    async def open(
        self, key: str, span: ByteRange | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """See `Storage.open`; chunks of up to a mebibyte."""
        check_key(key)
        async with self._direct.open(key, span) as arriving:
            if arriving is not None:
                yield arriving
                return
        stream = await self._in_thread(self._bucket.get, key, span)
        with closing(stream):
            yield self._chunks(key, stream)

    async def readings(
        self, keys: Sequence[str], *, keep: int = 0
    ) -> Sequence[Reading | StorageError]:
        """See `Storage.readings`; several at a time, since each waits for the network."""
        found: dict[str, Reading | StorageError] = {}

        async def read(key: str) -> None:
            async with self._readers:
                found[key] = await self._reading(key, keep)

        await in_lanes(READERS, dict.fromkeys(keys), read)
        return [found[key] for key in keys]

    async def stat(self, key: str) -> ObjectInfo:
        """See `Storage.stat`."""
        check_key(key)
        return await self._in_thread(self._bucket.stat, key)

    async def list(self, prefix: str = "") -> AsyncIterator[ObjectInfo]:
        """See `Storage.list`; a thousand objects a request."""
        check_prefix(prefix)
        asked: dict[str, Any] | None = {}
        last, empty = "", 0
        while asked is not None:
            page, asked = await self._in_thread(self._bucket.page, prefix, asked)
            empty = 0 if page else empty + 1
            if empty > MOST_EMPTY_PAGES:
                raise StorageError("the S3 server keeps returning empty listing pages")
            for info in page:
                if info.key <= last:
                    raise StorageError(
                        f"the S3 server lists {info.key} after {last}, out of order or twice",
                        hint="move objects that do not belong to the archive out of its prefix",
                    )
                last = info.key
                yield info

    async def delete(self, key: str) -> None:
        """See `Storage.delete`. On a versioned bucket the versions stay, behind a delete marker."""
        check_key(key)
        await self._in_thread(self._bucket.delete, key)

    async def now(self) -> datetime | None:
        """See `Storage.now`: by the `Date` of an answer."""
        return await self._in_thread(self._bucket.now)

    async def aclose(self) -> None:
        """Close the connections that are at rest."""
        self._direct.close()
        await to_thread.run_sync(self._bucket.access.close, limiter=self._limiter)

    async def clear_parts(
        self, *, unchanged_for: float = 0.0, keeping: tuple[str, ...] = ()
    ) -> int:
        """See `Storage.clear_parts`."""
        aborted = await self._in_thread(self._bucket.abort_uploads, unchanged_for)
        return aborted + await self._delete_scratch(unchanged_for, keeping)

    @property
    def known(self) -> Known | None:
        """See `Storage.known`."""
        return self._bucket.access.tell()

    @property
    def versions(self) -> Versions:
        """See `Storage.versions`."""
        return S3Versions(self._bucket.versions, self._in_thread)

    async def _in_thread(self, work: Callable[..., _Result], *arguments: Any) -> _Result:
        return await to_thread.run_sync(
            self._attempt, work, *arguments, abandon_on_cancel=True, limiter=self._limiter
        )

    def _attempt(self, work: Callable[..., _Result], *arguments: Any) -> _Result:
        """Do the work; once more, with credentials looked for anew, if those have expired, or
        others have taken their place since."""
        used = self._bucket.access.service
        try:
            return work(*arguments)
        except CredentialsExpired:
            self._bucket.access.renew()
            return work(*arguments)
        except StorageForbidden:
            if not self._bucket.access.renew_if_rotated(used):
                raise
            return work(*arguments)

    async def _put_whole(self, key: str, body: Body, replacing: str | None) -> Any:
        answer = await self._direct.put(key, body, replacing)
        if not isinstance(answer, Fate):
            return answer
        try:
            return await self._in_thread(self._bucket.put_whole, key, body, replacing)
        except (KeyExists, KeyChanged) as error:
            if answer is Fate.NOT_STORED:
                raise
            # It may be our own object that the put met: the retry compares.
            raise StorageUnreachable("the answer to a put was lost", key=key) from error

    async def _confirmed(self, put: ObjectInfo) -> ObjectInfo:
        """The object of a put whose answer has no ETag: S3 gives one, so it is looked at first.

        Something before the server may have answered in its place, and stored nothing.
        """
        try:
            seen = await self.stat(put.key)
        except KeyMissing as error:
            raise StorageUnreachable(
                f"{put.key}: the upload was accepted, but nothing was stored", key=put.key
            ) from error
        if seen.size != put.size:
            raise StorageError(
                f"{put.key} should be {put.size} bytes, but {seen.size} are there", key=put.key
            )
        return replace(put, tag=seen.tag, version=put.version or seen.version)

    async def _put_parts(self, key: str, body: Body, replacing: str | None) -> Any:
        # Not abandoned: an upload whose id is unknown could not be aborted.
        upload = await to_thread.run_sync(
            self._attempt, self._bucket.begin, key, body, limiter=self._limiter
        )
        try:
            whole, parts = hashlib.sha256(), []
            for number, span in enumerate(parts_of(body.size), 1):
                part, whole = await self._in_thread(
                    self._bucket.put_part, key, upload, number, body, span, whole
                )
                parts.append(part)
            if whole.hexdigest() != body.sha256:
                raise StorageError(f"{key}: the bytes differ from the announced digest", key=key)
            return await self._in_thread(self._bucket.complete, key, upload, parts, replacing)
        except BaseException:
            with anyio.move_on_after(ABORT_DEADLINE, shield=True), suppress(StorageError):
                await self._in_thread(self._bucket.abort, key, upload)
            raise

    async def _chunks(self, key: str, stream: "Stream") -> AsyncIterator[bytes]:
        while chunk := await self._in_thread(_read, key, stream):
            yield chunk

    async def _delete_scratch(self, unchanged_for: float, keeping: tuple[str, ...]) -> int:
        stray = [
            info.key
            async for info in self.list(TMP_PREFIX)
            if info.key not in LOCK_KEYS and not info.key.startswith(keeping)
        ]
        deleted = 0
        for key in stray:
            with suppress(KeyMissing):
                if unchanged_for and ((await self.stat(key)).age or 0.0) < unchanged_for:
                    continue
                await self.delete(key)
                deleted += 1
        return deleted


def _read(key: str, stream: "Stream") -> bytes:
    with s3_errors(key):
        return stream.read(READ_CHUNK)
