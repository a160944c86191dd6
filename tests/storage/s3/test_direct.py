"""Small puts and gets go past boto3 once it has shown the way, and all promises hold as before."""

import json
import pickle
import random
import re
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import anyio
import pytest

from archiver.config import ObjectLockConfig, S3Config
from archiver.errors import (
    KeyChanged,
    KeyExists,
    KeyMissing,
    StorageError,
    StorageRefused,
    StorageUnreachable,
)
from archiver.storage.base import Body, ByteRange, Reading
from archiver.storage.retrying import Retrying
from archiver.storage.s3.bucket import S3Storage
from archiver.storage.s3.signing import Keys, Known
from archiver.tasks.retry import RetryPolicy
from tests.liner.fake import OWN_AUTHORITY, tls
from tests.storage.relay import Heard, Relay, relaying
from tests.storage.s3_servers import ACCESS_KEY, SECRET_KEY, RawBucket, S3Server
from tests.storage.suite import KEY, body, content
from tests.storage.warm import warm_up

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("aws_environment")]

OTHER, THIRD = "789/123/457.mp3", "789/124/458.mp3"
AT_ONCE = RetryPolicy(attempts=3, first_wait=0.0, greatest_wait=0.0)

_numbers = count()


@pytest.fixture
def bucket(seaweed: S3Server) -> RawBucket:
    return RawBucket(seaweed, f"direct/{next(_numbers)}")


@pytest.fixture
async def relay(seaweed: S3Server) -> AsyncIterator[Relay]:
    async with relaying(seaweed.endpoint) as relay:
        yield relay


@pytest.fixture
async def storage(relay: Relay, bucket: RawBucket) -> AsyncIterator[S3Storage]:
    """Behind the relay, and warm."""
    storage = opened(relay, bucket)
    await warm_up(storage)
    relay.heard.clear()
    yield storage
    await storage.aclose()


def opened(
    relay: Relay, bucket: RawBucket, *, known: Known | None = None, **more: Any
) -> S3Storage:
    config = S3Config(relay.endpoint, "us-east-1", **more)
    return S3Storage(bucket.name, bucket.prefix, config, known=known)


async def test_a_put_after_the_first_and_a_get_after_the_first_are_one_direct_request_each(
    storage: S3Storage, relay: Relay
) -> None:
    given = body(random.Random(3).randbytes(300_000))
    info = await storage.put(KEY, given)
    assert await content(storage, KEY) == given.source
    assert await content(storage, KEY, ByteRange(5, 9)) == given.source[5:9]
    assert [one.is_direct for one in relay.heard] == [True, True, True]
    assert info == await storage.stat(KEY)
    assert info.sha256 in (given.sha256, None)


async def test_a_process_that_is_told_what_another_knows_needs_no_boto3_for_small_objects(
    storage: S3Storage, relay: Relay, bucket: RawBucket
) -> None:
    known = pickle.loads(pickle.dumps(storage.known))
    assert SECRET_KEY not in repr(known)
    other = opened(relay, bucket, known=known)
    given = body(b"evidence")
    await other.put(KEY, given)
    assert await content(other, KEY) == given.source
    assert [one.is_direct for one in relay.heard] == [True, True]
    assert other.known == known
    with pytest.raises(KeyExists):
        await other.put(KEY, body(b"other evidence"))
    assert (await other.stat(KEY)).size == given.size  # by boto3, which it imports now
    assert not relay.heard[-1].is_direct
    await other.aclose()


async def test_credentials_of_another_process_that_are_refused_are_looked_for_anew(
    storage: S3Storage, relay: Relay, bucket: RawBucket
) -> None:
    assert storage.known is not None
    stale = replace(storage.known, keys=Keys(ACCESS_KEY, "rotated meanwhile", None))
    other = opened(relay, bucket, known=stale)
    for key in (KEY, OTHER):
        await other.put(key, body(b"evidence"))
        assert await content(other, key) == b"evidence"
    refused, *puts = [one.is_direct for one in relay.of("PUT")]
    assert (refused, puts) == (True, [False, True])
    await other.aclose()


async def test_nothing_is_told_before_the_first_put(relay: Relay, bucket: RawBucket) -> None:
    storage = opened(relay, bucket)
    assert storage.known is None
    await storage.aclose()


LOCK = ObjectLockConfig("COMPLIANCE", timedelta(days=30))


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"sse": "AES256", "storage_class": "STANDARD_IA"},
        {"sse": "aws:kms", "kms_key_id": "arn:aws:kms:eu-central-1:111122223333:key/k"},
        {"sse": "aws:kms:dsse", "object_lock": LOCK},
    ],
    ids=["plain", "class", "kms", "locked"],
)
async def test_a_direct_put_says_header_for_header_what_boto3_says(
    moto: S3Server, more: dict[str, Any]
) -> None:
    bucket = RawBucket(moto, f"same/{next(_numbers)}", "said", ObjectLockEnabledForBucket=True)
    async with relaying(moto.endpoint) as relay:
        storage = opened(relay, bucket, **more)
        first = await storage.put(KEY, body(b"first"))
        await storage.put(OTHER, body(b"other"))
        with pytest.raises(KeyChanged):
            await storage.put(KEY, body(b"again"), replacing="0" * 32)
        await storage.put(KEY, body(b"newer"), replacing=first.tag)
        await storage.aclose()
    boto, *direct = relay.of("PUT")
    assert not boto.is_direct
    assert [one.is_direct for one in direct] == [True, True, True]
    assert essence(boto) == essence(direct[0])
    for one in direct[1:]:
        assert one.headers.pop("if-match").strip('"') in (first.tag, "0" * 32)
        assert essence(one) == {
            name: value.replace("if-none-match", "if-match")
            for name, value in essence(boto).items()
            if name != "if-none-match"
        }


def essence(heard: Heard) -> dict[str, str]:
    """The headers of a put, without what differs from one to the next."""
    passing = {"x-amz-date", "x-amz-checksum-sha256", "x-amz-content-sha256", "accept-encoding"}
    passing |= {"amz-sdk-invocation-id", "amz-sdk-request", "x-amz-object-lock-retain-until-date"}
    kept = {name: value for name, value in heard.headers.items() if name not in passing}
    kept["authorization"] = re.sub(r"Signature=\w+", "", heard.headers["authorization"])
    return kept


async def test_a_key_that_is_taken_is_refused_by_one_request(
    storage: S3Storage, relay: Relay, bucket: RawBucket
) -> None:
    await storage.put(KEY, body(b"first"))
    with pytest.raises(KeyExists):
        await storage.put(KEY, body(b"other"))
    assert bucket.read(KEY) == b"first"
    assert [one.is_direct for one in relay.heard] == [True, True]


async def test_an_object_is_replaced_only_while_it_has_that_tag(
    storage: S3Storage, relay: Relay, bucket: RawBucket
) -> None:
    first = await storage.put(KEY, body(b"first"))
    await storage.put(KEY, body(b"second"), replacing=first.tag)
    with pytest.raises(KeyChanged):
        await storage.put(KEY, body(b"third"), replacing=first.tag)
    assert bucket.read(KEY) == b"second"
    assert all(one.is_direct for one in relay.heard)


async def test_bytes_other_than_promised_are_refused_and_nothing_is_stored(
    storage: S3Storage, bucket: RawBucket
) -> None:
    with pytest.raises(StorageError, match="bytes received differ"):
        await storage.put(KEY, Body(b"these bytes", 11, body(b"those bytes").sha256))
    assert bucket.read(KEY) is None


async def test_evidence_is_locked_until_the_same_day(seaweed: S3Server) -> None:
    bucket = RawBucket(seaweed, f"{next(_numbers)}", "locked", ObjectLockEnabledForBucket=True)
    async with relaying(seaweed.endpoint) as relay:
        storage = opened(relay, bucket, object_lock=ObjectLockConfig("GOVERNANCE", LOCK.retain))
        await warm_up(storage)
        info = await storage.put(KEY, body(b"evidence"))
        await storage.aclose()
        assert relay.of("PUT")[-1].is_direct
    head = bucket.head(KEY)
    left = head["ObjectLockRetainUntilDate"] - datetime.now(UTC)
    assert head["ObjectLockMode"] == "GOVERNANCE"
    assert timedelta(days=29, hours=23) < left <= timedelta(days=30)
    assert info.version == head["VersionId"]


@pytest.mark.parametrize("prefix", ["two words", "a+b~c", "für", "100%25", "a=b&c;d,e", "(x)'!*"])
async def test_a_prefix_with_odd_characters_leads_to_the_same_place(
    relay: Relay, seaweed: S3Server, prefix: str
) -> None:
    bucket = RawBucket(seaweed, f"{prefix}/{next(_numbers)}")
    storage = opened(relay, bucket)
    await warm_up(storage)
    await storage.put(KEY, body(b"there"))
    assert await content(storage, KEY) == b"there"
    await storage.aclose()
    assert relay.of("PUT")[-1].is_direct
    assert relay.of("GET")[-1].is_direct
    assert bucket.read(KEY) == b"there"


async def test_over_tls_the_bundle_that_boto3_trusts_is_trusted(
    seaweed: S3Server, bucket: RawBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(OWN_AUTHORITY))
    async with relaying(seaweed.endpoint, tls()) as relay:
        storage = opened(relay, bucket)
        await warm_up(storage)
        data = random.Random(4).randbytes(2_000_000)
        await storage.put(KEY, body(data))
        assert await content(storage, KEY) == data
        await storage.aclose()
    assert relay.of("PUT")[-1].is_direct
    assert relay.of("GET")[-1].is_direct
    assert relay.of("PUT")[-1].headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"


def cut(answer: bytes) -> None:
    """No answer at all: the connection is closed."""


def failed(answer: bytes) -> bytes:
    """A server that stored it, and stumbled before it could say so."""
    return b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("spoil", [cut, failed])
async def test_a_put_whose_answer_was_lost_has_succeeded_when_its_object_is_there(
    storage: S3Storage, relay: Relay, bucket: RawBucket, spoil: Callable[[bytes], bytes | None]
) -> None:
    given = body(b"evidence")
    relay.spoil = spoil
    info = await Retrying(storage, AT_ONCE).put(KEY, given)
    assert info.size == given.size
    assert bucket.read(KEY) == b"evidence"


@pytest.mark.parametrize("spoil", [cut, failed])
async def test_a_put_whose_answer_was_lost_never_takes_anothers_object_for_its_own(
    storage: S3Storage, relay: Relay, bucket: RawBucket, spoil: Callable[[bytes], bytes | None]
) -> None:
    bucket.write(KEY, b"somebody else's")
    relay.spoil = spoil
    with pytest.raises(KeyExists):
        await Retrying(storage, AT_ONCE).put(KEY, body(b"ours"))
    assert bucket.read(KEY) == b"somebody else's"


async def test_without_anybody_to_compare_a_lost_answer_is_no_refusal(
    storage: S3Storage, relay: Relay
) -> None:
    relay.spoil = cut
    with pytest.raises(StorageUnreachable):
        await storage.put(KEY, body(b"evidence"))


async def test_any_other_answer_goes_again_through_boto3_which_shows_the_way_anew(
    storage: S3Storage, relay: Relay
) -> None:
    relay.spoil = lambda answer: b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
    with pytest.raises(KeyExists):  # the server stored it, and the relay told otherwise
        await storage.put(KEY, body(b"evidence"))
    await storage.put(OTHER, body(b"more"))
    await storage.put(THIRD, body(b"more"))
    assert [one.is_direct for one in relay.heard] == [True, False, False, True]


async def test_an_object_that_is_not_there_is_told_in_the_words_for_boto3s_answer(
    storage: S3Storage, relay: Relay
) -> None:
    for _ in range(2):
        with pytest.raises(KeyMissing):
            await content(storage, KEY)
    assert [one.is_direct for one in relay.heard] == [True, False, True, False]


async def test_a_body_that_breaks_off_is_told_as_such(
    storage: S3Storage, relay: Relay, bucket: RawBucket
) -> None:
    bucket.write(KEY, b"x" * 100_000)
    relay.spoil = lambda answer: answer[:50_000]
    with pytest.raises(StorageUnreachable, match="does not respond"):
        await content(storage, KEY)
    assert await content(storage, KEY) == b"x" * 100_000


async def test_many_objects_are_read_at_a_time_and_answered_in_their_order(
    storage: S3Storage, relay: Relay, bucket: RawBucket
) -> None:
    keys = [f"1/{number}/5.mp3" for number in range(40)]
    async with anyio.create_task_group() as group:
        for key in keys:
            group.start_soon(storage.put, key, body(key.encode()))
    found = await storage.readings([*keys, KEY], keep=5)
    assert [one.key for one in found if isinstance(one, Reading)] == keys
    assert isinstance(found[-1], KeyMissing)
    assert relay.connections > 4


async def test_a_server_that_is_gone_is_unreachable_and_found_again(
    seaweed: S3Server, bucket: RawBucket
) -> None:
    async with relaying(seaweed.endpoint) as relay:
        storage = opened(relay, bucket)
        await warm_up(storage)
    with pytest.raises(StorageUnreachable):
        await storage.put(KEY, body(b"x"))
    with pytest.raises(StorageUnreachable):
        await content(storage, KEY)
    await storage.aclose()


async def test_behind_a_proxy_of_the_environment_boto3_does_everything(
    relay: Relay, bucket: RawBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", relay.endpoint)  # SeaweedFS takes whole addresses, too
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    storage = opened(relay, bucket)
    await warm_up(storage)
    await storage.put(KEY, body(b"evidence"))
    assert await content(storage, KEY) == b"evidence"
    assert any(one.line.startswith("PUT http://") for one in relay.heard)
    assert not any(one.is_direct for one in relay.heard)
    await storage.aclose()


async def test_credentials_that_are_refreshed_while_it_runs_are_used_from_then_on(
    relay: Relay, bucket: RawBucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secrets, config = tmp_path / "secrets.json", tmp_path / "config"
    config.write_text(f"[default]\ncredential_process = {sys.executable} -c {_PRINT!r} {secrets}\n")

    def give(access_key: str, secret: str, minutes: float) -> None:
        expires = datetime.now(UTC) + timedelta(minutes=minutes)
        given = {"Version": 1, "AccessKeyId": access_key, "SecretAccessKey": secret}
        secrets.write_text(json.dumps({**given, "Expiration": expires.isoformat()}))

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    give(ACCESS_KEY, SECRET_KEY, 12)  # due to be refreshed, and good until then
    storage = opened(relay, bucket)
    await warm_up(storage)
    await storage.put(KEY, body(b"with the old"))
    assert storage.known is None  # another process would not notice that they expire
    give("another", "unknown-to-the-server", 60)
    with pytest.raises(StorageRefused):
        await storage.put(OTHER, body(b"with the new"))
    assert "Credential=another/" in relay.heard[-2].headers["authorization"]
    assert [one.is_direct for one in relay.of("PUT")] == [False, True, True, False]
    await storage.aclose()


_PRINT = "import sys;print(open(sys.argv[1]).read())"
