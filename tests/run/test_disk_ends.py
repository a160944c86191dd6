"""A disk that refuses one recording, or fails at the very end: said as it is, the rest goes on."""

import errno
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from archiver.errors import ObjectRefused, StorageError
from archiver.sandbox.audio import wav
from archiver.sandbox.world import World
from archiver.storage.local.folder import LocalStorage
from tests.support.puts import put_by
from tests.support.world import bench, reasons, told

pytestmark = pytest.mark.anyio

LARGE = 3_000_000


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """The system allows this process no larger files, as `ulimit -f` does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [900_000, LARGE], ids=["in memory", "spooled"])
async def test_a_recording_that_is_too_large_for_the_disk_fails_alone(
    tmp_path: Path, size: int
) -> None:
    world = World().call(1).recording(11, audio=wav(size)).call(2).recording(21)
    async with bench(tmp_path, world) as night:
        with no_file_beyond(600_000):
            report = await night.run()
        assert reasons(report) == {11: "not-stored"}
        assert told(report, of="recordings") == {"archived": 1, "failed": 1}
        assert report.exit_code == 3
        assert night.archive.strays() == []
        assert await night.findings() == []
        assert (await night.run()).exit_code == 0
        night.check_archive()


@pytest.mark.parametrize("number", [errno.ENAMETOOLONG, errno.EINVAL, errno.EFBIG])
@pytest.mark.parametrize("suffix", ["11.wav", "11.json"])
async def test_a_name_that_the_disk_refuses_costs_its_recording_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, suffix: str
) -> None:
    link = os.link

    def refusing(one: str, other: str, **named: Any) -> None:
        if other.endswith(suffix):
            raise OSError(number, os.strerror(number), other)
        link(one, other, **named)

    world = World().call(1).recording(11).call(2).recording(21)
    async with bench(tmp_path, world) as night:
        with monkeypatch.context() as patch:
            patch.setattr(os, "link", refusing)
            patch.setattr("archiver.storage.local.disk._NO_HARD_LINKS", set[int]())
            report = await night.run()
        assert reasons(report) == {11: "not-stored"}
        assert report.exit_code == 3
        assert await night.findings() == []
        assert (await night.run()).exit_code == 0
        night.check_archive()


def failing(function: Callable[..., Any], name: str, number: int) -> Callable[..., Any]:
    """The function, failing for paths that end so."""

    def wrapped(path: Any, *others: Any, **named: Any) -> Any:
        if str(path).endswith(name):
            raise OSError(number, os.strerror(number), path)
        return function(path, *others, **named)

    return wrapped


@pytest.mark.parametrize(
    "number", [errno.EROFS, errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.ESTALE]
)
@pytest.mark.parametrize("lock", ["tmp/lock", "tmp/ledger-lock"])
async def test_a_disk_that_fails_while_a_lock_is_released_ends_the_run_with_5(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, lock: str
) -> None:
    async with bench(tmp_path, World().call(1).recording(11)) as night:
        with monkeypatch.context() as patch:
            patch.setattr(os, "unlink", failing(os.unlink, lock, number))
            with pytest.raises(StorageError) as caught:
                await night.run()
        assert caught.value.exit_code == 5
        assert os.strerror(number) in str(caught.value)
        assert await night.findings() == []
        assert (await night.run()).exit_code == 0
        night.check_archive()


async def test_a_part_file_that_cannot_be_removed_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(tmp_path, World().call(1).recording(11)) as night:
        with monkeypatch.context() as patch:
            patch.setattr(os, "unlink", failing(os.unlink, ".part", errno.EACCES))
            assert (await night.run()).exit_code == 0
        assert await night.findings() == []
        night.clock.advance(days=1)
        assert (await night.run()).exit_code == 0
        night.check_archive()


async def test_a_put_that_fails_after_its_object_has_its_name_leaves_an_orphan_and_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = LocalStorage.put

    async def failing_late(storage: LocalStorage, key: str, *others: Any, **named: Any) -> Any:
        result = await put(storage, key, *others, **named)
        if key.endswith("11.json"):
            raise ObjectRefused("its folder could not be synced", key=key)
        return result

    async with bench(tmp_path, World().call(1).recording(11).call(2).recording(21)) as night:
        with monkeypatch.context() as patch:
            put_by(patch, failing_late)
            assert reasons(await night.run()) == {11: "not-stored"}
        assert await night.findings() == []
        assert (await night.run()).exit_code == 0
        night.check_archive()
