"""A damaged recording is named, and never handed over."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from archiver.errors import ArchiveDamaged, StorageForbidden
from tests.export.packages import LEAD, Package, exported, flip, left_in, one_lead
from tests.support.rights import forbids
from tests.support.world import bench

pytestmark = pytest.mark.anyio


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


DAMAGES: dict[str, Callable[[Path], object]] = {
    "audio": lambda root: flip(root / f"{LEAD}/126/900106.mp3"),
    "sidecar": lambda root: flip(root / f"{LEAD}/126/900106.json"),
    "missing": lambda root: (root / f"{LEAD}/126/900106.mp3").unlink(),
    "no sidecar": lambda root: (root / f"{LEAD}/126/900106.json").unlink(),
    "short": lambda root: os.truncate(root / f"{LEAD}/126/900106.mp3", 100),
    "long": lambda root: lengthen(root / f"{LEAD}/126/900106.mp3"),
}


@pytest.mark.parametrize("kind", DAMAGES)
async def test_a_damaged_recording_is_named_and_nothing_is_exported(
    tmp_path: Path, kind: str
) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        await night.run()
        DAMAGES[kind](night.archive.root)
        for name in ("lead", "lead.zip"):
            with pytest.raises(ArchiveDamaged, match="126/900106") as caught:
                await exported(night, tmp_path / name, leads=(LEAD,), offline=True)
            assert caught.value.exit_code == 4
            assert "verify --repair" in caught.value.hint
        assert left_in(tmp_path) == []
        assert list(night.archive.events("exported")) == []


async def test_every_damaged_recording_is_named(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        await night.run()
        flip(night.archive.root / f"{LEAD}/123/900101.mp3")
        flip(night.archive.root / f"{LEAD}/129/900113.mp3")
        with pytest.raises(ArchiveDamaged, match=r"900101\.mp3.*900113\.mp3"):
            await exported(night, tmp_path / "lead", leads=(LEAD,), offline=True)


@pytest.mark.parametrize("kind", ["audio", "sidecar", "missing"])
async def test_damaged_recordings_are_left_out_when_told_so_and_named(
    tmp_path: Path, kind: str
) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        await night.run()
        DAMAGES[kind](night.archive.root)
        report = await exported(
            night, tmp_path / "lead", leads=(LEAD,), offline=True, leave_out_damaged=True
        )
        assert (report.exit_code, report.contents.recordings) == (4, 6)
        package = Package(tmp_path / "lead")
        package.validate()
        assert 900106 not in package.audio()
        assert package.custody["missing"][0]["recordId"] == 900106
        (told,) = night.archive.events("exported")
        assert 900106 not in told["recordIds"]


@pytest.mark.parametrize("suffix", ["mp3", "json"])
async def test_what_may_not_be_read_is_refused_and_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        await night.run()
        forbids(monkeypatch, night.archive.root / f"{LEAD}/126/900106.{suffix}")
        for leave_out in (False, True):
            with pytest.raises(StorageForbidden, match=f"900106.{suffix}") as caught:
                await exported(
                    night,
                    tmp_path / "lead",
                    leads=(LEAD,),
                    offline=True,
                    leave_out_damaged=leave_out,
                )
            assert caught.value.exit_code == 5
        assert left_in(tmp_path) == []


async def test_a_sidecar_that_a_run_is_just_revising_is_read_from_its_revision(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        await night.run()
        sidecar = night.archive.root / f"{LEAD}/126/900106.json"
        kept = night.archive.root / f"_archive/revisions/{LEAD}/126/900106.1.json"
        kept.parent.mkdir(parents=True)
        kept.write_bytes(sidecar.read_bytes())
        sidecar.write_bytes(sidecar.read_bytes().replace(b'"revision": 1', b'"revision": 2'))
        report = await exported(night, tmp_path / "lead", leads=(LEAD,), offline=True)
        assert report.contents.recordings == 7
        Package(tmp_path / "lead").check()
