"""Whatever goes wrong, nothing half-written bears the target's name, nor lies beside it."""

import errno
import json
import signal
import sys
import tempfile
from pathlib import Path

import anyio
import pytest

from archiver.errors import StorageFull, UsageError
from archiver.export import sinks
from archiver.run.events import BytesReceived
from tests.cli.commands import environment
from tests.export.packages import LEAD, Package, exported, left_in, one_lead
from tests.support.command import RECENTLY
from tests.support.world import bench

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


KILLED = """
import os, signal, sys
from archiver.cli import main
from archiver.export.bag import Bag
from archiver.export.target import Target
{step} = lambda *arguments: os.kill(os.getpid(), signal.SIGKILL)
main(sys.argv[1:])
"""


@pytest.mark.parametrize("step", ["Bag.seal", "Target.commit"])
@pytest.mark.parametrize("name", ["lead", "lead.zip"])
async def test_a_kill_at_any_step_leaves_nothing_under_the_name_nor_in_the_way(
    tmp_path: Path, name: str, step: str
) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.now = RECENTLY  # the export has the clock of the machine
        await night.run()
        config = tmp_path / "state" / "archive.yaml"
        config.write_text(json.dumps({"storage": {"url": str(night.archive.root)}}))
        code, target = KILLED.format(step=step), tmp_path / name
        command = [sys.executable, "-c", code, "export", "-c", str(config), "--lead", str(LEAD)]
        killed = await anyio.run_process(
            [*command, "--offline", "--to", str(target)],
            env=environment(tmp_path / "home"),
            check=False,
        )
        assert killed.returncode == -signal.SIGKILL
        assert not target.exists()
        (part,) = [one for one in left_in(tmp_path) if one != "home"]
        assert (part.startswith(f".{name}."), part.endswith(".part")) == (True, True)
        report = await exported(night, target, leads=(LEAD,), offline=True)
        assert report.exit_code == 0


async def test_a_target_that_is_there_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    (tmp_path / "lead.zip").write_bytes(b"mine")
    async with bench(tmp_path, one_lead()) as night:
        await night.run()
        with pytest.raises(UsageError, match="already exists"):
            await exported(night, tmp_path / "lead.zip", leads=(LEAD,), offline=True)
        assert (tmp_path / "lead.zip").read_bytes() == b"mine"
        await exported(night, tmp_path / "lead.zip", leads=(LEAD,), offline=True, force=True)
        Package.unzipped(tmp_path / "lead.zip", tmp_path / "other").check()


async def test_a_target_inside_the_archive_is_refused(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        await night.run()
        with pytest.raises(UsageError, match="is inside the archive"):
            await exported(night, night.archive.root / "lead", leads=(LEAD,), offline=True)
        night.archive.check()
