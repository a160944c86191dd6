"""A folder read without an event loop: stretch by stretch, it is the whole folder."""

import os
import pickle
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.errors import KeyMissing, StorageError, StorageRefused
from archiver.storage.base import Reading
from archiver.storage.local.reader import FolderReader
from archiver.storage.local.walk import entries
from tests.support.witness import digest

NAME = st.text("a0.-", min_size=1, max_size=3).filter(lambda name: name.strip("."))
TREE = st.lists(st.lists(NAME, min_size=1, max_size=4).map("/".join), max_size=12)


def plant(root: Path, keys: Iterable[str]) -> None:
    """A file under each key that no other key makes a folder of."""
    for key in keys:
        path = root / key
        if not path.exists() and not any(one.is_file() for one in path.parents):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")


def never(key: str, error: StorageError) -> None:
    pytest.fail(f"{key}: {error}")


@settings(max_examples=30)
@given(planted=TREE, cuts=st.lists(st.lists(NAME, min_size=1, max_size=4).map("/".join)))
def test_stretches_together_are_the_whole_folder_in_the_order_of_keys(
    tmp_path_factory: pytest.TempPathFactory, planted: list[str], cuts: list[str]
) -> None:
    root = tmp_path_factory.mktemp("tree")
    plant(root, planted)
    reader = FolderReader(str(root))
    whole = [key for key, _ in entries(str(root), "")]
    ends = [*sorted(cuts), None]
    found: list[list[bytes]] = []
    for after, upto in zip(["", *ends], ends, strict=False):
        found.append(reader.keys(after or "", upto, never))
        assert all(os.fsencode(after or "") < key for key in found[-1])
        assert upto is None or all(key <= upto.encode() for key in found[-1])
    assert [os.fsdecode(key) for some in found for key in some] == whole


def test_another_process_can_be_given_a_reader(tmp_path: Path) -> None:
    plant(tmp_path, ["1/2/3", "1/4"])
    reader = FolderReader(str(tmp_path))
    assert reader.keys("", "1/2", never) == []
    assert pickle.loads(pickle.dumps(reader)).keys("1/2", None, never) == [b"1/2/3", b"1/4"]


def test_what_is_no_file_is_missing_and_a_link_is_an_error(tmp_path: Path) -> None:
    plant(tmp_path, ["folder/file"])
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("folder/file")
    reader = FolderReader(str(tmp_path))
    assert reader.read("folder/file", keep=1) == Reading("folder/file", 0, digest(b""), b"")
    for key in ("folder", "pipe", "none", "folder/file/below"):
        assert isinstance(reader.read(key), KeyMissing), key
    assert isinstance(reader.read("link"), StorageRefused)
    assert isinstance(reader.size("folder"), KeyMissing)
    assert isinstance(reader.size("folder/file/below"), KeyMissing)
    assert reader.size("folder/file") == 0


def test_a_folder_that_is_gone_is_no_empty_archive(tmp_path: Path) -> None:
    with pytest.raises(StorageRefused, match="is gone"):
        FolderReader(str(tmp_path / "none")).keys("", None, never)
