"""Versions and locks: what a driver tells of them, and what a server refuses."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from archiver.config import ObjectLockConfig, S3Config
from archiver.errors import KeyMissing, StorageRefused
from archiver.storage.local.folder import LocalStorage
from archiver.storage.memory import MemoryStorage
from archiver.storage.retrying import Retrying
from archiver.storage.s3.bucket import S3Storage
from archiver.storage.versions import ObjectLock, Versions
from archiver.tasks.retry import RetryPolicy
from tests.storage.s3_servers import RawBucket, S3Server
from tests.storage.suite import body, file_body

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("aws_environment", "shared_clients")]

NOW = datetime.now(UTC)
KEY = "1/2/3.mp3"
_numbers = count()


@pytest.fixture(params=["moto", "seaweed"])
def server(request: pytest.FixtureRequest) -> S3Server:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, S3Server)
    return found


@pytest.fixture
def bucket(server: S3Server) -> RawBucket:
    return RawBucket(
        server, "pre/fix", f"versions-{next(_numbers)}", ObjectLockEnabledForBucket=True
    )


@pytest.fixture
async def storage(server: S3Server, bucket: RawBucket) -> AsyncIterator[Retrying]:
    lock = ObjectLockConfig("COMPLIANCE", timedelta(hours=1))
    config = S3Config(server.endpoint, "us-east-1", object_lock=lock)
    inner = S3Storage(bucket.name, bucket.prefix, config)
    yield Retrying(inner, RetryPolicy(attempts=1, first_wait=0.001))
    await inner.aclose()


def versions_of(storage: Retrying) -> Versions:
    versions = storage.versions
    assert versions is not None
    return versions


async def test_every_version_and_marker_is_told_newest_first(
    storage: Retrying, bucket: RawBucket
) -> None:
    put = await storage.put(KEY, body(b"one"))
    bucket.write(KEY, b"laid over")
    await storage.put("1/2/30.mp3", body(b"another key"))
    await storage.delete(KEY)
    found = await versions_of(storage).of("1/2/3.")
    assert [(one.is_newest, one.is_marker, one.size) for one in found] == [
        (True, True, 0),
        (False, False, 9),
        (False, False, 3),
    ]
    assert {one.key for one in found} == {KEY}
    assert found[-1].version == put.version


async def test_a_locked_version_is_told_with_its_date_and_cannot_be_removed(
    storage: Retrying,
) -> None:
    put = await storage.put(KEY, body(b"one"))
    versions = versions_of(storage)
    lock = await versions.lock(KEY, put.version)
    assert lock.until is not None
    assert NOW + timedelta(minutes=59) < lock.until < NOW + timedelta(hours=6)  # of a slow session
    assert lock.holds(NOW)
    with pytest.raises(StorageRefused):
        await versions.delete(KEY, put.version)
    assert [one.version for one in await versions.of(KEY)] == [put.version]


async def test_what_is_not_locked_goes_version_by_version(
    storage: Retrying, bucket: RawBucket
) -> None:
    bucket.write(KEY, b"one")
    bucket.write(KEY, b"two")
    versions = versions_of(storage)
    for one in await versions.of(KEY):
        assert await versions.lock(KEY, one.version) == ObjectLock()
        await versions.delete(KEY, one.version)
    assert await versions.of("") == []
    with pytest.raises(KeyMissing):
        await storage.stat(KEY)
    await versions.delete(KEY, None)  # what is gone may be removed once more


async def test_whether_a_bucket_takes_locks_is_asked(storage: Retrying, server: S3Server) -> None:
    assert await versions_of(storage).can_lock()
    plain = RawBucket(server, "p", f"plain-{next(_numbers)}")
    other = S3Storage(plain.name, plain.prefix, server.config)
    assert not await other.versions.can_lock()
    await other.put(KEY, body(b"one"))
    (found,) = await other.versions.of("1/")
    assert (found.key, found.version, found.is_newest) == (KEY, None, True)
    await other.versions.delete(KEY, None)
    assert plain.read(KEY) is None
    await other.aclose()


def test_a_disk_and_memory_keep_no_versions(tmp_path: Path) -> None:
    assert LocalStorage(tmp_path).versions is None
    assert MemoryStorage().versions is None


@pytest.mark.parametrize("spooled", [False, True])
async def test_files_on_a_disk_are_read_only_and_can_be_replaced_and_removed(
    tmp_path: Path, spooled: bool
) -> None:
    storage = LocalStorage(tmp_path)
    if spooled:
        await storage.put("9/9/9.mp3", body(b"makes the folder of parts"))
        put = await storage.put(KEY, file_body(tmp_path / "_archive/tmp/spooled", b"one"))
    else:
        put = await storage.put(KEY, body(b"one"))
    assert (tmp_path / KEY).stat().st_mode & 0o777 == 0o444
    await storage.put(KEY, body(b"two"), replacing=put.tag)
    assert (tmp_path / KEY).stat().st_mode & 0o777 == 0o444
    await storage.delete(KEY)
    assert not (tmp_path / KEY).exists()
    await storage.aclose()
