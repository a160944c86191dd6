"""S3 servers for the tests of this folder."""

from collections.abc import Iterator
from functools import cache

import pytest

from archiver.storage.s3 import client
from tests.storage.s3_servers import ACCESS_KEY, SECRET_KEY, S3Server, moto_server, seaweedfs


@pytest.fixture(scope="session")
def moto() -> Iterator[S3Server]:
    with moto_server() as server:
        yield server


@pytest.fixture(scope="session")
def seaweed() -> Iterator[S3Server]:
    with seaweedfs() as server:
        yield server


@pytest.fixture(scope="module")
def shared_clients() -> Iterator[None]:
    """One boto3 client a server for all tests of a module: making one takes longer than most tests.

    Not for all modules: some are about the making of a client.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "connect", cache(client.connect))
        yield


@pytest.fixture
def aws_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The credentials of the test servers, and no others, in the usual places."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
