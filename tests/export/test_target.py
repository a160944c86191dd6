"""A package gets its name when it is whole, and never replaces what it should not."""

import os
from pathlib import Path

import pytest

from archiver.errors import StorageRefused, UsageError
from archiver.export.target import Target, check_target


def export_in(folder: Path) -> Path:
    folder.mkdir()
    for name in ("bagit.txt", "custody.json"):
        (folder / name).write_text("old")
    return folder


def test_a_file_appears_under_its_name_at_the_commit_alone(tmp_path: Path) -> None:
    with Target(tmp_path / "a.zip") as target:
        target.part.write_bytes(b"whole")
        assert not target.path.exists()
        target.commit()
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.zip", b"whole")]


@pytest.mark.parametrize("name", ["a.zip", "a"])
def test_what_is_not_committed_leaves_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(RuntimeError, match="stop"), Target(tmp_path / name) as target:
        if target.is_file:
            target.part.write_bytes(b"half")
        else:
            (target.part / "data").mkdir(parents=True)
        raise RuntimeError("stop")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_renamed_into_place(tmp_path: Path) -> None:
    with Target(tmp_path / "a") as target:
        target.part.mkdir()
        target.commit()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_name_that_somebody_takes_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="already exists"), Target(tmp_path / "a.zip") as target:
        target.part.write_bytes(b"ours")
        target.path.write_bytes(b"theirs")
        target.commit()
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"theirs"]


@pytest.mark.parametrize("name", ["a.zip", "a"])
def test_an_existing_target_needs_force(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.zip").write_bytes(b"old")
    export_in(tmp_path / "a")
    with pytest.raises(UsageError, match="already exists"):
        check_target(tmp_path / name, force=False)
    check_target(tmp_path / name, force=True)


def test_force_replaces_an_export_whole(tmp_path: Path) -> None:
    with Target(export_in(tmp_path / "a"), force=True) as target:
        target.part.mkdir()
        (target.part / "new").touch()
        target.commit()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["new"]


def test_force_replaces_no_folder_that_is_not_an_export(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.doc").touch()
    with pytest.raises(UsageError, match="is not an export"):
        check_target(tmp_path / "home", force=True)


def test_force_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "real.zip").write_bytes(b"old")
    (tmp_path / "a.zip").symlink_to(tmp_path / "real.zip")
    with pytest.raises(UsageError, match="is not a file"):
        check_target(tmp_path / "a.zip", force=True)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"the folder .* does not exist"):
        check_target(tmp_path / "none" / "a.zip", force=False)


def test_a_name_that_is_too_long_is_refused_as_such(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="too long"):
        check_target(tmp_path / ("a" * 300), force=False)


@pytest.mark.parametrize("letter", ["a", "\u0436", "\u4f60", "\U0001d11e"])
def test_the_longest_name_of_any_script_can_be_used(tmp_path: Path, letter: str) -> None:
    name = letter * (251 // len(letter.encode())) + ".zip"
    with Target(tmp_path / name) as target:
        target.part.write_bytes(b"whole")
        target.commit()
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a.zip", "a"])
def test_a_folder_where_nothing_may_be_written_is_refused_at_once(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    with pytest.raises(StorageRefused, match="is not writable") as caught:
        check_target(tmp_path / name, force=False)
    assert caught.value.exit_code == 5


def test_a_part_that_cannot_be_removed_does_not_hide_what_ended_the_export(tmp_path: Path) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    with pytest.raises(RuntimeError, match="stop"), Target(folder / "a.zip"):
        folder.rmdir()
        folder.write_bytes(b"no folder any more")
        raise RuntimeError("stop")


def test_the_name_of_a_zip_may_be_written_in_any_case(tmp_path: Path) -> None:
    assert [Target(tmp_path / name).is_file for name in ("a.ZIP", ".zip", "a.zip.d", "zip")] == [
        True,
        True,
        False,
        False,
    ]
