"""Killed at any moment, many times, and completed: nothing lost, nothing twice, nothing bad."""

import random
import signal
import time
from datetime import timedelta
from pathlib import Path

import anyio
import pytest

from archiver.sandbox.audio import wav
from archiver.sandbox.exchange import Route
from archiver.sandbox.world import World
from tests.cli.commands import PATIENCE
from tests.crash.dead import damage
from tests.support.command import RECENTLY, Command, command
from tests.support.world import audio_of

A_NIGHT = 20
SEED = 20_261_102


def calls_come_in(world: World, first: int) -> None:
    """A night's calls: with two recordings, with none, and one that has another's as well."""
    for number in range(first, first + A_NIGHT):
        at = RECENTLY + timedelta(seconds=number)
        world.call(number, order=number % 4 + 1, at=at, talk=0 if number % 9 == 0 else 20)
        if number % 9:
            size = 1_200_000 if number % 50 == 1 else 3000 + number
            world.recording(audio=wav(size, number), summary=None if number % 7 else "Said.")
        if number % 10 == 1:
            world.recording(audio=wav(5000 + number, number))
        if number % 31 == 2:
            world.recording(900_001)


def killed(commands: Command, pause: float, after: int = 1) -> bool:
    """Start a run and kill it so long after so many of its requests; False: it had ended."""
    enough = commands.sandbox.count() + after
    process = commands.start("run", "--json")
    commands.sandbox.wait_for(least=enough, patience=PATIENCE)
    time.sleep(pause)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return process.returncode == -signal.SIGKILL


def survive(folder: Path, kills: int, longest: float) -> None:
    """A night's calls come in before each kill, so that each run has its work to do.

    Every other kill comes at once after a request that only a run in its midst can make.
    """
    world, chance = World().user(101), random.Random(SEED + kills)
    with command(folder, world) as commands:
        hits = 0
        for number in range(kills):
            calls_come_in(world, number * A_NIGHT + 1)
            pause = chance.random() * longest if number % 2 else 0.0
            hits += killed(commands, pause, after=chance.randint(1, A_NIGHT))
            if (folder / "archive").exists():
                commands.archive.check_names(audio_of(world))
                assert anyio.run(damage, folder, folder / "state/archiver") == []
            if chance.random() < 0.15:
                for path in (folder / "state").rglob("*.sqlite*"):
                    path.unlink()
        assert hits >= kills // 2
        expected = audio_of(world)
        ended = commands.run()
        assert ended.code == 0, ended.err
        assert ended.answer["complete"]
        commands.archive.check()
        commands.archive.check_recordings(expected)
        assert ended.answer["calls"]["listed"] == kills * A_NIGHT
        assert ended.answer["recordings"]["listed"] == len(expected)
        assert ended.answer["ledgerHead"] == commands.archive.head()
        commands.sandbox.forget()
        again = commands.run()
        assert again.code == 0
        assert again.answer["recordings"]["already"] == len(expected)
        assert commands.sandbox.count(Route.FILE) == 0


@pytest.mark.usefixtures("crew")
def test_a_run_may_be_killed_again_and_again(tmp_path: Path) -> None:
    survive(tmp_path, kills=2, longest=0.1)


@pytest.mark.nightly
def test_a_run_may_be_killed_a_hundred_times(tmp_path: Path) -> None:
    for number in range(10):
        folder = tmp_path / str(number)
        folder.mkdir()
        survive(folder, kills=10, longest=(0.02, 0.1, 0.4)[number % 3])
