"""The S3 driver against a real server keeps the contract, whole and in parts."""

from collections.abc import AsyncIterator
from itertools import count

import pytest

from archiver.storage.base import Storage
from archiver.storage.s3.bucket import WHOLE_UP_TO, S3Storage
from tests.storage.s3_servers import RawBucket, S3Server
from tests.storage.suite import StorageSuite
from tests.storage.warm import FIRST, warm_up

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("aws_environment", "shared_clients")]

_numbers = count()


class TestSeaweedFS(StorageSuite):
    random_steps = 80
    whole_up_to = WHOLE_UP_TO
    is_warm = True
    """As nearly all of a run is: small puts and gets go past boto3."""

    @pytest.fixture
    async def storage(self, seaweed: S3Server) -> AsyncIterator[Storage]:
        self.bucket = RawBucket(seaweed, f"arch/{next(_numbers)}")
        storage = S3Storage(
            self.bucket.name, f"{self.bucket.prefix}/", seaweed.config, whole_up_to=self.whole_up_to
        )
        if self.is_warm:
            await warm_up(storage)
            await storage.delete(FIRST)
        yield storage
        assert self.bucket.uploads() == []
        await storage.aclose()

    def raw_read(self, key: str) -> bytes | None:
        return self.bucket.read(key)

    def raw_write(self, key: str, data: bytes) -> None:
        self.bucket.write(key, data)


class TestSeaweedFSInParts(TestSeaweedFS):
    """Every object in parts, as one above the threshold is."""

    random_steps = 40
    racers = 0  # several of racing completions win on this server
    whole_up_to = 0
    is_warm = False
