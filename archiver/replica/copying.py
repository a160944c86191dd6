"""One object from the archive into a replica, compared with its digest as it is read."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from archiver.errors import KeyExists, KeyMissing, ObjectRefused, StorageError
from archiver.recordings.spool import Spool
from archiver.replica.errors import named_errors
from archiver.storage.base import Body, Storage


class Copied(StrEnum):
    """How it went with one object."""

    COPIED = "copied"
    ALREADY = "already"
    REPLACED = "replaced"
    FOREIGN = "foreign"
    DAMAGED = "damaged"
    MISSING = "missing"
    REFUSED = "refused"


IS_THERE = frozenset({Copied.COPIED, Copied.ALREADY, Copied.REPLACED})
"""The replica has the object as it should be."""


@dataclass(frozen=True, slots=True)
class Between:
    """The two places, the name of the replica, and where bodies wait on their way."""

    archive: Storage
    replica: Storage
    name: str
    spool: Spool

    async def copy(
        self,
        key: str,
        sha256: str | None,
        content_type: str,
        formers: Collection[str] = (),
    ) -> tuple[Copied, int]:
        """Put the object there, if it has that digest (None: whatever it has); how it went, and how
        many bytes were sent.

        What lies there stays, unless its digest is among `formers`. Raises StorageError where one
        of the places cannot be used at all.
        """
        async with self.spool.part() as part:
            try:
                async with self.archive.open(key) as chunks:
                    async for chunk in chunks:
                        await part.add(chunk)
            except KeyMissing:
                return Copied.MISSING, 0
            body, _ = await part.finish(content_type)
            if sha256 is not None and body.sha256 != sha256:
                return Copied.DAMAGED, 0
            with named_errors(self.name):
                return await self._put(key, body, formers)

    async def put(self, key: str, body: Body) -> Copied:
        """The same with a body that was read and checked before."""
        with named_errors(self.name):
            ended, _ = await self._put(key, body, ())
        return ended

    async def _put(self, key: str, body: Body, formers: Collection[str]) -> tuple[Copied, int]:
        try:
            await self.replica.put(key, body)
        except KeyExists:
            return await self._compare(key, body, formers)
        except ObjectRefused:
            return Copied.REFUSED, 0
        return Copied.COPIED, body.size

    async def _compare(self, key: str, body: Body, formers: Collection[str]) -> tuple[Copied, int]:
        """What it is that lies there, which is replaced where it is an earlier revision."""
        info = await self.replica.stat(key)
        (there,) = await self.replica.readings([key])
        if isinstance(there, StorageError):
            raise there
        if there.sha256 == body.sha256:
            return Copied.ALREADY, 0
        if there.sha256 not in formers:
            return Copied.FOREIGN, 0
        await self.replica.put(key, body, replacing=info.tag)
        return Copied.REPLACED, body.size
