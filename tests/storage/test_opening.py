"""The configuration opens the right storage."""

import subprocess
import sys
from pathlib import Path

import pytest

from archiver.config import StorageConfig
from archiver.errors import StorageRefused
from archiver.storage.opening import open_in_parts, open_storage
from tests.storage.s3_servers import RawBucket, S3Server
from tests.storage.suite import KEY, body

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("aws_environment")]


async def test_a_folder_is_made_only_when_asked_for(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "archive"
    config = StorageConfig(str(root))
    with pytest.raises(StorageRefused) as caught:
        open_storage(config)
    assert caught.value.hint
    assert not root.exists()
    storage = open_storage(config, create=True)
    await storage.put(KEY, body(b"x"))
    assert (root / KEY).read_bytes() == b"x"
    assert storage.spool_folder == root / "_archive" / "tmp"
    assert open_in_parts(config) is None


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageRefused):
        open_storage(StorageConfig(str(tmp_path / "file")), create=True)
    with pytest.raises(StorageRefused):
        open_storage(StorageConfig(str(tmp_path / "file" / "archive")), create=True)


async def test_an_s3_address_opens_its_bucket_under_the_prefix(moto: S3Server) -> None:
    bucket = RawBucket(moto, "opened/deep")
    storage = open_storage(StorageConfig(f"s3://{bucket.name}/opened/deep/", moto.config))
    await storage.put(KEY, body(b"x"))
    await storage.aclose()
    assert bucket.read(KEY) == b"x"
    assert storage.spool_folder is None


def test_an_archive_in_a_folder_never_loads_boto3() -> None:
    code = "import sys, archiver.storage.opening; sys.exit('boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
