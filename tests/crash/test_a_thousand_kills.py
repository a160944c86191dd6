"""Killed after any change of the disk, `verify` calls nothing damaged, before anything else is run.

What a kill leaves is what lies there at that moment, and the catalog as its last transaction left
it. So one run is enough for all of its kills: after every step the archive is copied as it stands,
with nobody who holds its lock, and verified. `test_kills` and `test_steps` kill real processes.
"""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from archiver.sandbox.world import World
from tests.crash.child import NIGHTS_BEFORE, faults_on, world_on
from tests.crash.dead import damage
from tests.crash.medium import Unsynced
from tests.crash.test_power_cut import copy_catalog
from tests.support.world import Night, bench

pytestmark = pytest.mark.anyio

LONG_AGO = 30
"""Days after which no plain run looks at a call any more."""


async def kills(night: Night, folder: Path, **wanted: Any) -> int:
    """One run, and a verification of what a kill would leave after each of its steps."""
    archive, left = night.folder / "archive", list[Path]()

    def killed(number: int) -> None:
        target = folder / str(number)
        shutil.copytree(archive, target / "archive")
        copy_catalog(night.state, target / "state")
        left.append(target)

    archive.mkdir(parents=True, exist_ok=True)
    disk = Unsynced(str(archive), killed)
    with pytest.MonkeyPatch.context() as patch, disk.watch(patch):
        await night.run(**wanted)
    for target in left:
        found = await damage(target)
        assert found == [], f"{target}: {found}"
        shutil.rmtree(target)
    return len(left)


async def one_round(tmp_path: Path) -> int:
    """Kills in a first night, in one with all kinds of news, and in one that only revises."""
    count = 0
    async with bench(tmp_path / "news", world_on(0), faults_on(0)) as night:
        count += await kills(night, tmp_path / "first")
    for number in range(1, NIGHTS_BEFORE + 1):
        async with bench(tmp_path / "news", world_on(number), faults_on(number)) as night:
            night.clock.advance(days=number)
            count += await kills(night, tmp_path / str(number))
    return count + await revising(tmp_path)


async def revising(tmp_path: Path, calls: int = 6) -> int:
    """Kills in a run that rewrites the sidecars of calls which no plain run looks at any more."""
    world = World()
    for number in range(1, calls + 1):
        world.call(number).recording(number * 10, summary=None)
    async with bench(tmp_path / "old", world) as night:
        await night.run()
        night.clock.advance(days=LONG_AGO)
        await night.run()
        for number in range(1, calls + 1):
            world.change_recording(number * 10, summary=f"Said {number}.")
        since = night.clock.now - timedelta(days=LONG_AGO + 9)
        count = await kills(night, tmp_path / "revised", recheck=True, since=since)
        assert (await night.run()).exit_code == 0
        night.check_archive()
    return count


async def test_verify_calls_nothing_damaged_after_any_kill_of_a_revising_run(
    tmp_path: Path,
) -> None:
    assert await revising(tmp_path, calls=2) > 15


@pytest.mark.nightly
async def test_verify_calls_nothing_damaged_after_a_thousand_kills(tmp_path: Path) -> None:
    count = 0
    while count < 1000:
        folder = tmp_path / str(count)
        folder.mkdir()
        count += await one_round(folder)
