"""Copies one object from the archive to a replica, comparing it with its digest while reading."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from archiver.errors import KeyExists, KeyMissing, ObjectRefused, StorageError
from archiver.recordings.spool import Spool
from archiver.replica.errors import named_errors
from archiver.storage.base import Body, Storage


class Copied(StrEnum):
    """The outcome for one object."""

    COPIED = "copied"
    ALREADY = "already"
    REPLACED = "replaced"
    FOREIGN = "foreign"
    DAMAGED = "damaged"
    MISSING = "missing"
    REFUSED = "refused"


IS_THERE = frozenset({Copied.COPIED, Copied.ALREADY, Copied.REPLACED})
"""The outcomes after which the replica has the right object."""


@dataclass(frozen=True, slots=True)
class Between:
    """Source and target, the name of the replica, and the spool for bodies on their way."""

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
        """Copy the object if it has this digest (None: whatever it has). Return the outcome and the
        number of bytes sent.

        An existing object is kept, unless its digest is among `formers`. Raises StorageError if one
        of the storages cannot be used at all.
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
        """The same for a body that was already read and checked."""
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
        """Compare the existing object; replace it if it is an earlier revision."""
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
