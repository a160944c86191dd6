"""Servers that leave out what is optional, listings that do not end, credentials that expire."""

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from itertools import count

import anyio
import pytest

from archiver.errors import StorageError, StorageForbidden, StorageRefused, StorageUnreachable
from archiver.ledger.log import Ledger
from archiver.ledger.segments import Head
from archiver.storage.keys import ARCHIVE_LOCK_KEY
from archiver.storage.lock import archive_lock
from archiver.storage.s3.bucket import S3Storage
from tests.storage.faulty_s3 import (
    Answer,
    Fault,
    FaultyS3,
    Forward,
    Request,
    anything,
    is_head,
    is_list,
    is_put,
    refused,
    with_text,
    without_element,
    without_header,
)
from tests.storage.s3_servers import RawBucket, S3Server
from tests.storage.suite import body, keys

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("aws_environment")]

_numbers = count()


@pytest.fixture(scope="module")
def through(seaweed: S3Server) -> Iterator[FaultyS3]:
    with FaultyS3(seaweed.endpoint) as proxy:
        yield proxy


@pytest.fixture
def proxy(through: FaultyS3) -> FaultyS3:
    through.clear()
    through.seen.clear()
    return through


@pytest.fixture
def raw(seaweed: S3Server) -> RawBucket:
    return RawBucket(seaweed, f"faulty/{next(_numbers)}")


@pytest.fixture
async def storage(proxy: FaultyS3, raw: RawBucket) -> AsyncIterator[S3Storage]:
    storage = S3Storage(raw.name, raw.prefix, S3Server(proxy.endpoint).config)
    yield storage
    await storage.aclose()


async def filled(storage: S3Storage, number: int = 3) -> list[str]:
    found = [f"a/{one}" for one in range(number)]
    for key in found:
        await storage.put(key, body(key.encode()))
    return found


async def test_a_put_without_etag_is_done_and_a_lock_asks_again(
    storage: S3Storage, proxy: FaultyS3, raw: RawBucket
) -> None:
    proxy.fault(lambda request: request.method == "PUT", without_header("ETag"))
    await storage.put("a/1", body(b"1"))
    assert raw.read("a/1") == b"1"
    async with archive_lock(storage, "a run"):
        assert raw.read(ARCHIVE_LOCK_KEY)
    assert raw.read(ARCHIVE_LOCK_KEY) is None


async def test_a_put_that_something_answers_in_place_of_the_server_is_made_again(
    storage: S3Storage, proxy: FaultyS3, raw: RawBucket
) -> None:
    proxy.fault(is_put("a/1"), lambda request, forward: Answer(200, {}, b"<html/>"), times=1)
    with pytest.raises(StorageUnreachable, match="nothing was stored"):
        await storage.put("a/1", body(b"1"))
    await storage.put("a/1", body(b"1"))
    assert raw.read("a/1") == b"1"


async def test_without_any_etag_the_lock_is_refused_and_none_is_left_behind(
    storage: S3Storage, proxy: FaultyS3, raw: RawBucket
) -> None:
    proxy.fault(anything, without_header("ETag"))
    with pytest.raises(StorageRefused, match="ETag"):
        async with archive_lock(storage, "a run"):
            pytest.fail("could not be renewed")
    assert raw.read(ARCHIVE_LOCK_KEY) is None
    info = await storage.put("a/1", body(b"1"))
    with pytest.raises(StorageRefused, match="ETag"):
        await storage.put("a/1", body(b"2"), replacing=info.tag)
    assert raw.read("a/1") == b"1"


async def test_without_last_modified_nobody_takes_a_lock_for_dead(
    storage: S3Storage, proxy: FaultyS3, raw: RawBucket
) -> None:
    raw.write(ARCHIVE_LOCK_KEY, b"{}")
    proxy.fault(is_head(), without_header("Last-Modified"))
    with pytest.raises(StorageRefused, match="Last-Modified"):
        async with archive_lock(storage, "a run"):
            pytest.fail("two runs on one archive")
    await storage.put("a/1", body(b"1"))
    assert (await storage.stat("a/1")).size == 1


@pytest.mark.parametrize("left_out", ["ETag", "LastModified", "IsTruncated", "StorageClass"])
async def test_a_listing_without_what_is_optional_is_whole(
    storage: S3Storage, proxy: FaultyS3, left_out: str
) -> None:
    found = await filled(storage)
    proxy.fault(is_list, without_element(left_out))
    assert await keys(storage) == found


@pytest.mark.parametrize("left_out", ["Size", "Key"])
async def test_a_listing_without_what_is_needed_is_refused_by_name(
    storage: S3Storage, proxy: FaultyS3, left_out: str
) -> None:
    await filled(storage)
    proxy.fault(is_list, without_element(left_out))
    with pytest.raises(StorageRefused, match=left_out):
        await keys(storage)


def goes_on(token: str | None) -> Fault:
    """The server says that there is more, and bids to go on in this way, or in none."""

    def fault(request: Request, forward: Forward) -> Answer:
        more = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
        changed = with_text(
            "<IsTruncated>false</IsTruncated>", f"<IsTruncated>true</IsTruncated>{more}"
        )
        return changed(request, forward)

    return fault


@pytest.mark.parametrize("token", [None, "again"])
async def test_a_listing_that_does_not_say_how_it_goes_on_is_an_error_and_ends(
    storage: S3Storage, proxy: FaultyS3, token: str | None
) -> None:
    await filled(storage)
    proxy.fault(is_list, goes_on(token))
    with anyio.fail_after(20), pytest.raises(StorageError, match=r"continuation token|twice"):
        await keys(storage)
    assert sum(one.is_list for one in proxy.seen) <= 3


@pytest.mark.parametrize("marker", ["", "<NextKeyMarker>a</NextKeyMarker>"])
async def test_a_listing_of_versions_that_does_not_say_how_it_goes_on_is_never_taken_for_whole(
    proxy: FaultyS3, seaweed: S3Server, marker: str
) -> None:
    """Otherwise an erasure that removes every version would leave the rest of them."""
    raw = RawBucket(seaweed, "faulty", f"versions-{next(_numbers)}")
    raw.client.put_bucket_versioning(Bucket=raw.name, VersioningConfiguration={"Status": "Enabled"})
    raw.write("a/1", b"1")
    truncated = f"<IsTruncated>true</IsTruncated>{marker}"
    is_of_versions = lambda request: "versions" in request.target  # noqa: E731
    proxy.fault(is_of_versions, with_text("<IsTruncated>false</IsTruncated>", truncated))
    storage = S3Storage(raw.name, raw.prefix, S3Server(proxy.endpoint).config)
    with anyio.fail_after(20), pytest.raises(StorageRefused, match="continuation token"):
        await storage.versions.of("")
    await storage.aclose()


async def test_a_broken_listing_is_no_loss_of_the_ledger(
    storage: S3Storage, proxy: FaultyS3
) -> None:
    ledger, head = Ledger(storage, "an archive"), Head()
    for number in range(3):
        head = (await ledger.append([b'{"n":%d}' % number], after=head)).head
    proxy.fault(is_list, goes_on(None))
    for begin in (Head(), head):
        with pytest.raises(StorageError):
            _ = [one async for one in ledger.read_after(begin)]


@pytest.mark.parametrize(
    "code", ["RequestTimeTooSkewed", "ExpiredToken", "ExpiredTokenException", "InvalidToken"]
)
async def test_credentials_that_have_just_expired_are_looked_for_anew_once(
    storage: S3Storage, proxy: FaultyS3, code: str
) -> None:
    proxy.fault(anything, refused(403, code), times=1)
    await storage.put("a/1", body(b"1"))
    assert await storage.read("a/1", limit=9) == b"1"
    proxy.fault(anything, refused(403, code))
    with pytest.raises(StorageRefused, match=code):
        await storage.put("a/2", body(b"2"))


async def test_credentials_that_expire_during_an_upload_in_parts_cost_it_nothing(
    proxy: FaultyS3, raw: RawBucket
) -> None:
    data = bytes(range(256)) * 8
    storage = S3Storage(raw.name, raw.prefix, S3Server(proxy.endpoint).config, whole_up_to=1)
    is_part = lambda request: "partNumber=1" in request.target  # noqa: E731
    proxy.fault(is_part, refused(403, "ExpiredToken"), times=1)
    await storage.put("a/1", body(data))
    assert raw.read("a/1") == data
    await storage.aclose()


async def test_new_credentials_are_those_that_are_there_by_then(
    storage: S3Storage, proxy: FaultyS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    await storage.put("a/1", body(b"1"))

    def rotated(request: Request, forward: Forward) -> Answer:
        monkeypatch.setenv("AWS_SESSION_TOKEN", "fresh")
        return refused(400, "ExpiredToken")(request, forward)

    proxy.fault(is_put("a/2"), rotated, times=2)  # a direct put, and the same through boto3
    with suppress(StorageRefused):  # most servers know no such token
        await storage.put("a/2", body(b"2"))
    puts = [one for one in proxy.seen if one.path.endswith("a/2") and one.method == "PUT"]
    assert len(puts) == 3
    assert puts[-1].headers["X-Amz-Security-Token"] == "fresh"


@pytest.mark.parametrize("code", ["InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied"])
async def test_a_key_that_was_replaced_by_another_is_used_no_longer(
    storage: S3Storage, proxy: FaultyS3, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    await storage.put("a/1", body(b"1"))
    monkeypatch.setenv("AWS_SESSION_TOKEN", "rotated")
    proxy.fault(lambda request: "X-Amz-Security-Token" not in request.headers, refused(403, code))
    proxy.fault(lambda request: True, lambda request, forward: Answer(418, {}, b""))
    with pytest.raises(StorageError, match="418"):
        await storage.stat("a/1")
    assert [one.headers.get("X-Amz-Security-Token") for one in proxy.seen[-2:]] == [None, "rotated"]


async def test_a_refusal_with_the_same_credentials_is_looked_into_once_in_a_while(
    storage: S3Storage, proxy: FaultyS3
) -> None:
    proxy.fault(anything, refused(403, "AccessDenied"))
    for key in ("a/1", "a/2"):
        with pytest.raises(StorageForbidden):
            await storage.stat(key)
    assert len(proxy.seen) == 2


@pytest.mark.parametrize("answer", [b"<html>busy</html>", b"", b"{}", b"\x00\xff"])
async def test_what_is_no_answer_of_s3_is_told_as_such(
    storage: S3Storage, proxy: FaultyS3, answer: bytes
) -> None:
    await filled(storage)
    proxy.fault(is_list, lambda request, forward: Answer(200, {}, answer))
    with pytest.raises(StorageError):
        await keys(storage)


@pytest.mark.parametrize(
    "headers", [{}, {"Content-Type": "text/html; charset=utf-8", "ETag": '"5f3"'}]
)
async def test_a_page_in_place_of_an_object_is_never_taken_for_it(
    storage: S3Storage, proxy: FaultyS3, headers: dict[str, str]
) -> None:
    (key,) = await filled(storage, 1)
    for _ in range(2):  # by boto3, and then over a connection of our own
        page = Answer(200, headers, b"<html>back soon</html>")
        proxy.fault(lambda request: request.method == "GET", lambda *_, page=page: page)
        with pytest.raises(StorageUnreachable, match="in place of the S3 server"):
            await storage.read(key, limit=100)
        proxy.clear()
        assert await storage.read(key, limit=100) == key.encode()


async def test_an_object_without_etag_is_read(storage: S3Storage, proxy: FaultyS3) -> None:
    (key,) = await filled(storage, 1)
    proxy.fault(lambda request: request.method == "GET", without_header("ETag"))
    assert await storage.read(key, limit=100) == key.encode()
