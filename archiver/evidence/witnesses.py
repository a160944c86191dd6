"""Witnesses: locations with separate credentials that keep the heads of an archive.

Below its root a witness has one folder per archive, named after the archive's id, with one object
per head, named by number and digest. Other objects there are ignored.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import anyio
from anyio import to_thread

from archiver.config import StorageConfig
from archiver.errors import KeyExists, StorageError, StorageRefused, StorageUnreachable
from archiver.evidence.statements import head_in, name_of_head
from archiver.ledger.segments import Head
from archiver.storage.base import Body, Storage
from archiver.storage.opening import open_storage
from archiver.tasks.contexts import closed_at_the_end

_SECONDS = 30.0
"""Seconds to wait for a witness: the end of the run waits for it."""


async def tell_witness(witness: StorageConfig, archive_id: str, head: Head, data: bytes) -> None:
    """Store a head at the witness, if it does not have it yet. Raises StorageError."""
    async with _opened(witness) as storage:
        with suppress(KeyExists):
            await storage.put(f"{archive_id}/{name_of_head(head)}.signed", Body.of(data))


async def heads_at(witness: StorageConfig, archive_id: str) -> list[Head]:
    """The heads of the archive that the witness has, in order. Raises StorageError."""
    async with _opened(witness) as storage:
        keys = [info.key async for info in storage.list(f"{archive_id}/")]
    return sorted((head for key in keys if (head := head_in(key))), key=lambda one: one.number)


@asynccontextmanager
async def _opened(witness: StorageConfig) -> AsyncIterator[Storage]:
    try:
        with anyio.fail_after(_SECONDS):
            opened = await to_thread.run_sync(_open, witness)
            async with closed_at_the_end(opened) as storage:
                yield storage
    except TimeoutError:
        raise StorageUnreachable(f"{witness.url} did not answer in {_SECONDS:.0f} s") from None
    except StorageError as error:
        raise type(error)(f"{witness.url}: {error}", hint=error.hint) from None


def _open(witness: StorageConfig) -> Storage:
    try:
        return open_storage(witness)
    except StorageRefused:
        if not witness.is_local:
            raise
        raise StorageRefused(
            "the folder does not exist",
            hint="check evidence.witnesses, and that the disk of the witness is mounted",
        ) from None
