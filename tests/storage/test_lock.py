"""One run at a time and one append at a time, in a folder and by lease."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from archiver.clock import from_stamp
from archiver.errors import (
    ArchiveLocked,
    KeyChanged,
    StorageError,
    StorageRefused,
    StorageUnreachable,
)
from archiver.storage.base import Storage
from archiver.storage.keys import ARCHIVE_LOCK_KEY, LEDGER_LOCK_KEY
from archiver.storage.lease import LeaseTimes
from archiver.storage.local.filelock import FileLock
from archiver.storage.local.folder import LocalStorage
from archiver.storage.lock import append_lock, archive_lock, is_archive_locked
from archiver.storage.memory import MemoryStorage
from archiver.storage.s3.bucket import S3Storage
from archiver.storage.s3.versions import VersionRequests
from tests.storage.s3_servers import RawBucket, S3Server
from tests.storage.suite import body, keys

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("aws_environment")]

QUICK = LeaseTimes(renew_every=0.01)
PATIENCE = 60.0
"""Seconds until a test that waits for something fails: it comes at once, but machines differ."""


@pytest.fixture(params=["local", "memory", "s3"])
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    opened = _opened(request, tmp_path)
    yield opened
    await opened.aclose()


def _opened(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "local":
        return LocalStorage(tmp_path)
    if request.param == "memory":
        return MemoryStorage()
    server: S3Server = request.getfixturevalue("seaweed")
    request.getfixturevalue("shared_clients")
    bucket = RawBucket(server, f"locks/{tmp_path.name}")
    return S3Storage(bucket.name, bucket.prefix, server.config)


async def test_a_second_run_is_told_at_once_who_has_locked_the_archive(storage: Storage) -> None:
    async with archive_lock(
        storage, "archiver run", clock=lambda: from_stamp("2026-11-21T10:00:00Z")
    ):
        with anyio.fail_after(PATIENCE), pytest.raises(ArchiveLocked) as caught:
            async with archive_lock(storage, "archiver run"):
                pytest.fail("two runs hold one archive")
    message = str(caught.value)
    assert f"archiver run, process {os.getpid()} on " in message
    assert "since 2026-11-21T10:00:00Z" in message


async def test_a_clean_end_leaves_nothing_and_frees_the_archive(storage: Storage) -> None:
    for _ in range(2):
        async with archive_lock(storage, "archiver run"):
            assert await keys(storage) == [ARCHIVE_LOCK_KEY]
        assert await keys(storage) == []


async def test_whether_the_archive_is_held_can_be_seen_from_outside(storage: Storage) -> None:
    assert not await is_archive_locked(storage)
    async with archive_lock(storage, "archiver run"):
        assert await is_archive_locked(storage)
    assert not await is_archive_locked(storage)


def test_a_lock_file_that_nobody_holds_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / "_archive/tmp").mkdir(parents=True)
    (tmp_path / ARCHIVE_LOCK_KEY).write_bytes(b"left by the dead")
    assert not anyio.run(is_archive_locked, LocalStorage(tmp_path))


async def test_an_error_inside_comes_out_as_it_is_and_frees_the_archive(storage: Storage) -> None:
    with pytest.raises(StorageRefused, match="as it is"):
        async with archive_lock(storage, "archiver run"):
            raise StorageRefused("as it is")
    assert await keys(storage) == []


async def test_a_cancelled_run_frees_the_archive(storage: Storage) -> None:
    with anyio.CancelScope() as scope:
        async with archive_lock(storage, "archiver run"):
            scope.cancel()
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert await keys(storage) == []


async def test_appends_take_turns(storage: Storage) -> None:
    inside, most = 0, 0

    async def append() -> None:
        nonlocal inside, most
        async with append_lock(storage):
            inside += 1
            most = max(most, inside)
            await anyio.lowlevel.checkpoint()
            inside -= 1

    async with anyio.create_task_group() as writers:
        for _ in range(5):
            writers.start_soon(append)
    assert most == 1
    assert await keys(storage) == []


async def test_an_append_waits_for_so_long_and_no_longer(storage: Storage) -> None:
    async with append_lock(storage):
        with pytest.raises(StorageUnreachable, match="writing to the ledger"):
            async with append_lock(storage, wait=0.0):
                pytest.fail("two writers at the end of the ledger")
    assert await keys(storage, LEDGER_LOCK_KEY) == []


async def test_the_two_locks_are_independent(storage: Storage) -> None:
    async with archive_lock(storage, "archiver run"), append_lock(storage):
        assert await keys(storage) == [LEDGER_LOCK_KEY, ARCHIVE_LOCK_KEY]


def test_of_a_killed_owner_nothing_blocks_the_next(tmp_path: Path) -> None:
    code = (
        "import sys; from archiver.storage.local.filelock import FileLock\n"
        "lock = FileLock(sys.argv[1]); print(lock.acquire(b'me'), flush=True); sys.stdin.read()"
    )
    path = str(tmp_path / "tmp" / "lock")
    with subprocess.Popen(
        [sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"True\n"
        other = FileLock(path)
        assert not other.acquire()
        assert other.owner() == b"me"
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    assert Path(path).exists()
    assert other.acquire(b"other")
    other.release()
    assert not Path(path).exists()


def test_a_lock_whose_file_was_removed_meanwhile_is_not_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A waiter opens the file, the owner removes it, another makes a new one: both would lock."""
    path = tmp_path / "tmp" / "lock"
    first, waiter, third = (FileLock(str(path)) for _ in range(3))
    assert first.acquire()
    open_file = FileLock._open

    def overtaken(lock: FileLock) -> int:
        file = open_file(lock)
        if lock is waiter and first._file is not None:
            first.release()
            assert third.acquire()
        return file

    monkeypatch.setattr(FileLock, "_open", overtaken)
    assert not waiter.acquire()
    third.release()
    assert waiter.acquire()
    waiter.release()


async def test_a_lease_is_renewed_while_it_is_held() -> None:
    storage = MemoryStorage()
    async with archive_lock(storage, "archiver run", times=QUICK):
        first = (await storage.stat(ARCHIVE_LOCK_KEY)).tag
        with anyio.fail_after(PATIENCE):
            while (await storage.stat(ARCHIVE_LOCK_KEY)).tag == first:
                await anyio.lowlevel.checkpoint()


async def test_the_lease_of_a_dead_owner_is_taken_over_after_45_seconds() -> None:
    now = 0.0
    storage = MemoryStorage(clock=lambda: now)
    storage.write_behind(ARCHIVE_LOCK_KEY, b'{"owner": "a dead run"}')
    now = 44.9
    with pytest.raises(ArchiveLocked):
        async with archive_lock(storage, "archiver run"):
            pytest.fail("the lease was still fresh")
    now = 45.1
    async with archive_lock(storage, "archiver run") as lock:
        assert b"archiver run" in await storage.read(ARCHIVE_LOCK_KEY, limit=4096)
        assert lock.found_left
        lock.leave = False
    assert await keys(storage) == []


async def test_what_a_dead_owner_left_stays_until_somebody_puts_it_in_order() -> None:
    now = 0.0
    storage = MemoryStorage(clock=lambda: now)
    storage.write_behind(ARCHIVE_LOCK_KEY, b"{}")
    for _ in range(2):
        now += 60.0
        async with archive_lock(storage, "archiver doctor") as lock:
            assert lock.found_left
        assert await keys(storage) == [ARCHIVE_LOCK_KEY]


async def test_of_many_that_take_over_a_dead_lease_one_holds_it() -> None:
    now = 0.0
    storage = MemoryStorage(clock=lambda: now)
    storage.write_behind(ARCHIVE_LOCK_KEY, b"{}")
    now = 60.0
    held, refused = [], []
    all_tried = anyio.Event()

    async def run(number: int) -> None:
        try:
            async with archive_lock(storage, f"run {number}"):
                held.append(number)
                await all_tried.wait()
        except ArchiveLocked:
            refused.append(number)
            if len(refused) == 7:
                all_tried.set()

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as runs:
            for number in range(8):
                runs.start_soon(run, number)
    assert (len(held), len(refused)) == (1, 7)


@pytest.mark.parametrize("lose", ["replaced", "deleted"])
async def test_an_owner_that_lost_its_lease_is_stopped(lose: str) -> None:
    storage = MemoryStorage()
    with (
        anyio.fail_after(PATIENCE),
        pytest.raises(StorageError, match="another run has acquired"),
    ):
        async with archive_lock(storage, "archiver run", times=QUICK):
            if lose == "replaced":
                storage.write_behind(ARCHIVE_LOCK_KEY, b"another run")
            else:
                await storage.delete(ARCHIVE_LOCK_KEY)
            await anyio.sleep_forever()
    assert await keys(storage) == ([ARCHIVE_LOCK_KEY] if lose == "replaced" else [])


class Unreachable(MemoryStorage):
    """A storage that stops answering; `after_writing` loses the answers of writes only."""

    down = False
    after_writing = False

    async def put(self, key, info, *, replacing=None):  # type: ignore[no-untyped-def]
        if self.after_writing:
            self.after_writing = False
            await super().put(key, info, replacing=replacing)
            raise StorageUnreachable("the answer was lost")
        if self.down:
            raise StorageUnreachable("no answer")
        return await super().put(key, info, replacing=replacing)


async def test_an_owner_that_cannot_renew_stops_before_others_may_take_over() -> None:
    storage = Unreachable()
    times = LeaseTimes(renew_every=0.01, give_up=0.05, dead_after=45.0)
    with (
        anyio.fail_after(PATIENCE),
        pytest.raises(StorageUnreachable, match="could not be renewed"),
    ):
        async with archive_lock(storage, "archiver run", times=times):
            storage.down = True
            await anyio.sleep_forever()


async def test_a_renewal_whose_answer_was_lost_is_no_loss() -> None:
    storage = Unreachable()
    async with archive_lock(storage, "archiver run", times=QUICK):
        storage.after_writing = True
        with anyio.fail_after(PATIENCE):
            while storage.after_writing:
                await anyio.lowlevel.checkpoint()
            tag = (await storage.stat(ARCHIVE_LOCK_KEY)).tag
            while (await storage.stat(ARCHIVE_LOCK_KEY)).tag == tag:
                await anyio.lowlevel.checkpoint()
    assert await keys(storage) == []


async def test_a_foreign_lease_without_a_name_still_holds() -> None:
    storage = MemoryStorage()
    await storage.put(ARCHIVE_LOCK_KEY, body(b"\xff no JSON"))
    with pytest.raises(ArchiveLocked, match="locked by another run"):
        async with archive_lock(storage, "archiver run"):
            pytest.fail("the lease was fresh")


@pytest.fixture(params=["moto", "seaweed"])
async def kept(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[S3Storage]:
    """An archive in a bucket that keeps versions."""
    server: S3Server = request.getfixturevalue(request.param)
    request.getfixturevalue("shared_clients")
    bucket = RawBucket(server, f"locks/{tmp_path.name}", "kept", ObjectLockEnabledForBucket=True)
    storage = S3Storage(bucket.name, bucket.prefix, server.config)
    yield storage
    await storage.aclose()


async def test_where_versions_are_kept_a_lease_leaves_none_behind(kept: S3Storage) -> None:
    old = await kept.put(ARCHIVE_LOCK_KEY, body(b"of an older archiver"))
    await kept.put(ARCHIVE_LOCK_KEY, body(b"renewed"), replacing=old.tag)
    await kept.delete(ARCHIVE_LOCK_KEY)
    # Slow enough for the end not to meet a renewal that is on its way.
    times = LeaseTimes(renew_every=0.2)
    async with archive_lock(kept, "archiver run", times=times):
        for _ in range(2):
            first = (await kept.stat(ARCHIVE_LOCK_KEY)).tag
            while (await kept.stat(ARCHIVE_LOCK_KEY)).tag == first:
                await anyio.lowlevel.checkpoint()
            async with append_lock(kept):
                pass
    assert await kept.versions.of("_archive/tmp/") == []


async def test_the_lease_that_was_taken_over_does_not_come_to_light_again(kept: S3Storage) -> None:
    await kept.put(ARCHIVE_LOCK_KEY, body(b"of a dead run"))
    dead_at_once = LeaseTimes(renew_every=15.0, give_up=40.0, dead_after=0.0)
    async with archive_lock(kept, "archiver run", times=dead_at_once) as lock:
        assert lock.found_left
        lock.leave = False
    assert await kept.versions.of("_archive/tmp/") == []


async def test_a_lease_ends_where_versions_may_not_be_removed(
    kept: S3Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: VersionRequests, key: str, version: str | None) -> None:
        raise StorageRefused("AccessDenied")

    monkeypatch.setattr(VersionRequests, "delete", refuse)
    for _ in range(2):
        async with archive_lock(kept, "archiver run"):
            assert await keys(kept) == [ARCHIVE_LOCK_KEY]
        assert await keys(kept) == []


async def test_nobody_elses_lease_is_removed_at_the_end(kept: S3Storage) -> None:
    with pytest.raises(StorageError, match="another run has acquired"):
        async with archive_lock(kept, "archiver run", times=QUICK):
            newest = await kept.stat(ARCHIVE_LOCK_KEY)
            with anyio.fail_after(PATIENCE):
                while True:
                    try:
                        await kept.put(ARCHIVE_LOCK_KEY, body(b"another run"), replacing=newest.tag)
                        break
                    except KeyChanged:
                        newest = await kept.stat(ARCHIVE_LOCK_KEY)
            await anyio.sleep_forever()
    assert await kept.read(ARCHIVE_LOCK_KEY, limit=4096) == b"another run"
