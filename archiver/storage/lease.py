"""A lock on a storage without locks: an object that its owner keeps renewing.

The lease is made by a create-only put and renewed by `put(replacing=its tag)`. Its age is told by
the medium's own clock (`ObjectInfo.age`: on S3 the Date and Last-Modified of one answer), so clocks
of the machines that compete are never compared, and one request tells a live owner from a dead
one: nobody waits in order to watch. A lease older than `dead_after` is taken over, again by
`replacing` its tag, so that of several takers one wins.

An owner that cannot renew stops by itself after `give_up`, before anyone may take over; one that
was suspended learns of the takeover from its next renewal. Either way the body of `kept` is
cancelled. Writes still on their way then do no harm, since they are conditional too.

Where the bucket keeps versions, every renewal would leave one behind for ever, and every end a
delete marker. So the owner removes what lies under its newest version as it goes, and that one
last, by its id: nobody else's lease can be hit, and nothing older comes to light again. Where that
is not allowed, the versions stay and the lease is deleted like any object.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from secrets import token_hex

import anyio

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


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """In seconds; `renew_every` < `give_up` < `dead_after`."""

    renew_every: float = 15.0
    give_up: float = 40.0
    dead_after: float = 45.0


class Lease:
    """One claim on the lease object at `key`; `content` says who claims it.

    `found_left` tells, of an acquired lease, that a dead owner's was taken over. With `leave` it
    is not released at the end, and looks like that of a dead owner to the next.
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
        """Take the lease: None, or what its living owner wrote into it."""
        while True:
            try:
                await self._took(await self._storage.put(self._key, self._body()))
            except KeyExists:
                with suppress(KeyMissing, KeyChanged):
                    return await self._challenge()
            except StorageRefused:
                await self._release()  # it may lie there all the same
                raise
            else:
                return None

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Keep the acquired lease while the block runs, then release it.

        Raises StorageError, after cancelling the block, when the lease is lost.
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
        # Shielded with a deadline; a lease that stays dies of age.
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
        """Remove what older versions lie under ours; whether ours is the only one now.

        Nobody reads what is not the newest, so that may be done at any time, also by whoever has
        lost the lease meanwhile. It is given up before the next renewal could be late.
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
        """Note the tag by which the lease is renewed. Some servers tell it only when asked again.

        StorageRefused where they never do.
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
