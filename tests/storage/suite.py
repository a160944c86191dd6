"""The contract of `archiver.storage.base` as one suite; every driver's test is a short subclass.

The checks look at the medium itself through `raw_read` and `raw_write` where they can.
"""

import hashlib
import random
from abc import ABC, abstractmethod
from pathlib import Path

import anyio
import pytest

from archiver.errors import ArchiverError, KeyChanged, KeyExists, KeyMissing, StorageError
from archiver.storage.base import Body, ByteRange, ObjectInfo, Reading, Storage

KEY = "789/123/456.mp3"
DATA = random.Random(7).randbytes(100_000)


def body(data: bytes) -> Body:
    return Body.of(data, "audio/mpeg")


def file_body(path: Path, data: bytes) -> Body:
    path.write_bytes(data)
    return Body(path, len(data), hashlib.sha256(data).hexdigest(), "audio/mpeg")


async def content(storage: Storage, key: str, span: ByteRange | None = None) -> bytes:
    async with storage.open(key, span) as chunks:
        return b"".join([chunk async for chunk in chunks])


async def keys(storage: Storage, prefix: str = "") -> list[str]:
    return [info.key async for info in storage.list(prefix)]


class StorageSuite(ABC):
    """A subclass gives a fixture `storage` (fresh and empty) and looks at the medium."""

    checks_digest = True
    random_steps = 300
    racers = 16
    """How many race for a key; 0 where the medium is known to let several win."""

    @abstractmethod
    def raw_read(self, key: str) -> bytes | None:
        """The object as it lies on the medium; None where there is none."""

    @abstractmethod
    def raw_write(self, key: str, data: bytes) -> None:
        """Put an object on the medium behind the driver's back."""

    @pytest.mark.parametrize("size", [0, 1, 255, 300_000])
    async def test_a_put_object_lies_on_the_medium_byte_for_byte(
        self, storage: Storage, size: int
    ) -> None:
        data = random.Random(size).randbytes(size)
        info = await storage.put(KEY, body(data))
        assert (info.key, info.size) == (KEY, size)
        assert self.raw_read(KEY) == data
        assert await content(storage, KEY) == data

    async def test_a_body_in_a_file_is_stored_byte_for_byte(
        self, storage: Storage, tmp_path: Path
    ) -> None:
        data = random.Random(1).randbytes(1_500_000)
        await storage.put(KEY, file_body(tmp_path / "spooled", data))
        assert self.raw_read(KEY) == data

    async def test_readings_tell_size_and_digest_and_keep_what_is_small(
        self, storage: Storage
    ) -> None:
        small, large = b"small", random.Random(2).randbytes(1_500_000)
        self.raw_write(KEY, small)
        self.raw_write("789/123/457.mp3", large)
        keys = [KEY, "789/123/458.mp3", "789/123/457.mp3"]
        first, none, last = await storage.readings(keys, keep=5)
        assert first == Reading(KEY, 5, hashlib.sha256(small).hexdigest(), small)
        assert isinstance(none, KeyMissing)
        assert last == Reading(keys[2], len(large), hashlib.sha256(large).hexdigest())

    async def test_a_second_put_is_refused_and_changes_nothing(self, storage: Storage) -> None:
        first = await storage.put(KEY, body(b"first"))
        with pytest.raises(KeyExists) as caught:
            await storage.put(KEY, body(b"second"))
        assert caught.value.key == KEY
        assert self.raw_read(KEY) == b"first"
        assert (await storage.stat(KEY)).tag == first.tag

    async def test_a_put_over_a_foreign_object_is_refused(self, storage: Storage) -> None:
        self.raw_write(KEY, b"foreign")
        with pytest.raises(KeyExists):
            await storage.put(KEY, body(b"ours"))
        assert self.raw_read(KEY) == b"foreign"

    async def test_a_refused_put_leaves_the_callers_file_alone(
        self, storage: Storage, tmp_path: Path
    ) -> None:
        await storage.put(KEY, body(b"first"))
        spooled = file_body(tmp_path / "spooled", b"second")
        with pytest.raises(KeyExists):
            await storage.put(KEY, spooled)
        assert (tmp_path / "spooled").read_bytes() == b"second"

    async def test_objects_in_order_are_put_up_to_the_first_that_is_refused(
        self, storage: Storage
    ) -> None:
        names = ["789/123/1.mp3", "789/123/1.json", KEY, "789/124/1.mp3"]
        self.raw_write(KEY, b"foreign")
        first, second, refused = await storage.put_in_order(
            [(name, body(name.encode())) for name in names]
        )
        assert isinstance(first, ObjectInfo)
        assert isinstance(second, ObjectInfo)
        assert (first.key, second.key) == (names[0], names[1])
        assert isinstance(refused, KeyExists)
        assert [self.raw_read(name) for name in names] == [
            names[0].encode(),
            names[1].encode(),
            b"foreign",
            None,
        ]

    async def test_of_many_racing_puts_one_wins_and_its_bytes_stay(self, storage: Storage) -> None:
        if not self.racers:
            pytest.skip("this medium is known to let several racers win")
        outcomes: dict[int, bool] = {}

        async def racer(number: int) -> None:
            while number not in outcomes:
                try:
                    await storage.put(KEY, body(b"%d" % number * 5000))
                    outcomes[number] = True
                except KeyExists:
                    outcomes[number] = False
                except ArchiverError as error:
                    assert error.retryable

        async with anyio.create_task_group() as racers:
            for number in range(self.racers):
                racers.start_soon(racer, number)
        winners = [number for number, won in outcomes.items() if won]
        assert len(winners) == 1
        assert self.raw_read(KEY) == b"%d" % winners[0] * 5000

    async def test_replacing_needs_the_present_tag(self, storage: Storage) -> None:
        first = await storage.put(KEY, body(b"first"))
        second = await storage.put(KEY, body(b"other"), replacing=first.tag)
        assert second.tag != first.tag
        assert (await storage.stat(KEY)).tag == second.tag
        with pytest.raises(KeyChanged):
            await storage.put(KEY, body(b"third"), replacing=first.tag)
        assert self.raw_read(KEY) == b"other"

    async def test_replacing_what_is_not_there_is_refused(self, storage: Storage) -> None:
        gone = await storage.put(KEY, body(b"first"))
        await storage.delete(KEY)
        with pytest.raises((KeyMissing, KeyChanged)):
            await storage.put(KEY, body(b"second"), replacing=gone.tag)
        assert self.raw_read(KEY) is None

    async def test_of_two_racing_replacements_one_wins(self, storage: Storage) -> None:
        if not self.racers:
            pytest.skip("this medium is known to let several racers win")
        first = await storage.put(KEY, body(b"first"))
        outcomes: dict[bytes, bool] = {}

        async def racer(data: bytes) -> None:
            try:
                await storage.put(KEY, body(data), replacing=first.tag)
                outcomes[data] = True
            except KeyChanged:
                outcomes[data] = False

        async with anyio.create_task_group() as racers:
            racers.start_soon(racer, b"left")
            racers.start_soon(racer, b"right")
        assert sorted(outcomes.values()) == [False, True]
        assert outcomes[self.raw_read(KEY) or b""]

    async def test_a_body_of_another_size_leaves_no_object(self, storage: Storage) -> None:
        short = body(b"promised")
        with pytest.raises(StorageError):
            await storage.put(KEY, Body(b"promise", short.size, short.sha256))
        assert self.raw_read(KEY) is None
        assert await keys(storage) == []

    async def test_a_body_with_another_digest_leaves_no_object(self, storage: Storage) -> None:
        if not self.checks_digest:
            pytest.skip("this driver trusts the digest of whoever finished the body")
        with pytest.raises(StorageError):
            await storage.put(KEY, Body(b"promised", 8, body(b"promiseD").sha256))
        assert self.raw_read(KEY) is None

    async def test_the_tag_changes_with_the_bytes(self, storage: Storage) -> None:
        before = await storage.put(KEY, body(b"12345678"))
        self.raw_write(KEY, b"12345679")
        assert (await storage.stat(KEY)).tag != before.tag

    async def test_stat_knows_size_and_age(self, storage: Storage) -> None:
        put = await storage.put(KEY, body(b"1234"))
        info = await storage.stat(KEY)
        assert info == put or info.sha256 is not None
        assert (info.size, info.tag) == (4, put.tag)
        assert info.age is not None
        assert 0 <= info.age < 60

    @pytest.mark.parametrize(
        ("span", "expected"),
        [
            (ByteRange(0), b"0123456789"),
            (ByteRange(3), b"3456789"),
            (ByteRange(3, 4), b"3"),
            (ByteRange(3, 400), b"3456789"),
            (ByteRange(9), b"9"),
            (ByteRange(10), b""),
            (ByteRange(11, 20), b""),
        ],
    )
    async def test_a_range_is_just_those_bytes(
        self, storage: Storage, span: ByteRange, expected: bytes
    ) -> None:
        await storage.put(KEY, body(b"0123456789"))
        assert await content(storage, KEY, span) == expected

    async def test_a_range_of_an_empty_object_is_empty(self, storage: Storage) -> None:
        await storage.put(KEY, body(b""))
        assert await content(storage, KEY, ByteRange(0)) == b""

    async def test_a_missing_key_is_said_so_by_every_verb(self, storage: Storage) -> None:
        await storage.put("789/123/457.mp3", body(b"neighbour"))
        with pytest.raises(KeyMissing):
            await storage.stat(KEY)
        with pytest.raises(KeyMissing):
            await content(storage, KEY)
        with pytest.raises(KeyMissing):
            await content(storage, KEY, ByteRange(1, 2))
        with pytest.raises(KeyMissing):
            await storage.delete(KEY)
        with pytest.raises(KeyMissing):
            await storage.stat("789/123")

    async def test_a_small_object_is_read_whole_or_refused(self, storage: Storage) -> None:
        await storage.put(KEY, body(b"12345"))
        assert await storage.read(KEY, limit=5) == b"12345"
        with pytest.raises(StorageError):
            await storage.read(KEY, limit=4)

    async def test_deleted_is_gone_and_may_be_put_again(self, storage: Storage) -> None:
        await storage.put(KEY, body(b"first"))
        await storage.delete(KEY)
        assert self.raw_read(KEY) is None
        await storage.put(KEY, body(b"second"))
        assert self.raw_read(KEY) == b"second"

    async def test_a_listing_is_ordered_by_bytes_and_skips_nothing(self, storage: Storage) -> None:
        below = "1/2/3.json 1/2/3.mp3 1/10/3.mp3 10/2/3.mp3 2/a/x 2/a-b 2/a.b 2/ab 2/B 0/5/6.bin"
        expected = sorted([*below.split(), "_archive/format.json", "_archive/ledger/0001", "zz"])
        for key in random.Random(3).sample(expected, len(expected)):
            self.raw_write(key, key.encode())
        found = [info async for info in storage.list()]
        assert [info.key for info in found] == expected
        assert [info.size for info in found] == [len(key) for key in expected]

    @pytest.mark.parametrize(
        ("prefix", "expected"),
        [
            ("1", ["1/2/3.mp3", "10/2/3.mp3"]),
            ("1/", ["1/2/3.mp3"]),
            ("1/2/3", ["1/2/3.mp3"]),
            ("1/2/3.mp3", ["1/2/3.mp3"]),
            ("1/2/3.mp3/", []),
            ("3/", []),
            ("2/a", ["2/a-b", "2/a/x"]),
        ],
    )
    async def test_a_listing_has_just_what_starts_with_the_prefix(
        self, storage: Storage, prefix: str, expected: list[str]
    ) -> None:
        for key in ("1/2/3.mp3", "10/2/3.mp3", "2/a/x", "2/a-b"):
            await storage.put(key, body(b"x"))
        assert await keys(storage, prefix) == expected

    async def test_a_listed_object_bears_the_tag_of_its_put(self, storage: Storage) -> None:
        put = await storage.put(KEY, body(b"x"))
        assert [info.tag async for info in storage.list()] == [put.tag]

    @pytest.mark.parametrize(
        "key", ["", "/a", "a/", "a//b", "../a", "a/..", "a/./b", "ä", "a b", "a\n", "x" * 600]
    )
    async def test_an_unsafe_key_is_refused_by_every_verb(self, storage: Storage, key: str) -> None:
        with pytest.raises(ValueError):
            await storage.put(key, body(b"x"))
        with pytest.raises(ValueError):
            await storage.stat(key)
        with pytest.raises(ValueError):
            await storage.delete(key)
        with pytest.raises(ValueError):
            await content(storage, key)

    async def test_what_killed_writers_left_is_cleared_and_nothing_else(
        self, storage: Storage
    ) -> None:
        for key in (KEY, "_archive/tmp/lock", "_archive/tmp/ledger-lock", "_archive/tmp/stray"):
            self.raw_write(key, b"x")
        assert await storage.clear_parts(unchanged_for=3600) == 0  # a writer may be at work
        assert await storage.clear_parts(keeping=("_archive/tmp/str",)) == 0
        assert await storage.clear_parts() == 1
        assert await keys(storage) == [KEY, "_archive/tmp/ledger-lock", "_archive/tmp/lock"]

    async def test_a_cancelled_put_leaves_all_or_nothing(self, storage: Storage) -> None:
        data = random.Random(2).randbytes(2_000_000)
        for number in range(4):
            with anyio.move_on_after(number / 1000):
                await storage.put(f"1/2/{number}.mp3", body(data))
        with anyio.fail_after(20):
            async for info in storage.list():
                assert self.raw_read(info.key) == data

    async def test_random_operations_end_as_they_do_on_a_dictionary(self, storage: Storage) -> None:
        chance = random.Random(2026)
        model: dict[str, bytes] = {}
        tags: dict[str, str] = {}
        names = [f"{lead}/{call}/1.mp3" for lead in (1, 10, 2) for call in (3, 30, 4)]
        for _ in range(self.random_steps):
            key, data = chance.choice(names), chance.randbytes(chance.choice((0, 5, 5000)))
            step = chance.choice(("put", "put", "replace", "stale", "delete", "read", "list"))
            before = dict(model)
            try:
                if step == "put":
                    tags[key] = (await storage.put(key, body(data))).tag
                    model[key] = data
                elif step == "replace":
                    tag = tags.get(key, "none")
                    tags[key] = (await storage.put(key, body(data), replacing=tag)).tag
                    model[key] = data
                elif step == "stale":
                    await storage.put(key, body(data), replacing="stale")
                    pytest.fail("a put that replaces an unknown tag went through")
                elif step == "delete":
                    await storage.delete(key)
                    del model[key]
                elif step == "read":
                    assert await content(storage, key) == model[key]
                else:
                    prefix = chance.choice(("", "1", "1/", "1/3", "2/4/1"))
                    expected = sorted(name for name in model if name.startswith(prefix))
                    assert await keys(storage, prefix) == expected
            except KeyExists:
                assert step == "put"
                assert key in before
            except KeyMissing:
                assert key not in before
            except KeyChanged:
                assert step in {"stale", "replace"}
                assert step == "stale" or key not in before
        assert {key: self.raw_read(key) for key in names} == {key: model.get(key) for key in names}
