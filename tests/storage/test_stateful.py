"""Every storage is a dictionary that cannot be overwritten: in any order of operations."""

from pathlib import Path

import pytest

from archiver.storage.local.folder import LocalStorage
from archiver.storage.memory import MemoryStorage
from archiver.storage.s3.bucket import S3Storage
from tests.storage.s3_servers import RawBucket, S3Server
from tests.storage.stateful import agrees_with_a_dictionary
from tests.support.world import Unsynced


def test_a_folder_agrees_with_a_dictionary(tmp_path: Path) -> None:
    agrees_with_a_dictionary(LocalStorage(tmp_path, Unsynced), examples=8, steps=20)


def test_the_fake_agrees_with_a_dictionary() -> None:
    agrees_with_a_dictionary(MemoryStorage(), examples=20, steps=30)


@pytest.mark.usefixtures("aws_environment", "shared_clients")
def test_s3_agrees_with_a_dictionary(moto: S3Server) -> None:
    bucket = RawBucket(moto, "stateful")
    agrees_with_a_dictionary(S3Storage(bucket.name, "stateful/", moto.config), examples=3, steps=12)


@pytest.mark.nightly
@pytest.mark.usefixtures("aws_environment", "shared_clients")
def test_a_real_s3_server_agrees_with_a_dictionary(seaweed: S3Server) -> None:
    bucket = RawBucket(seaweed, "stateful")
    agrees_with_a_dictionary(
        S3Storage(bucket.name, "stateful/", seaweed.config), examples=40, steps=40
    )


@pytest.mark.nightly
def test_a_folder_agrees_with_a_dictionary_for_long(tmp_path: Path) -> None:
    agrees_with_a_dictionary(LocalStorage(tmp_path, Unsynced), examples=150, steps=50)
