"""The verified fake keeps the contract too, bare and behind the wrapper."""

import pytest

from archiver.storage.base import Storage
from archiver.storage.memory import MemoryStorage
from archiver.storage.retrying import Retrying
from archiver.tasks.retry import RetryPolicy
from tests.storage.suite import StorageSuite

pytestmark = pytest.mark.anyio


class TestMemory(StorageSuite):
    @pytest.fixture
    def storage(self) -> Storage:
        self.memory = MemoryStorage()
        return self.memory

    def raw_read(self, key: str) -> bytes | None:
        held = self.memory.objects.get(key)
        return held.data if held else None

    def raw_write(self, key: str, data: bytes) -> None:
        self.memory.write_behind(key, data)


class TestRetryingMemory(TestMemory):
    @pytest.fixture
    def storage(self) -> Storage:
        self.memory = MemoryStorage()
        return Retrying(self.memory, RetryPolicy())
