"""Opens the location of a replica; rejects the archive itself, another archive and other files."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final

from anyio import to_thread

from archiver.archive.format import encode_format, read_id
from archiver.archive.pace import REAL_PACE, Pace
from archiver.config import StorageConfig
from archiver.errors import KeyExists, KeyMissing, StorageError, StorageRefused, UsageError
from archiver.replica.errors import named_errors
from archiver.replica.losing import lose
from archiver.replica.waiting import APART_PREFIX, WAITING_PREFIX
from archiver.storage.base import Body, Storage
from archiver.storage.keys import FORMAT_KEY, TMP_PREFIX
from archiver.storage.opening import open_storage
from archiver.tasks.contexts import closed_at_the_end

_LEFT_SECONDS: Final = 86_400.0
"""After this time a temporary file or an unfinished upload was left by a replication that was
killed. Replications may run at the same time, so younger ones may still be in use."""


@asynccontextmanager
async def opened_replica(
    place: StorageConfig,
    archive_id: str,
    archive: Storage,
    *,
    setting: str = "replica",
    pace: Pace = REAL_PACE,
) -> AsyncIterator[Storage]:
    """The storage of the replica, created if there is none yet.

    Raises UsageError if the location is the archive itself, or contains another archive or anything
    else, and StorageRefused if it overwrites existing objects. `setting` is the section of
    archive.yaml that names the location.
    """
    name = f"{setting} {place.url}"
    with named_errors(name):
        opening = partial(
            open_storage, place, create=True, syncing=pace.syncing, retry=pace.storage
        )
        opened = await to_thread.run_sync(opening)
    async with closed_at_the_end(opened) as storage:
        with named_errors(name):
            is_new = await require_place(storage, place.url, archive_id, setting)
            await require_apart(storage, place.url, archive, setting)
            if is_new:
                with suppress(KeyExists):
                    await storage.put(FORMAT_KEY, _format(archive_id))
            await _require_create_only(storage, archive_id)
            with suppress(StorageError):  # a replica without this permission is filled as well
                await storage.clear_parts(unchanged_for=_LEFT_SECONDS, keeping=(WAITING_PREFIX,))
        yield storage


async def require_place(storage: Storage, url: str, archive_id: str, setting: str) -> bool:
    """Whether it is empty. Raises UsageError if it contains anything other than this replica."""
    found = await _id_of(storage)
    if found is None:
        there = await _any_key(storage)
        if there is None:
            return True
        found = await _id_of(storage)  # another process may have begun the copy just now
        if found is None:
            raise UsageError(
                f"{url} is not empty, but not a copy of this archive (it contains {there[:80]})",
                hint=f"point {setting}.url to an empty location",
            )
    if found != archive_id:
        raise UsageError(
            f"{url} contains another archive ({found}), not a copy of {archive_id}",
            hint=f"point {setting}.url to an empty location, one for each archive",
        )
    return False


async def _id_of(storage: Storage) -> str | None:
    """The id of the archive there, None without one."""
    try:
        return await read_id(storage)
    except KeyMissing:
        return None


async def _any_key(storage: Storage) -> str | None:
    """The first object that is no working space; None where there is none."""
    async for info in storage.list():
        if not info.key.startswith(TMP_PREFIX):
            return info.key
    return None


async def require_apart(storage: Storage, url: str, archive: Storage, setting: str) -> None:
    """Raise UsageError if the replica is the archive under another name: an object written to one
    must not appear in the other."""
    # Always the same key: if it cannot be removed again, no more of them accumulate.
    key = f"{APART_PREFIX}{hashlib.sha256(url.encode()).hexdigest()[:16]}"
    with suppress(KeyExists):
        await storage.put(key, Body.of(b"is this one place or two?\n", "text/plain"))
    try:
        await archive.stat(key)
    except KeyMissing:
        return
    finally:
        with suppress(StorageError):
            await lose(storage, key)
    raise UsageError(
        f"{url} is the archive itself, under another name",
        hint=f"point {setting}.url to another location, on another machine or in another account",
    )


async def _require_create_only(storage: Storage, archive_id: str) -> None:
    try:
        await storage.put(FORMAT_KEY, _format(archive_id))
    except KeyExists:
        return
    raise StorageRefused(
        "the storage overwrites existing objects despite If-None-Match",
        key=FORMAT_KEY,
        hint="use another S3 server",
    )


def _format(archive_id: str) -> Body:
    return Body.of(encode_format(archive_id), "application/json")
