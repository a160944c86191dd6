"""What a folder says it holds survives a kill at any step: synced, named whole, in this order."""

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from archiver.errors import (
    KeyExists,
    StorageError,
    StorageUnreachable,
)
from archiver.storage.base import Body, ObjectInfo
from archiver.storage.local.folder import LocalStorage
from archiver.storage.local.syncing import Syncing, Target
from archiver.storage.local.writing import UNCACHED_FROM, Put
from tests.storage.suite import DATA, KEY, body, file_body

pytestmark = pytest.mark.anyio

# A put stops at each of these calls and at each sync, as a killed process does.
STEPS = ("mkdir", "open", "write", "fstat", "close", "link", "unlink", "replace")


class KilledError(BaseException):
    """Stands for SIGKILL: nothing in the code under test may handle it."""


class Killer:
    """Counts the steps at the border to the disk, and stops the writer before a chosen one."""

    def __init__(self, stop_before: int) -> None:
        self.stop_before = stop_before
        self.steps = 0

    def step(self, *_: object) -> None:
        self.steps += 1
        if self.steps >= self.stop_before:  # the dead do nothing, so no clean-up either
            raise KilledError

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Count while the block runs."""
        with pytest.MonkeyPatch.context() as patch:
            for name in STEPS:
                patch.setattr(os, name, self._counted(getattr(os, name)))
            yield

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            self.step()
            return call(*arguments, **options)

        return counted


class Watched(Syncing):
    """Says what it is about to sync, each by itself."""

    def __init__(self, root: str, heard: Callable[[Target], None]) -> None:
        super().__init__(root)
        self._heard = heard

    def sync_one(self, target: Target) -> None:
        self._heard(target)
        super().sync_one(target)


def put_until(root: Path, stop_before: int, orders: Sequence[Sequence[Put]]) -> bool:
    """Whether the puts were stopped; what they left on the disk is what a kill would leave."""
    killer = Killer(stop_before)
    storage = LocalStorage(root, partial(Watched, heard=killer.step))
    with killer.at_work():
        try:
            storage._writer.put_all(orders)
        except KilledError:
            return True
    return False


@pytest.mark.parametrize("spooled", [False, True])
async def test_a_kill_at_any_step_leaves_all_or_nothing_and_the_next_put_completes(
    tmp_path: Path, spooled: bool
) -> None:
    for stop_before in range(1, 100):
        root = tmp_path / f"archive-{stop_before}"
        parts = root / "_archive" / "tmp"
        parts.mkdir(parents=True)
        given = file_body(parts / "spooled", DATA) if spooled else body(DATA)
        killed = put_until(root, stop_before, [[Put(KEY, given)]])
        final = root / KEY
        assert not final.exists() or final.read_bytes() == DATA
        storage = LocalStorage(root)
        await storage.clear_parts()
        if final.exists():
            with pytest.raises(KeyExists):
                await storage.put(KEY, body(DATA))
        else:
            await storage.put(KEY, body(DATA))
        assert [path for path in root.rglob("*") if path.is_file()] == [final]
        if not killed:
            break
    assert stop_before > 15


async def test_data_is_synced_before_its_name_and_names_before_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story: list[str] = []
    real_link, real_mkdir = os.link, os.mkdir

    def note_sync(target: Target) -> None:
        part = isinstance(target, int)
        story.append("sync part" if part else f"sync {os.path.relpath(str(target), tmp_path)}")

    def noted_link(part: str, final: str, **options: Any) -> None:
        story.append(f"link {os.path.relpath(final, tmp_path)}")
        real_link(part, final, **options)

    def noted_mkdir(path: str) -> None:
        story.append(f"mkdir {os.path.relpath(path, tmp_path)}")
        real_mkdir(path)

    monkeypatch.setattr(os, "link", noted_link)
    monkeypatch.setattr(os, "mkdir", noted_mkdir)
    storage = LocalStorage(tmp_path, partial(Watched, heard=note_sync))
    await storage.put(KEY, body(DATA))
    named = story.index(f"link {KEY}")
    assert set(story[:named]) == {
        *("mkdir 789", "mkdir 789/123", "mkdir _archive", "mkdir _archive/tmp"),
        *("sync part", "sync .", "sync 789", "sync _archive"),
    }
    assert story.index("mkdir 789") < story.index("sync .")
    assert story.index("mkdir 789/123") < story.index("sync 789")
    assert story[named + 1 :] == ["sync 789/123"]
    story.clear()
    await storage.put("789/123/456.json", body(b"{}"))
    assert story == ["sync part", "link 789/123/456.json", "sync 789/123"]


async def test_a_name_that_is_taken_is_synced_since_a_killed_process_may_have_left_it_unsynced(
    tmp_path: Path,
) -> None:
    story: list[str] = []

    def note_sync(target: Target) -> None:
        story.append("sync part" if isinstance(target, int) else Path(str(target)).name)

    storage = LocalStorage(tmp_path, partial(Watched, heard=note_sync))
    await storage.put(KEY, body(DATA))
    story.clear()
    with pytest.raises(KeyExists):
        await storage.put(KEY, body(DATA))
    assert story == ["sync part", "123"]


def group(count: int) -> list[list[Put]]:
    return [[Put(f"7/{number // 2}/{number}.mp3", body(DATA))] for number in range(count)]


@pytest.mark.parametrize("size", [3, 8])
def test_a_group_of_puts_is_synced_before_the_first_name_and_after_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    story: list[str] = []
    link = os.link

    class Noted(Syncing):
        def sync(self, targets: Iterable[Target]) -> dict[Target, OSError]:
            wanted = list(targets)
            files = sum(isinstance(one, int) for one in wanted)
            story.append(f"{files} files" if files else "folders" if wanted else "nothing")
            return super().sync(wanted)

    def noted_link(part: str, final: str, **options: Any) -> None:
        story.append("link")
        link(part, final, **options)

    monkeypatch.setattr(os, "link", noted_link)
    ended = LocalStorage(tmp_path, Noted)._writer.put_all(group(size))
    assert [one.key for (one,) in ended if isinstance(one, ObjectInfo)] == [
        put.key for (put,) in group(size)
    ]
    assert story == [f"{size} files", *["link"] * size, "folders"]


def test_of_a_group_only_the_put_that_fails_fails(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage._writer.put_all(group(1))
    cut = Put("7/7/7.mp3", Body(DATA, len(DATA) + 1, body(DATA).sha256))
    ended = storage._writer.put_all([*group(5), [cut], [Put(KEY, body(DATA))]])
    assert [type(one) for (one,) in ended] == [
        KeyExists,
        *[ObjectInfo] * 4,
        StorageError,
        ObjectInfo,
    ]
    assert not (tmp_path / cut.key).exists()
    assert list((tmp_path / "_archive/tmp").iterdir()) == []


def test_a_group_whose_sync_fails_gets_no_names(tmp_path: Path) -> None:
    class Failing(Syncing):
        def sync(self, targets: Iterable[Target]) -> dict[Target, OSError]:
            return dict.fromkeys(targets, OSError(errno.EIO, os.strerror(errno.EIO)))

    storage = LocalStorage(tmp_path, Failing)
    ended = storage._writer.put_all(group(6))
    assert {type(one) for (one,) in ended} == {StorageUnreachable}
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_kill_in_a_group_leaves_each_object_whole_or_absent(tmp_path: Path) -> None:
    for stop_before in range(1, 200):
        root = tmp_path / f"archive-{stop_before}"
        root.mkdir()
        killed = put_until(root, stop_before, group(5))
        there = list((root / "7").rglob("*.mp3"))
        assert all(path.read_bytes() == DATA for path in there)
        again = LocalStorage(root)._writer.put_all(group(5))
        assert sum(isinstance(one, KeyExists) for (one,) in again) == len(there)
        assert len(list((root / "7").rglob("*.mp3"))) == 5
        if not killed:
            break
    assert 30 < stop_before < 199


SIDECAR = KEY.replace(".mp3", ".json")
IN_ORDER = [Put(KEY, body(DATA)), Put(SIDECAR, body(b"{}"))]


def test_objects_in_order_share_two_syncs_and_are_named_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story: list[str] = []
    link = os.link

    def noted_link(part: str, final: str, **options: Any) -> None:
        story.append(f"link {os.path.relpath(final, tmp_path)}")
        link(part, final, **options)

    def note_sync(target: Target) -> None:
        story.append("sync part" if isinstance(target, int) else Path(str(target)).name)

    storage = LocalStorage(tmp_path, partial(Watched, heard=note_sync))
    storage._writer.put_all([[Put("789/123/1.mp3", body(DATA))]])  # its folders exist now
    story.clear()
    monkeypatch.setattr(os, "link", noted_link)
    (ended,) = storage._writer.put_all([IN_ORDER])
    assert [one.key for one in ended if isinstance(one, ObjectInfo)] == [KEY, SIDECAR]
    assert story == ["sync part", "sync part", f"link {KEY}", f"link {SIDECAR}", "123"]


def test_a_kill_between_objects_in_order_never_leaves_a_later_one_alone(tmp_path: Path) -> None:
    seen: set[tuple[bool, bool]] = set()
    for stop_before in range(1, 100):
        root = tmp_path / f"archive-{stop_before}"
        root.mkdir()
        killed = put_until(root, stop_before, [IN_ORDER])
        seen.add(((root / KEY).exists(), (root / SIDECAR).exists()))
        if not killed:
            break
    assert seen == {(False, False), (True, False), (True, True)}


def test_the_first_object_that_fails_ends_the_order_and_leaves_no_part(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage._writer.put_all([[IN_ORDER[1]]])
    (ended,) = storage._writer.put_all([[*IN_ORDER, Put("7/7/7.mp3", body(DATA))]])
    assert [type(one) for one in ended] == [ObjectInfo, KeyExists]
    (ended,) = storage._writer.put_all([[IN_ORDER[0], Put("7/7/7.mp3", body(DATA))]])
    assert [type(one) for one in ended] == [KeyExists]
    assert not (tmp_path / "7").exists() or list((tmp_path / "7").rglob("*.mp3")) == []
    assert list((tmp_path / "_archive/tmp").iterdir()) == []


@pytest.mark.parametrize("spooled", [False, True])
def test_a_recording_leaves_the_page_cache_once_it_is_synced_and_its_sidecar_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spooled: bool
) -> None:
    story: list[tuple[str, int]] = []
    parts = tmp_path / "_archive" / "tmp"
    parts.mkdir(parents=True)
    audio = bytes(UNCACHED_FROM)
    dont_need = 4
    monkeypatch.setattr(os, "POSIX_FADV_DONTNEED", dont_need, raising=False)

    def noted_advice(file: int, offset: int, length: int, advice: int) -> None:
        assert (offset, length) == (0, 0)
        assert advice == dont_need
        story.append(("drop", os.fstat(file).st_ino))
        raise OSError(errno.EINVAL, "not on this file system")

    def noted_sync(target: Target) -> None:
        if isinstance(target, int):
            story.append(("sync", os.fstat(target).st_ino))

    monkeypatch.setattr(os, "posix_fadvise", noted_advice, raising=False)
    storage = LocalStorage(tmp_path, partial(Watched, heard=noted_sync))
    given = file_body(parts / "spooled", audio) if spooled else body(audio)
    (ended,) = storage._writer.put_all([[Put(f"{KEY}.json", body(audio[1:])), Put(KEY, given)]])
    assert [type(one) for one in ended] == [ObjectInfo, ObjectInfo]
    stored = (tmp_path / KEY).stat().st_ino
    assert [step for step in story if step[1] == stored] == [("sync", stored), ("drop", stored)]
    assert [step for step, _ in story].count("drop") == 1


def test_recordings_synced_as_a_group_leave_the_page_cache_after_the_sync_each_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story: list[int | str] = []

    class Noted(Syncing):
        def __init__(self, root: str) -> None:
            super().__init__(root)
            self._whole = self.note_all

        def note_all(self, _: int) -> int:
            story.append("all")
            return 0

    def noted_advice(file: int, offset: int, length: int, advice: int) -> None:
        story.append(os.fstat(file).st_ino)

    monkeypatch.setattr(os, "POSIX_FADV_DONTNEED", 4, raising=False)
    monkeypatch.setattr(os, "posix_fadvise", noted_advice, raising=False)
    writer = LocalStorage(tmp_path, Noted)._writer
    keys = [f"7/{one}/1.mp3" for one in range(4)]
    writer.put_all([[Put(key, body(bytes(UNCACHED_FROM)))] for key in keys])
    stored = [(tmp_path / key).stat().st_ino for key in keys]
    assert story == ["all", *stored, "all"]


@pytest.mark.parametrize(("puts", "syncs"), [(3, ["one"] * 6), (4, ["all", "all"])])
def test_a_few_files_and_folders_are_synced_each_and_more_of_them_all_at_once(
    tmp_path: Path, puts: int, syncs: list[str]
) -> None:
    story: list[str] = []

    class Noted(Syncing):
        def __init__(self, root: str) -> None:
            super().__init__(root)
            self._whole = self.note_all

        def note_all(self, _: int) -> int:
            story.append("all")
            return 0

        def sync_one(self, target: Target) -> None:
            story.append("one")

    writer = LocalStorage(tmp_path, Noted)._writer
    writer.put_all([[Put(f"7/{one}/1.mp3", body(DATA))] for one in range(puts)])
    story.clear()  # the folders exist now
    writer.put_all([[Put(f"7/{one}/2.mp3", body(DATA))] for one in range(puts)])
    assert story == syncs
