"""`archiver lock`: what it says where there is nothing to lock, and over a bucket."""

import json
from pathlib import Path

import anyio
import pytest

from tests.cli.commands import archiver
from tests.storage.conftest import aws_environment, moto, shared_clients
from tests.storage.s3_servers import ACCESS_KEY, SECRET_KEY, RawBucket, S3Server
from tests.verify.archives import make

__all__ = ["aws_environment", "moto", "shared_clients"]

CREDENTIALS = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}


def configured(folder: Path, url: str, endpoint: str, lock: dict[str, str] | None) -> None:
    s3 = {"endpoint_url": endpoint, "region": "us-east-1"}
    storage = {"url": url, "s3": s3 | ({"object_lock": lock} if lock else {})}
    (folder / "archive.yaml").write_text(json.dumps({"storage": storage}))


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_without_a_lock_in_the_configuration_it_ends_with_2(
    archived: Path, options: tuple[str, ...]
) -> None:
    ended = archiver("lock", *options, folder=archived)
    assert ended.code == 2
    assert "storage.s3.object_lock is not set" in ended.err


def test_a_place_without_an_archive_ends_with_2(
    tmp_path: Path, moto: S3Server, shared_clients: None
) -> None:
    bucket = RawBucket(moto, "none", "lock-cmd", ObjectLockEnabledForBucket=True)
    lock = {"mode": "GOVERNANCE", "retain": "1h"}
    configured(tmp_path, f"s3://{bucket.name}/none", moto.endpoint, lock)
    ended = archiver("lock", "--dry-run", folder=tmp_path, environ=CREDENTIALS)
    assert ended.code == 2
    assert "no archive found" in ended.err


@pytest.mark.nightly
def test_it_counts_locks_and_counts_again(
    tmp_path: Path, moto: S3Server, shared_clients: None
) -> None:
    small = anyio.run(make, tmp_path)
    bucket = RawBucket(moto, "one", "lock-cmd-2", ObjectLockEnabledForBucket=True)
    for path in sorted(small.root.rglob("*")):
        if path.is_file():
            bucket.write(str(path.relative_to(small.root)), path.read_bytes())
    lock = {"mode": "GOVERNANCE", "retain": "1h"}
    configured(tmp_path, f"s3://{bucket.name}/one", moto.endpoint, lock)
    ended = archiver("lock", "--dry-run", folder=tmp_path, environ=CREDENTIALS)
    assert ended.code == 0, ended
    assert "4  recordings not known to be locked" in ended.out
    assert "Nothing was locked." in ended.out
    ended = archiver("lock", "--json", "--reason", "policy", folder=tmp_path, environ=CREDENTIALS)
    assert ended.code == 0, ended
    told = ended.answer
    assert (told["recordings"], told["whole"]) == (4, True)
    assert told["objects"]["locked"] == told["due"]["objects"]
    ended = archiver("lock", folder=tmp_path, environ=CREDENTIALS)
    assert (ended.code, "LOCKED: 0 recordings checked." in ended.out) == (0, True), ended
    acts = archiver("status", "--acts", folder=tmp_path, environ=CREDENTIALS)
    assert "policy" in acts.out
