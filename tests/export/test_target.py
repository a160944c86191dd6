"""A package gets its name when it is whole, and never replaces what it should not."""

from pathlib import Path

import pytest

from archiver.errors import UsageError
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
        if target.is_zip:
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
    with pytest.raises(UsageError, match="is there already"), Target(tmp_path / "a.zip") as target:
        target.part.write_bytes(b"ours")
        target.path.write_bytes(b"theirs")
        target.commit()
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"theirs"]


@pytest.mark.parametrize("name", ["a.zip", "a"])
def test_an_existing_target_needs_force(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.zip").write_bytes(b"old")
    export_in(tmp_path / "a")
    with pytest.raises(UsageError, match="is there already"):
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
    with pytest.raises(UsageError, match="is no file"):
        check_target(tmp_path / "a.zip", force=True)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        check_target(tmp_path / "none" / "a.zip", force=False)
