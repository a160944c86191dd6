"""Who may write: one run at a time, and one append to the ledger at a time.

In a folder the lock is a flock, released by the kernel the moment its owner dies; elsewhere it is
a lease (`lease.py`). Either leaves nothing behind after a clean end.
"""

import json
import os
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
from anyio import to_thread
from msgspec import Struct

from archiver.clock import Clock, stamp, system_clock
from archiver.errors import ArchiveLocked, KeyMissing, StorageUnreachable
from archiver.storage.base import Storage
from archiver.storage.keys import ARCHIVE_LOCK_KEY, LEDGER_LOCK_KEY
from archiver.storage.lease import Lease, LeaseTimes
from archiver.storage.local.disk import disk_errors, sync_folder
from archiver.storage.local.filelock import FileLock
from archiver.text.json import read_json

APPEND_WAIT = 90.0
_FIRST_PAUSE, _GREATEST_PAUSE = 0.02, 1.0

LEASE_TIMES = LeaseTimes()


class AcquiredLock(Struct):
    """An acquired lock. `found_left`: its last owner was killed, or left it behind on purpose.

    A process that sets `leave` does the same, so that the next owner learns of the unclean end.
    This state is kept until everything is recovered.
    """

    found_left: bool
    leave: bool


@asynccontextmanager
async def archive_lock(
    storage: Storage,
    owner: str,
    *,
    clock: Clock = system_clock,
    times: LeaseTimes = LEASE_TIMES,
) -> AsyncIterator[AcquiredLock]:
    """Lock the archive for writing while the block runs.

    `owner` is the command, for people. Raises ArchiveLocked at once, with the owner and the time,
    if another run has locked it. On S3 the lease of a killed owner expires after `times.dead_after`
    seconds, and an owner that loses its lease has its block cancelled and gets StorageError.
    """
    claim = _claim(owner, clock)
    async with _locked(storage, ARCHIVE_LOCK_KEY, claim, times, _refuse) as lock:
        yield lock


@asynccontextmanager
async def append_lock(
    storage: Storage,
    *,
    wait: float = APPEND_WAIT,
    sleep: Callable[[float], Awaitable[object]] = anyio.sleep,
    times: LeaseTimes = LEASE_TIMES,
) -> AsyncIterator[None]:
    """Lock the end of the ledger while the block runs, which should be short.

    Waits up to `wait` seconds for other writers; then StorageUnreachable.
    """
    deadline = anyio.current_time() + wait
    pause = _FIRST_PAUSE

    async def wait_for(_: bytes) -> None:
        nonlocal pause
        if anyio.current_time() >= deadline:
            raise StorageUnreachable(
                f"another process has been writing to the ledger for {wait:.0f} s",
                key=LEDGER_LOCK_KEY,
                hint="check for a hanging process",
            )
        await sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - only spreads the waiters
        pause = min(2 * pause, _GREATEST_PAUSE)

    claim = _claim("append", system_clock)
    async with _locked(storage, LEDGER_LOCK_KEY, claim, times, wait_for) as lock:
        lock.leave = False  # a death while appending leaves nothing to put in order
        yield


async def is_archive_locked(storage: Storage, *, times: LeaseTimes = LEASE_TIMES) -> bool:
    """Whether the archive is locked for writing now. Nothing is written to find out."""
    folder = storage.spool_folder
    if folder is not None:
        lock = FileLock(os.fspath(folder / Path(ARCHIVE_LOCK_KEY).name))
        with disk_errors(ARCHIVE_LOCK_KEY):
            return await to_thread.run_sync(lock.is_locked)
    try:
        lease = await storage.stat(ARCHIVE_LOCK_KEY)
    except KeyMissing:
        return False
    return lease.age is None or lease.age < times.dead_after


async def is_lock_left(storage: Storage) -> bool:
    """Whether the lock of a run that was killed, or ended uncleanly, still exists.

    Only meaningful if the archive is not locked now.
    """
    try:
        await storage.stat(ARCHIVE_LOCK_KEY)
    except KeyMissing:
        return False
    return True


_WhenLocked = Callable[[bytes], Awaitable[None]]


@asynccontextmanager
async def _locked(
    storage: Storage,
    key: str,
    claim: dict[str, object],
    times: LeaseTimes,
    when_locked: _WhenLocked,
) -> AsyncIterator[AcquiredLock]:
    folder = storage.spool_folder
    if folder is None:
        lease = Lease(storage, key, claim, times)
        while (other := await lease.acquire()) is not None:
            await when_locked(other)
        acquired = AcquiredLock(lease.found_left, leave=lease.found_left)
        async with lease.kept():
            try:
                yield acquired
            finally:
                lease.leave = acquired.leave
    else:
        lock = FileLock(os.fspath(folder / Path(key).name))
        while not await to_thread.run_sync(_acquire, lock, key, json.dumps(claim).encode()):
            await when_locked(await to_thread.run_sync(_owner, lock, key))
        acquired = AcquiredLock(lock.found_left, leave=lock.found_left)
        try:
            yield acquired
        finally:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(_release, lock, key, acquired.leave)


def _acquire(lock: FileLock, key: str, content: bytes) -> bool:
    with disk_errors(key):
        is_ours = lock.acquire(content)
        if is_ours and key == ARCHIVE_LOCK_KEY:
            try:
                # It has to outlive a power cut to tell the next owner of it.
                sync_folder(os.path.dirname(lock.path))  # noqa: PTH120
            except BaseException:
                lock.release(leave=lock.found_left)
                raise
        return is_ours


def _owner(lock: FileLock, key: str) -> bytes:
    with disk_errors(key):
        return lock.owner()


def _release(lock: FileLock, key: str, leave: bool) -> None:
    """Ignores errors of the disk: a lock file that remains blocks nobody, and informs the next
    run."""
    with disk_errors(key):
        lock.release(leave=leave)
    with suppress(OSError):
        Path(lock.path).parent.rmdir()


async def _refuse(claim: bytes) -> None:
    try:
        found = read_json(claim)
        who = f"{found['owner']}, process {found['pid']} on {found['host']} since {found['since']}"
    except (ValueError, KeyError, TypeError):
        who = "another run"
    raise ArchiveLocked(
        f"the archive is locked by {who}",
        hint="wait for it to finish; the lock of a killed run expires after one minute",
    )


def _claim(owner: str, clock: Clock) -> dict[str, object]:
    return {
        "owner": owner,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "since": stamp(clock()),
    }
