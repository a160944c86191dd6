"""A lock on a storage without locks: an object that its owner keeps renewing.

The lease is acquired by a create-only put and renewed by `put(replacing=its tag)`. Its age is
measured by the medium's own clock (`ObjectInfo.age`: on S3 the Date and Last-Modified of one
response), so the clocks of competing machines are never compared, and one request tells a live
owner from a dead one without waiting. A lease older than `dead_after` is taken over, again by
`replacing` its tag, so that one of several competitors wins.

An owner that cannot renew stops by itself after `give_up`, before anyone can take over; one that
was suspended learns of the takeover from its next renewal. In both cases the body of `kept` is
cancelled. Writes still on their way do no harm, since they are conditional, too.

On a bucket with versions, every renewal would leave a version behind permanently, and every release
a delete marker. So the owner removes the versions below its newest one as it goes, and its newest
one last, by its id: no other lease can be affected, and nothing older becomes visible again.
Without permission to do so, the versions remain and the lease is deleted like any object.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from secrets import token_hex

import anyio
from msgspec import Struct

from archiver.errors import (
    KeyChanged,
    KeyExists,
    KeyMissing,
    StorageError,
    StorageRefused,
    StorageUnreachable,
)
from archiver.storage.base import Body, ObjectInfo, Storage

MAX_BYTES = 4096
RELEASE_DEADLINE = 5.0
SWEEP_DEADLINE = 2.0


class LeaseTimes(Struct, frozen=True):
    """In seconds; `renew_every` < `give_up` < `dead_after`."""

    renew_every: float = 15.0
    give_up: float = 40.0
    dead_after: float = 45.0


class Lease:
    """One claim on the lease object at `key`; `content` identifies the claimant.

    `found_left` is true if an acquired lease was taken over from a dead owner. With `leave` it is
    not released at the end, and looks like that of a dead owner to the next.
    """

    def __init__(
        self, storage: Storage, key: str, content: dict[str, object], times: LeaseTimes
    ) -> None:
        self._storage = storage
        self._key = key
        self._content = {**content, "claim": token_hex(16)}
        self._times = times
        self._renewals = 0
        self._tag = ""
        self._version: str | None = None
        self.found_left = False
        self.leave = False

    async def acquire(self) -> bytes | None:
        """Acquire the lease: None, or the content written by its living owner."""
        while True:
            try:
                await self._took(await self._storage.put(self._key, self._body()))
            except KeyExists:
                with suppress(KeyMissing, KeyChanged):
                    return await self._challenge()
            except StorageRefused:
                await self._release()  # it may exist after all
                raise
            else:
                return None

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Keep the acquired lease during the block, then release it.

        Raises StorageError, after cancelling the block, if the lease is lost.
        """
        lost: list[StorageError] = []
        failure: Exception | None = None
        try:
            async with anyio.create_task_group() as tasks:

                async def renewing() -> None:
                    lost.append(await self._renew_until_lost())
                    tasks.cancel_scope.cancel()

                tasks.start_soon(renewing)
                # An error must not leave the task group, which would wrap it into a group.
                try:
                    yield
                except Exception as error:  # noqa: BLE001 - raised again below
                    failure = error
                tasks.cancel_scope.cancel()
        finally:
            if not lost and not self.leave:
                await self._release()
        if lost:
            raise lost[0] from failure
        if failure is not None:
            raise failure

    async def _challenge(self) -> bytes | None:
        info = await self._storage.stat(self._key)
        found = await self._storage.read(self._key, limit=MAX_BYTES)
        if self._is_ours(found):
            # The answer to our own put was lost, and the put was repeated.
            await self._took(info)
            return None
        if info.age is None:
            raise StorageRefused(
                "the storage does not return Last-Modified for the lock, so it is unknown "
                "whether its owner is alive",
                key=self._key,
                hint="make sure that no other run is in progress, and delete that object manually",
            )
        if info.age < self._times.dead_after:
            return found
        await self._took(await self._storage.put(self._key, self._body(), replacing=info.tag))
        self.found_left = True
        return None

    async def _renew_until_lost(self) -> StorageError:
        renewed = anyio.current_time()
        while True:
            await anyio.sleep(self._times.renew_every)
            started = anyio.current_time()
            with anyio.move_on_at(renewed + self._times.give_up):
                try:
                    await self._took(await self._renew())
                    renewed = started
                    await self._sweep()
                except (KeyChanged, KeyMissing):
                    return StorageError(
                        "another run has acquired the lock on the archive",
                        key=self._key,
                        hint="make sure that runs of one archive do not overlap; nothing is "
                        "lost, and the next run continues",
                    )
                except StorageUnreachable:
                    pass
                except StorageError as error:
                    return error
            if anyio.current_time() >= renewed + self._times.give_up:
                return StorageUnreachable(
                    f"the lock on the archive could not be renewed for {self._times.give_up:.0f} s",
                    key=self._key,
                )

    async def _renew(self) -> ObjectInfo:
        self._renewals += 1
        try:
            return await self._storage.put(self._key, self._body(), replacing=self._tag)
        except KeyChanged:
            # Our own renewal, if its answer was lost and it was repeated.
            info = await self._storage.stat(self._key)
            if self._is_ours(await self._storage.read(self._key, limit=MAX_BYTES)):
                return info
            raise

    async def _release(self) -> None:
        # Shielded with a deadline; a lease that is not released expires.
        with anyio.move_on_after(RELEASE_DEADLINE, shield=True), suppress(StorageError):
            if not self._is_ours(await self._storage.read(self._key, limit=MAX_BYTES)):
                return
            versions = self._storage.versions
            if versions is not None and await self._sweep():
                with suppress(StorageRefused):
                    await versions.delete(self._key, self._version)
                    return
            await self._storage.delete(self._key)

    async def _sweep(self) -> bool:
        """Remove older versions below ours; returns whether ours is the only one now.

        Only the newest one is ever read, so this can be done at any time, even after the lease was
        lost. It is interrupted before the next renewal could be late.
        """
        versions = self._storage.versions
        if versions is None or self._version is None:
            return False
        with anyio.move_on_after(SWEEP_DEADLINE), suppress(StorageError):
            found = [one for one in await versions.of(self._key) if one.key == self._key]
            for one in found:
                if not one.is_newest:
                    await versions.delete(one.key, one.version)
            return [one.version for one in found if one.is_newest] == [self._version]
        return False

    async def _took(self, info: ObjectInfo) -> None:
        """Store the tag by which the lease is renewed. Some servers return it only when asked
        again.

        StorageRefused if they never do.
        """
        if not info.tag:
            seen = await self._storage.stat(self._key)
            if not seen.tag or not self._is_ours(
                await self._storage.read(self._key, limit=MAX_BYTES)
            ):
                raise StorageRefused(
                    "the storage returns no ETag for the lock, so it could not be renewed",
                    key=self._key,
                    hint="use an S3 server that returns ETags",
                )
            info = seen
        self._tag, self._version = info.tag, info.version

    def _is_ours(self, found: bytes) -> bool:
        return f'"{self._content["claim"]}"'.encode() in found

    def _body(self) -> Body:
        # The count makes every renewal differ, so that its tag does.
        data = json.dumps({**self._content, "renewals": self._renewals}).encode()
        return Body.of(data, "application/json")
