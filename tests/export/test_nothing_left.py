"""Whatever goes wrong, nothing half-written bears the target's name, nor lies beside it."""

import errno
import tempfile
from pathlib import Path

import anyio
import pytest

from archiver.errors import StorageFull, UsageError
from archiver.export import sinks
from archiver.progress import BytesReceived
from tests.export.packages import LEAD, Package, exported, left_in, one_lead
from tests.world import bench

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("name", ["lead", "lead.zip"])
async def test_a_full_disk_is_an_error_that_leaves_nothing(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = 100_000

    class Full(sinks._SyncedFile if name == "lead" else sinks._Outlet):  # type: ignore[misc]
        def write(self, data: bytes) -> int:
            nonlocal room
            room -= len(data)
            if room < 0 and not getattr(self, "is_abandoned", False):
                raise OSError(28, "No space left on device")
            return int(super().write(data))

    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        await night.run()
        monkeypatch.setattr(sinks, "_SyncedFile" if name == "lead" else "_Outlet", Full)
        with pytest.raises(StorageFull, match="no space left for") as caught:
            await exported(night, tmp_path / name, leads=(LEAD,), offline=True)
        assert caught.value.exit_code == 5
        assert left_in(tmp_path) == []


class FullSpool(tempfile.SpooledTemporaryFile[bytes]):
    """A text that grows on a disk that is full: even closing it fails."""

    def write(self, data: bytes) -> int:  # type: ignore[override]
        raise OSError(errno.ENOSPC, "No space left on device")

    def close(self) -> None:
        super().close()
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("name", ["lead", "lead.zip"])
async def test_a_disk_that_is_full_for_the_pages_is_the_same_error(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        await night.run()
        monkeypatch.setattr(tempfile, "SpooledTemporaryFile", FullSpool)
        with pytest.raises(StorageFull, match="no space left for"):
            await exported(night, tmp_path / name, leads=(LEAD,), offline=True)
        assert left_in(tmp_path) == []


@pytest.mark.parametrize("name", ["lead", "lead.zip"])
async def test_an_interrupted_export_leaves_nothing(tmp_path: Path, name: str) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        await night.run()
        with anyio.CancelScope() as scope:

            def interrupt(event: object) -> None:
                if isinstance(event, BytesReceived):
                    scope.cancel()

            target = tmp_path / name
            await exported(night, target, leads=(LEAD,), offline=True, on_event=interrupt)
        assert scope.cancelled_caught
        assert left_in(tmp_path) == []
        assert list(night.archive.events("exported")) == []


async def test_a_target_that_is_there_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    (tmp_path / "lead.zip").write_bytes(b"mine")
    async with bench(tmp_path, one_lead()) as night:
        await night.run()
        with pytest.raises(UsageError, match="is there already"):
            await exported(night, tmp_path / "lead.zip", leads=(LEAD,), offline=True)
        assert (tmp_path / "lead.zip").read_bytes() == b"mine"
        await exported(night, tmp_path / "lead.zip", leads=(LEAD,), offline=True, force=True)
        Package.unzipped(tmp_path / "lead.zip", tmp_path / "other").check()


async def test_a_target_inside_the_archive_is_refused(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        await night.run()
        with pytest.raises(UsageError, match="lies inside the archive"):
            await exported(night, night.archive.root / "lead", leads=(LEAD,), offline=True)
        night.archive.check()
