"""A run that dies after any of its steps leaves an archive that the next run completes."""

import multiprocessing
import shutil
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from tests.crash.child import DIED, NIGHTS_BEFORE, die, one_night, world_on
from tests.crash.dead import damage
from tests.support.witness import Witness
from tests.support.world import audio_of

pytestmark = pytest.mark.anyio

SAMPLED = 25


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.crash.child"])
    return context


def died(processes: ForkServerContext, folder: Path, last: int | None, note: Path) -> int | None:
    process = processes.Process(target=die, args=(folder, last, note))
    process.start()
    process.join(60)
    return process.exitcode


async def dies_at_every(
    tmp_path: Path, processes: ForkServerContext, stride: int, first: int
) -> None:
    """Die after each `stride`th step; each time from the same archive, and complete it."""
    base, note = tmp_path / "base", tmp_path / "note"
    for number in range(NIGHTS_BEFORE):
        await one_night(base, number)
    shutil.copytree(base, tmp_path / "whole")
    assert died(processes, tmp_path / "whole", None, note) == 0
    expected = audio_of(world_on(NIGHTS_BEFORE))
    Witness(tmp_path / "whole/archive").check()
    steps = int(note.read_text())
    for last in range(first, steps + 1, stride):
        folder = tmp_path / str(last)
        shutil.copytree(base, folder)
        ended = died(processes, folder, last, tmp_path / "other")
        # Threads take turns differently, so a run may need a few steps less.
        assert ended == DIED or (ended == 0 and last > 0.8 * steps), f"step {last}"
        witness = Witness(folder / "archive")
        witness.check_names(expected)
        assert await damage(folder) == [], f"step {last}"
        if last % 2:
            shutil.rmtree(folder / "state")
        night = await one_night(folder, NIGHTS_BEFORE + 1)
        night.archive.check()
        night.archive.check_recordings({k: v for k, v in expected.items() if k != 61})
        gone = [event["recordId"] for event in night.archive.events("gone")]
        assert set(gone) == {61}
        assert night.archive.sidecar(11)["revision"] == 2
        shutil.rmtree(folder)


async def test_a_run_may_die_at_a_sample_of_its_steps(
    tmp_path: Path, processes: ForkServerContext
) -> None:
    await dies_at_every(tmp_path, processes, SAMPLED, first=5)


@pytest.mark.nightly
async def test_a_run_may_die_after_any_of_its_steps(
    tmp_path: Path, processes: ForkServerContext
) -> None:
    await dies_at_every(tmp_path, processes, 1, first=1)
