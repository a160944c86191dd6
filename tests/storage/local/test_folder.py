"""An archive in a folder keeps the contract, on full disks and beside links and foreign files."""

import errno
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver.errors import (
    KeyExists,
    KeyMissing,
    StorageError,
    StorageForbidden,
    StorageFull,
    StorageRefused,
    StorageUnreachable,
)
from archiver.storage.base import Storage
from archiver.storage.local.folder import LocalStorage
from archiver.storage.local.syncing import Syncing
from tests.storage.suite import DATA, KEY, StorageSuite, body, content, file_body, keys

pytestmark = pytest.mark.anyio


class TestLocal(StorageSuite):
    checks_digest = False

    @pytest.fixture
    async def storage(self, tmp_path: Path) -> AsyncIterator[Storage]:
        self.root = tmp_path / "archive"
        self.root.mkdir()
        storage = LocalStorage(self.root)
        yield storage
        await storage.aclose()
        assert not list(self.root.glob("_archive/tmp/*.part"))

    def raw_read(self, key: str) -> bytes | None:
        path = self.root / key
        return path.read_bytes() if path.is_file() else None

    def raw_write(self, key: str, data: bytes) -> None:
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


async def test_a_body_spooled_in_the_archive_is_moved_and_gets_the_rights_of_a_new_file(
    tmp_path: Path,
) -> None:
    storage = LocalStorage(tmp_path)
    await storage.put("1/2/3.mp3", body(DATA))
    spooled = storage.spool_folder / "spooled"
    given = file_body(spooled, DATA)
    spooled.chmod(0o600)
    before = spooled.stat().st_ino
    await storage.put(KEY, given)
    assert not spooled.exists()
    assert (tmp_path / KEY).stat().st_ino == before
    assert (tmp_path / KEY).stat().st_mode == (tmp_path / "1/2/3.mp3").stat().st_mode


async def test_a_body_on_another_file_system_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_link = os.link

    def link(part: str, final: str, **options: Any) -> None:
        if part.endswith("spooled"):
            raise OSError(errno.EXDEV, "another device")
        real_link(part, final, **options)

    monkeypatch.setattr(os, "link", link)
    storage = LocalStorage(tmp_path)
    await storage.put(KEY, file_body(tmp_path / "spooled", DATA))
    assert (tmp_path / KEY).read_bytes() == DATA


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP])
async def test_without_hard_links_a_put_still_never_overwrites(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def no_links(*_: Any, **__: Any) -> None:
        raise OSError(number, "no hard links here")

    monkeypatch.setattr(os, "link", no_links)
    storage = LocalStorage(tmp_path)
    await storage.put(KEY, body(b"first"))
    with pytest.raises(KeyExists):
        await storage.put(KEY, body(b"second"))
    assert (tmp_path / KEY).read_bytes() == b"first"
    assert list((tmp_path / "_archive/tmp").iterdir()) == []


async def test_a_link_whose_answer_was_lost_is_recognised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_link = os.link

    def link_twice(part: str, final: str, **options: Any) -> None:
        real_link(part, final, **options)
        real_link(part, final, **options)

    monkeypatch.setattr(os, "link", link_twice)
    storage = LocalStorage(tmp_path)
    await storage.put(KEY, body(DATA))
    assert (tmp_path / KEY).read_bytes() == DATA
    assert list((tmp_path / "_archive/tmp").iterdir()) == []


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, StorageFull),
        (errno.EDQUOT, StorageFull),
        (errno.EACCES, StorageForbidden),
        (errno.EROFS, StorageRefused),
        (errno.EIO, StorageUnreachable),
        (errno.ESTALE, StorageUnreachable),
        (errno.EDOM, StorageError),
    ],
)
@pytest.mark.parametrize("step", ["mkdir", "write", "sync", "link"])
async def test_an_error_of_the_disk_is_one_of_ours_and_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    number: int,
    expected: type[StorageError],
) -> None:
    def failing(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    class Syncs(Syncing):
        pass

    storage = LocalStorage(tmp_path, Syncs)
    with monkeypatch.context() as patch:
        if step == "sync":
            patch.setattr(Syncs, "sync_one", failing)
        else:
            patch.setattr(os, step, failing)
        with pytest.raises(StorageError) as caught:
            await storage.put(KEY, body(DATA))
    assert type(caught.value) is expected
    assert caught.value.key == KEY
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    await storage.put(KEY, body(DATA))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    mounted = subprocess.run(mounting, check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip("needs the right to mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("spooled", [False, True])
async def test_a_full_disk_is_said_so_and_leaves_no_part(
    small_disk: Path, tmp_path: Path, spooled: bool
) -> None:
    storage = LocalStorage(small_disk)
    await storage.put("1/2/3.mp3", body(DATA))
    large = DATA * 4
    given = file_body(tmp_path / "elsewhere", large) if spooled else body(large)
    with pytest.raises(StorageFull) as caught:
        await storage.put(KEY, given)
    assert caught.value.hint
    assert [path.name for path in small_disk.rglob("*") if path.is_file()] == ["3.mp3"]
    await storage.put(KEY, body(DATA[:1000]))


async def test_no_folder_of_the_archive_may_be_a_link_that_leads_elsewhere(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "archive", tmp_path / "elsewhere"
    root.mkdir()
    elsewhere.mkdir()
    (root / "789").symlink_to(elsewhere)
    storage = LocalStorage(root)
    with pytest.raises(StorageRefused, match="789"):
        await storage.put(KEY, body(DATA))
    assert list(elsewhere.iterdir()) == []
    assert await keys(storage) == ["789"]


async def test_foreign_files_are_listed_whatever_their_name(tmp_path: Path) -> None:
    names = [b"caf\xc3\xa9.txt", b"not utf-8 \xff", b".hidden", b"with space"]
    for name in names:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(b"x")
    assert await keys(LocalStorage(tmp_path)) == [os.fsdecode(name) for name in sorted(names)]


async def test_a_folder_in_the_place_of_an_object_is_no_object(tmp_path: Path) -> None:
    (tmp_path / KEY).mkdir(parents=True)
    storage = LocalStorage(tmp_path)
    with pytest.raises(StorageRefused, match="folder"):
        await storage.put(KEY, body(DATA))
    with pytest.raises(KeyMissing):
        await storage.stat(KEY)
    with pytest.raises(KeyMissing):
        await content(storage, KEY)


async def test_a_folder_tidied_away_meanwhile_is_made_again(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    await storage.put(KEY, body(DATA))
    shutil.rmtree(tmp_path / "789")
    shutil.rmtree(tmp_path / "_archive")
    await storage.put(KEY, body(DATA))
    assert (tmp_path / KEY).read_bytes() == DATA


async def test_the_root_itself_is_never_made_again(tmp_path: Path) -> None:
    root = tmp_path / "archive"
    root.mkdir()
    storage = LocalStorage(root)
    root.rmdir()
    with pytest.raises(StorageRefused, match="gone"):
        await storage.put(KEY, body(DATA))
    with pytest.raises(StorageRefused, match="gone"):
        await keys(storage)
    assert not root.exists()


async def test_closing_leaves_no_empty_folder_of_parts(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    await storage.put(KEY, body(DATA))
    await storage.aclose()
    assert not (tmp_path / "_archive/tmp").exists()


async def test_deleting_removes_the_folders_that_it_empties(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    await storage.put(KEY, body(DATA))
    await storage.put("789/124/457.mp3", body(DATA))
    await storage.delete(KEY)
    assert sorted(path.name for path in (tmp_path / "789").iterdir()) == ["124"]


async def test_a_folder_that_cannot_be_listed_ends_a_listing_and_not_a_survey(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = LocalStorage(tmp_path)
    for key in ("1/1/1.mp3", "2/1/2.mp3", "3/1/3.mp3"):
        await storage.put(key, body(b"x"))
    scandir = os.scandir

    def failing(path: Any) -> Any:
        if not isinstance(path, int) and os.fsdecode(path).endswith("/2/1/"):
            raise OSError(errno.EACCES, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", failing)
    with pytest.raises(StorageRefused, match="Permission denied"):
        await keys(storage)
    gaps: dict[str, StorageError] = {}
    found = [info.key async for info in storage.survey(gaps.__setitem__)]
    assert found == ["1/1/1.mp3", "3/1/3.mp3"]
    assert list(gaps) == ["2/1/"]
