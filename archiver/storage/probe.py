"""Does this storage do what the archive relies on? Tried out, never believed.

S3 servers differ silently: JuiceFS overwrites under `If-None-Match`, Ceph and moto take a wrong
checksum (observation). So every promise of `base.py` that evidence depends on is tried on scratch
objects under `_archive/tmp/`, which are removed again.
"""

import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Final

import anyio
from anyio import to_thread

from archiver.errors import ArchiverError, KeyChanged, KeyExists, KeyMissing, StorageError
from archiver.storage.base import Body, ByteRange, Storage
from archiver.storage.keys import TMP_PREFIX
from archiver.storage.local.disk import disk_errors
from archiver.storage.local.filelock import FileLock

RACERS: Final = 8
CLEAN_UP_DEADLINE: Final = 20.0
_FIRST, _SECOND = b"the first of two bodies", b"the second of two bodies"
_OTHER_SERVER: Final = "use an S3 server that supports conditional writes"


@dataclass(frozen=True, slots=True)
class Finding:
    """One promise, tried. Without an `ok` where it is `needed`, no archive should be kept there."""

    name: str
    ok: bool
    needed: bool
    seen: str
    advice: str = ""


async def probe_storage(storage: Storage, *, in_parts: Storage | None = None) -> list[Finding]:
    """Try every promise; ends early if not even a small object can be written and read.

    `in_parts` is the same storage, sending every object as it sends large ones (see `opening.py`);
    None where it makes no difference. Raises nothing of ours.
    """
    scratch = f"{TMP_PREFIX}probe-{token_hex(8)}/"
    findings: list[Finding] = []
    try:
        for number, check in enumerate(_checks(storage, in_parts)):
            findings.append(await _tried(check, f"{scratch}{number}"))
            if not findings[0].ok:
                break
    finally:
        with anyio.move_on_after(CLEAN_UP_DEADLINE, shield=True), suppress(StorageError):
            async for info in storage.list(scratch):
                await storage.delete(info.key)
    return findings


@dataclass(frozen=True, slots=True)
class _Check:
    name: str
    attempt: Callable[[Storage, str], Awaitable[str]]
    storage: Storage
    needed: bool = True


class _NotKeptError(Exception):
    """A promise is broken: what was seen, and what to do."""


def _checks(storage: Storage, in_parts: Storage | None) -> list[_Check]:
    checks = [
        _Check("write and read", _writes_and_reads, storage),
        _Check("list and delete", _lists_and_deletes, storage),
        _Check("create-only writes", _creates_only, storage),
        _Check("create-only writes in a race", _lets_one_win, storage),
        _Check("conditional replacing", _replaces_what_was_read, storage),
        _Check("ranges", _reads_ranges, storage),
    ]
    if storage.is_local:
        return [*checks, _Check("file locks", _locks_files, storage)]
    # A broken body is also caught by TLS, and by the next `verify`.
    checks.append(_Check("checksums", _refuses_other_bytes, storage, needed=False))
    if in_parts is not None:
        checks.append(_Check("create-only writes in parts", _creates_only, in_parts))
    return checks


async def _tried(check: _Check, key: str) -> Finding:
    try:
        seen = await check.attempt(check.storage, key)
    except _NotKeptError as broken:
        seen, advice = broken.args
        return Finding(check.name, False, check.needed, seen, advice)
    except ArchiverError as error:
        return Finding(check.name, False, check.needed, str(error), error.hint)
    return Finding(check.name, True, check.needed, seen)


async def _writes_and_reads(storage: Storage, key: str) -> str:
    await storage.put(key, Body.of(_FIRST))
    if await storage.read(key, limit=1000) != _FIRST or (await storage.stat(key)).size != len(
        _FIRST
    ):
        raise _NotKeptError(
            "the bytes read differ from those written", "do not use this storage for an archive"
        )
    return "an object was written and read back"


async def _lists_and_deletes(storage: Storage, key: str) -> str:
    await storage.put(key, Body.of(_FIRST))
    if [info.key async for info in storage.list(key)] != [key]:
        raise _NotKeptError("a new object is not listed", "use storage with consistent listings")
    await storage.delete(key)
    with suppress(KeyMissing):
        await storage.stat(key)
        raise _NotKeptError(
            "a deleted object is still there", "check whether deletes are forbidden"
        )
    return "an object was listed, deleted and gone"


async def _creates_only(storage: Storage, key: str) -> str:
    await storage.put(key, Body.of(_FIRST))
    with suppress(KeyExists):
        await storage.put(key, Body.of(_SECOND))
        raise _NotKeptError("an existing object was overwritten", _OTHER_SERVER)
    if await storage.read(key, limit=1000) != _FIRST:
        raise _NotKeptError("a rejected write changed the object anyway", _OTHER_SERVER)
    return "a second write to the same key was rejected and changed nothing"


async def _lets_one_win(storage: Storage, key: str) -> str:
    winners: list[bytes] = []

    async def race(number: int) -> None:
        data = b"racer %d" % number
        with suppress(KeyExists):
            await storage.put(key, Body.of(data))
            winners.append(data)

    async def run_all() -> None:
        async with anyio.create_task_group() as racers:
            for number in range(RACERS):
                racers.start_soon(race, number)

    try:
        await run_all()
    except* ArchiverError as group:
        raise group.exceptions[0] from None
    if len(winners) != 1 or await storage.read(key, limit=1000) != winners[0]:
        raise _NotKeptError(
            f"{len(winners)} of {RACERS} concurrent writes succeeded", _OTHER_SERVER
        )
    return f"exactly one of {RACERS} concurrent writes succeeded"


async def _replaces_what_was_read(storage: Storage, key: str) -> str:
    first = await storage.put(key, Body.of(_FIRST))
    second = await storage.put(key, Body.of(_SECOND), replacing=first.tag)
    with suppress(KeyChanged):
        await storage.put(key, Body.of(_FIRST), replacing=first.tag)
        raise _NotKeptError("an object changed in the meantime was replaced", _OTHER_SERVER)
    if (await storage.stat(key)).tag != second.tag:
        raise _NotKeptError("a rejected replacement changed the object", _OTHER_SERVER)
    return "an object was replaced, and a second time with its old ETag rejected"


async def _reads_ranges(storage: Storage, key: str) -> str:
    await storage.put(key, Body.of(_FIRST))
    async with storage.open(key, ByteRange(4, 9)) as chunks:
        if b"".join([chunk async for chunk in chunks]) != _FIRST[4:9]:
            raise _NotKeptError(
                "a range request returned wrong bytes", "use a server that supports range requests"
            )
    return "a range of an object was read correctly"


async def _refuses_other_bytes(storage: Storage, key: str) -> str:
    try:
        await storage.put(key, Body(_FIRST, len(_FIRST), Body.of(_SECOND).sha256))
    except StorageError as error:
        if error.retryable:
            raise
        return "an upload with a wrong SHA-256 was rejected"
    raise _NotKeptError(
        "the server does not verify the SHA-256 of uploads",
        "connect with https, and run `archiver verify` regularly",
    )


async def _locks_files(storage: Storage, key: str) -> str:
    path = os.fspath((storage.spool_folder or Path()) / f"probe-lock-{token_hex(8)}")
    if await to_thread.run_sync(_both_get_the_lock, path, key):
        raise _NotKeptError(
            "two processes acquired the same lock",
            "mount the file system with file locking; otherwise two runs could overlap",
        )
    return "a file lock kept a second process out"


def _both_get_the_lock(path: str, key: str) -> bool:
    first, second = FileLock(path), FileLock(path)
    with disk_errors(key):
        try:
            return first.acquire() and second.acquire()
        finally:
            second.release()
            first.release()
