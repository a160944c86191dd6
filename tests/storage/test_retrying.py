"""Retrying: what does not answer is asked again, and a lost answer is no failure."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from archiver.errors import KeyChanged, KeyExists, KeyMissing, StorageUnreachable
from archiver.storage.base import Body, ByteRange, ObjectInfo, Storage
from archiver.storage.memory import MemoryStorage
from archiver.storage.retrying import Retrying
from archiver.tasks.retry import RetryPolicy, RetryScheduled
from tests.storage.suite import KEY, body, content, keys

pytestmark = pytest.mark.anyio


class Flaky(MemoryStorage):
    """Fails as often as told: before the work (`silent`), after it (`lost`), or while listing."""

    silent = 0
    lost = 0
    breaks_after: int | None = None

    async def _through(self, work: Callable[[], Awaitable[Any]]) -> Any:
        if self.silent:
            self.silent -= 1
            raise StorageUnreachable("no answer")
        done = await work()
        if self.lost:
            self.lost -= 1
            raise StorageUnreachable("the answer was lost")
        return done

    async def put(self, key: str, body: Body, *, replacing: str | None = None) -> ObjectInfo:
        put = super().put
        info: ObjectInfo = await self._through(lambda: put(key, body, replacing=replacing))
        return info

    async def delete(self, key: str) -> None:
        delete = super().delete
        await self._through(lambda: delete(key))

    async def stat(self, key: str) -> ObjectInfo:
        stat = super().stat
        info: ObjectInfo = await self._through(lambda: stat(key))
        return info

    async def list(self, prefix: str = "") -> AsyncIterator[ObjectInfo]:
        given = 0
        async for info in super().list(prefix):
            if self.breaks_after == given:
                self.breaks_after += 3
                raise StorageUnreachable("the listing broke")
            given += 1
            yield info

    @asynccontextmanager
    async def open(
        self, key: str, span: ByteRange | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        async with super().open(key, span) as chunks:
            yield self._chunks(chunks)

    async def _chunks(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        if self.silent:
            self.silent -= 1
            raise StorageUnreachable("the body broke")
        async for chunk in chunks:
            yield chunk


@pytest.fixture
def flaky() -> Flaky:
    return Flaky()


@pytest.fixture
def storage(flaky: Flaky) -> Storage:
    async def no_wait(_: float) -> None:
        await anyio.lowlevel.checkpoint()

    return Retrying(flaky, RetryPolicy(attempts=3), sleep=no_wait)


async def test_a_put_that_was_not_answered_is_repeated(flaky: Flaky, storage: Storage) -> None:
    flaky.silent = 2
    await storage.put(KEY, body(b"x"))
    assert flaky.objects[KEY].data == b"x"


async def test_after_the_last_attempt_the_storage_is_unreachable(
    flaky: Flaky, storage: Storage
) -> None:
    flaky.silent = 3
    with pytest.raises(StorageUnreachable):
        await storage.put(KEY, body(b"x"))


async def test_a_put_whose_answer_was_lost_has_succeeded(flaky: Flaky, storage: Storage) -> None:
    flaky.lost = 1
    info = await storage.put(KEY, body(b"x"))
    assert info.tag == flaky.objects[KEY].tag


async def test_a_replacement_whose_answer_was_lost_has_succeeded(
    flaky: Flaky, storage: Storage
) -> None:
    first = await storage.put(KEY, body(b"first"))
    flaky.lost = 1
    await storage.put(KEY, body(b"other"), replacing=first.tag)
    assert flaky.objects[KEY].data == b"other"


async def test_a_foreign_object_met_on_a_later_attempt_is_not_taken_for_ours(
    flaky: Flaky, storage: Storage
) -> None:
    flaky.write_behind(KEY, b"y")
    flaky.silent = 1
    with pytest.raises(KeyExists):
        await storage.put(KEY, body(b"x"))
    flaky.silent = 1
    with pytest.raises(KeyChanged):
        await storage.put(KEY, body(b"x"), replacing="stale")
    assert flaky.objects[KEY].data == b"y"


async def test_the_same_bytes_that_were_there_before_are_still_a_refusal(
    storage: Storage,
) -> None:
    await storage.put(KEY, body(b"x"))
    with pytest.raises(KeyExists):
        await storage.put(KEY, body(b"x"))


ORDER = [("1/1/1.mp3", body(b"x")), ("1/1/1.json", body(b"{}"))]


@pytest.mark.parametrize(("silent", "lost"), [(2, 0), (0, 1), (0, 2), (1, 1)])
async def test_objects_in_order_are_continued_with_the_first_that_was_not_answered(
    flaky: Flaky, storage: Storage, silent: int, lost: int
) -> None:
    flaky.silent, flaky.lost = silent, lost
    ended = await storage.put_in_order(ORDER)
    assert [one.key for one in ended if isinstance(one, ObjectInfo)] == [key for key, _ in ORDER]
    assert [flaky.objects[key].data for key, _ in ORDER] == [b"x", b"{}"]


async def test_of_objects_in_order_the_first_that_is_never_answered_ends_them(
    flaky: Flaky, storage: Storage
) -> None:
    flaky.silent = 3
    (ended,) = await storage.put_in_order(ORDER)
    assert isinstance(ended, StorageUnreachable)
    assert not flaky.objects


async def test_a_foreign_object_among_those_in_order_is_not_taken_for_ours(
    flaky: Flaky, storage: Storage
) -> None:
    flaky.write_behind(ORDER[1][0], b"[]")
    flaky.silent = 1
    first, second = await storage.put_in_order(ORDER)
    assert isinstance(first, ObjectInfo)
    assert isinstance(second, KeyExists)


async def test_a_delete_whose_answer_was_lost_has_succeeded(flaky: Flaky, storage: Storage) -> None:
    await storage.put(KEY, body(b"x"))
    flaky.lost = 1
    await storage.delete(KEY)
    with pytest.raises(KeyMissing):
        await storage.delete(KEY)


async def test_a_body_that_breaks_before_its_first_chunk_is_opened_again(
    flaky: Flaky, storage: Storage
) -> None:
    await storage.put(KEY, body(b"0123"))
    flaky.silent = 2
    assert await content(storage, KEY, ByteRange(1)) == b"123"
    flaky.silent = 2
    assert await storage.read(KEY, limit=10) == b"0123"


async def test_a_listing_that_breaks_goes_on_without_gap_or_double(
    flaky: Flaky, storage: Storage
) -> None:
    names = [f"1/{number:03}/1.mp3" for number in range(9)]
    for name in names:
        flaky.write_behind(name, b"x")
    flaky.breaks_after = 2
    assert await keys(storage) == names
    assert flaky.breaks_after > len(names)


async def test_each_retry_is_announced(flaky: Flaky) -> None:
    told: list[RetryScheduled] = []
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    storage = Retrying(flaky, RetryPolicy(attempts=3), sleep=wait, on_retry=told.append)
    flaky.silent = 2
    await storage.put(KEY, body(b"x"))
    assert [(one.attempt, one.attempts) for one in told] == [(1, 3), (2, 3)]
    assert [one.wait for one in told] == waits


async def test_what_may_not_be_retried_is_raised_at_once(storage: Storage) -> None:
    with pytest.raises(KeyMissing):
        await storage.stat(KEY)
    assert await keys(storage) == []
