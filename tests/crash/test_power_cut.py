"""The power goes at any step of a run: what was not synced may be lost, and nothing else is."""

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.crash.child import NIGHTS_BEFORE, faults_on, one_night, world_on
from tests.crash.dead import damage
from tests.crash.medium import OneByOne, Unsynced
from tests.support.witness import Witness
from tests.support.world import QUICK, audio_of, bench

pytestmark = pytest.mark.anyio

SEED = 20_261_130


async def cuts(tmp_path: Path, stride: int) -> list[Path]:
    """Run the last night, and keep what would be found after a cut at every `stride`th step."""
    base = tmp_path / "base"
    for number in range(NIGHTS_BEFORE):
        await one_night(base, number)
    chance, found = random.Random(SEED), list[Path]()
    archive, state = base / "archive", base / "state"
    disk = Unsynced(str(archive))

    def cut(number: int) -> None:
        if number % stride:
            return
        folder = tmp_path / f"cut-{number}"
        folder.mkdir()
        disk.survivors(folder / "archive", chance)
        if chance.random() < 0.5:  # the catalog's disk is another, and may be lost as well
            copy_catalog(state, folder / "state")
        found.append(folder)

    disk.cut = cut
    pace = replace(QUICK, syncing=OneByOne)
    night = NIGHTS_BEFORE
    async with bench(base, world_on(night), faults_on(night), pace=pace) as bed:
        bed.clock.advance(days=night)
        with pytest.MonkeyPatch.context() as patch, disk.watch(patch):
            await bed.run()
    return found


def copy_catalog(state: Path, target: Path) -> None:
    """The catalog as its last transaction left it: SQLite syncs for itself."""
    target.mkdir(parents=True)
    for path in state.glob("*.sqlite"):
        with (
            closing(sqlite3.connect(path)) as source,
            closing(sqlite3.connect(target / path.name)) as copy,
        ):
            source.backup(copy)


async def survive(folder: Path) -> None:
    """Nothing that the ledger names is lost, and the next run completes it all."""
    expected = audio_of(world_on(NIGHTS_BEFORE))
    assert await damage(folder) == [], folder.name
    night = await one_night(folder, NIGHTS_BEFORE + 1)
    night.archive.check()
    night.archive.check_recordings({k: v for k, v in expected.items() if k != 61})
    assert await damage(folder) == [], folder.name
    Witness(folder / "archive").check_names(expected)
    shutil.rmtree(folder)


async def test_a_power_cut_loses_nothing_that_was_recorded(tmp_path: Path) -> None:
    found = await cuts(tmp_path, stride=23)
    assert len(found) > 3
    for folder in found:
        await survive(folder)


@pytest.mark.nightly
async def test_a_power_cut_at_any_step_loses_nothing_that_was_recorded(tmp_path: Path) -> None:
    found = await cuts(tmp_path, stride=1)
    assert len(found) > 80
    for folder in found:
        await survive(folder)
