"""The S3 driver against moto, over a socket: the contract, parts, attributes and errors."""

import inspect
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import anyio
import anyio.from_thread
import botocore.exceptions
import pytest
from botocore.exceptions import ClientError
from msgspec.structs import replace

from archiver.config import ObjectLockConfig, S3Config
from archiver.errors import (
    KeyExists,
    KeyMissing,
    StorageError,
    StorageForbidden,
    StorageFull,
    StorageRefused,
    StorageUnreachable,
)
from archiver.storage.base import Storage
from archiver.storage.keys import FORMAT_KEY, TMP_PREFIX
from archiver.storage.s3 import client
from archiver.storage.s3.bucket import WHOLE_UP_TO, S3Storage
from archiver.storage.s3.errors import CredentialsExpired, s3_errors
from archiver.storage.s3.parts import PART_SIZE, parts_of
from archiver.storage.s3.requests import Bucket
from tests.storage.s3_servers import RawBucket, S3Server, free_ports
from tests.storage.suite import KEY, StorageSuite, body, content, file_body, keys

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("aws_environment", "shared_clients")]

_numbers = count()


class TestS3(StorageSuite):
    checks_digest = False  # moto takes a wrong checksum; SeaweedFS does not
    racers = 0  # moto compares and stores in two steps; SeaweedFS does not
    random_steps = 80

    @pytest.fixture
    async def storage(self, moto: S3Server) -> AsyncIterator[Storage]:
        self.bucket = RawBucket(moto, f"arch/{next(_numbers)}")
        storage = S3Storage(self.bucket.name, f"{self.bucket.prefix}/", moto.config)
        yield storage
        assert self.bucket.uploads() == []
        await storage.aclose()

    def raw_read(self, key: str) -> bytes | None:
        return self.bucket.read(key)

    def raw_write(self, key: str, data: bytes) -> None:
        self.bucket.write(key, data)


@pytest.fixture
def bucket(seaweed: S3Server) -> RawBucket:
    return RawBucket(seaweed, f"special/{next(_numbers)}")


Open = Callable[..., S3Storage]


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    """Opens storages, which are closed at the end."""
    made: list[S3Storage] = []

    def open_one(
        server: S3Server, bucket: RawBucket, *, whole_up_to: int = WHOLE_UP_TO, **changes: Any
    ) -> S3Storage:
        config = replace(server.config, **changes)
        made.append(S3Storage(bucket.name, bucket.prefix, config, whole_up_to=whole_up_to))
        return made[-1]

    yield open_one
    for one in made:
        await one.aclose()


async def test_the_servers_own_digest_is_given_for_an_object_sent_whole(
    seaweed: S3Server, bucket: RawBucket, opened: Open
) -> None:
    storage = opened(seaweed, bucket)
    given = body(b"some bytes")
    await storage.put(KEY, given)
    assert (await storage.stat(KEY)).sha256 == given.sha256


async def test_no_digest_is_given_for_an_object_sent_in_parts(
    seaweed: S3Server, bucket: RawBucket, opened: Open
) -> None:
    storage = opened(seaweed, bucket, whole_up_to=0)
    await storage.put(KEY, body(b"some bytes"))
    assert (await storage.stat(KEY)).sha256 is None


async def test_a_large_file_goes_in_several_parts_and_arrives_whole(
    seaweed: S3Server, bucket: RawBucket, tmp_path: Path, opened: Open
) -> None:
    data = random.Random(5).randbytes(PART_SIZE + 1_000_003)
    storage = opened(seaweed, bucket, whole_up_to=0)
    info = await storage.put(KEY, file_body(tmp_path / "large", data))
    assert info.size == len(data)
    assert bucket.read(KEY) == data
    assert (tmp_path / "large").exists()


async def test_a_file_with_other_bytes_than_promised_is_not_completed(
    seaweed: S3Server, bucket: RawBucket, tmp_path: Path, opened: Open
) -> None:
    storage = opened(seaweed, bucket, whole_up_to=0)
    given = file_body(tmp_path / "large", b"as promised")
    (tmp_path / "large").write_bytes(b"as PROMISED")
    with pytest.raises(StorageError, match="announced digest"):
        await storage.put(KEY, given)
    assert bucket.read(KEY) is None
    assert bucket.uploads() == []


@pytest.mark.parametrize("size", [1, PART_SIZE, PART_SIZE + 1, 2 << 30, 5 << 40])
def test_parts_cover_the_body_exactly_and_are_never_too_many(size: int) -> None:
    position = 0
    parts = list(parts_of(size))
    for start, length in parts:
        assert start == position
        assert length > 0
        position += length
    assert position == size
    assert len(parts) <= 10_000
    assert all(length >= 5 << 20 for _, length in parts[:-1])


async def test_a_cancelled_upload_is_aborted(
    seaweed: S3Server, bucket: RawBucket, monkeypatch: pytest.MonkeyPatch, opened: Open
) -> None:
    storage = opened(seaweed, bucket, whole_up_to=0)
    with anyio.CancelScope() as scope:
        put_part = Bucket.put_part

        def cancelled(*arguments: Any) -> Any:
            anyio.from_thread.run_sync(scope.cancel)
            return put_part(*arguments)

        monkeypatch.setattr(Bucket, "put_part", cancelled)
        await storage.put(KEY, body(b"some bytes"))
    assert scope.cancelled_caught
    assert bucket.uploads() == []
    assert bucket.read(KEY) is None


async def test_what_killed_uploads_left_is_aborted_below_the_prefix_only(
    seaweed: S3Server, bucket: RawBucket, opened: Open
) -> None:
    neighbour = RawBucket(seaweed, f"{bucket.prefix}-neighbour")
    for one in (bucket, neighbour):
        one.client.create_multipart_upload(Bucket=one.name, Key=f"{one.prefix}/{KEY}")
    storage = opened(seaweed, bucket)
    assert await storage.clear_parts(unchanged_for=3600) == 0  # a writer may be at work
    assert await storage.clear_parts() == 1
    assert bucket.uploads() == []
    assert len(neighbour.uploads()) == 1


async def test_evidence_is_locked_and_scratch_is_not(seaweed: S3Server, opened: Open) -> None:
    bucket = RawBucket(seaweed, f"{next(_numbers)}", "locked", ObjectLockEnabledForBucket=True)
    lock = ObjectLockConfig("GOVERNANCE", timedelta(days=30))
    storage = opened(seaweed, bucket, object_lock=lock)
    info = await storage.put(KEY, body(b"evidence"))
    await storage.put(f"{TMP_PREFIX}scratch", body(b"scratch"))
    head = bucket.head(KEY)
    assert head["ObjectLockMode"] == "GOVERNANCE"
    left = head["ObjectLockRetainUntilDate"] - datetime.now(UTC)
    assert timedelta(days=29, hours=23) < left <= timedelta(days=30)
    assert "ObjectLockMode" not in bucket.head(f"{TMP_PREFIX}scratch")
    assert info.version


async def test_recordings_get_the_storage_class_and_the_archives_own_objects_do_not(
    moto: S3Server,
    opened: Open,
) -> None:
    bucket = RawBucket(moto, f"class/{next(_numbers)}")
    storage = opened(moto, bucket, storage_class="STANDARD_IA", sse="AES256")
    await storage.put(KEY, body(b"evidence"))
    await storage.put(FORMAT_KEY, body(b"{}"))
    assert bucket.head(KEY)["StorageClass"] == "STANDARD_IA"
    assert bucket.head(KEY)["ServerSideEncryption"] == "AES256"
    assert bucket.head(KEY)["ContentType"] == "audio/mpeg"
    assert "StorageClass" not in bucket.head(FORMAT_KEY)


@pytest.mark.parametrize(
    "verb",
    [
        lambda storage: storage.put(KEY, body(b"x")),
        lambda storage: storage.stat(KEY),
        lambda storage: storage.delete(KEY),
        lambda storage: content(storage, KEY),
        keys,
    ],
)
async def test_a_missing_bucket_is_refused_by_every_verb(
    moto: S3Server, verb: Callable[[Storage], Awaitable[object]]
) -> None:
    with pytest.raises(StorageRefused) as caught:
        await verb(S3Storage("no-such-bucket", "", moto.config))
    assert caught.value.hint


async def test_wrong_credentials_are_refused_and_not_shown(
    seaweed: S3Server, bucket: RawBucket, monkeypatch: pytest.MonkeyPatch, opened: Open
) -> None:
    monkeypatch.setattr(client, "connect", inspect.unwrap(client.connect))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-secret")
    storage = opened(seaweed, bucket)
    with pytest.raises(StorageRefused) as caught:
        await storage.put(KEY, body(b"x"))
    assert "another-secret" not in f"{caught.value} {caught.value.hint}"
    await storage.aclose()


async def test_no_credentials_are_refused(
    seaweed: S3Server, bucket: RawBucket, monkeypatch: pytest.MonkeyPatch, opened: Open
) -> None:
    monkeypatch.setattr(client, "connect", inspect.unwrap(client.connect))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    storage = opened(seaweed, bucket)
    with pytest.raises(StorageRefused, match="credentials"):
        await storage.stat(KEY)
    await storage.aclose()


async def test_a_server_that_is_not_there_is_unreachable_at_once() -> None:
    (port,) = free_ports(1)
    storage = S3Storage("bucket", "", S3Config(endpoint_url=f"http://127.0.0.1:{port}"))
    with anyio.fail_after(5), pytest.raises(StorageUnreachable) as caught:
        await keys(storage, "789/")
    assert "789" not in str(caught.value)
    await storage.aclose()


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (500, "InternalError", StorageUnreachable),
        (503, "SlowDown", StorageUnreachable),
        (400, "RequestTimeout", StorageUnreachable),
        (409, "ConditionalRequestConflict", StorageUnreachable),
        (507, "XMinioStorageFull", StorageFull),
        (403, "AccessDenied", StorageForbidden),
        (403, "RequestTimeTooSkewed", CredentialsExpired),
        (301, "PermanentRedirect", StorageRefused),
        (404, "NoSuchBucket", StorageRefused),
        (404, "NoSuchKey", KeyMissing),
        (400, "BadDigest", StorageError),
        (412, "PreconditionFailed", KeyExists),
    ],
)
def test_an_answer_of_s3_is_the_error_of_the_same_meaning(
    status: int, code: str, expected: type[StorageError]
) -> None:
    answer: Any = {
        "Error": {"Code": code, "Message": "https://secret/?X-Amz-Signature=1"},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {"retry-after": "7"}},
    }
    with pytest.raises(StorageError) as caught, s3_errors(KEY, unmet=KeyExists):
        raise ClientError(answer, "PutObject")
    assert type(caught.value) is expected
    assert caught.value.key == KEY
    assert caught.value.retry_after == 7.0
    assert "secret" not in f"{caught.value} {caught.value.hint}"


def test_every_error_of_botocore_becomes_one_of_ours() -> None:
    kinds = [
        kind
        for kind in vars(botocore.exceptions).values()
        if isinstance(kind, type) and issubclass(kind, botocore.exceptions.BotoCoreError)
    ]
    assert len(kinds) > 50
    for kind in kinds:
        error = kind.__new__(kind)
        error.kwargs = defaultdict(str)
        with pytest.raises(StorageError) as caught, s3_errors(KEY):
            raise error
        if "Timeout" in kind.__name__ or "Connection" in kind.__name__:
            assert caught.value.retryable, kind
