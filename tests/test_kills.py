"""Killed at any moment, many times, and completed: nothing lost, nothing twice, nothing bad."""

import random
import signal
import time
from datetime import timedelta
from pathlib import Path

import pytest

from archiver.sandbox.audio import wav
from archiver.sandbox.exchange import Route
from archiver.sandbox.world import World
from tests.command import RECENTLY, Command, command, wait_until
from tests.world import audio_of

CALLS = 200
SEED = 20_261_102


def centre() -> World:
    """Some calls with two recordings, some without, some recordings under two calls."""
    world = World().user(101)
    for number in range(1, CALLS + 1):
        at = RECENTLY + timedelta(seconds=number)
        world.call(number, order=number % 4 + 1, at=at, talk=0 if number % 9 == 0 else 20)
        if number % 9:
            size = 1_200_000 if number % 50 == 1 else 3000 + number
            world.recording(audio=wav(size, number), summary=None if number % 7 else "Said.")
        if number % 10 == 1:
            world.recording(audio=wav(5000 + number, number))
        if number % 31 == 2:
            world.recording(900_001)
    return world


def killed(commands: Command, chance: random.Random, longest: float) -> bool:
    """Start a run and kill it at a random moment after its first request; False: too late."""
    before = commands.sandbox.count()
    process = commands.start("run", "--json")
    wait_until(lambda: commands.sandbox.count() > before, process)
    time.sleep(chance.random() * longest)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return process.returncode == -signal.SIGKILL


def survive(folder: Path, kills: int, longest: float) -> None:
    world, chance = centre(), random.Random(SEED + kills)
    expected = audio_of(world)
    with command(folder, world) as commands:
        hits = 0
        for _ in range(kills):
            hits += killed(commands, chance, longest)
            if (folder / "archive").exists():
                commands.archive.check_names(expected)
            if chance.random() < 0.15:
                for path in (folder / "state").rglob("*.sqlite*"):
                    path.unlink()
        assert hits > kills // 2
        ended = commands.run()
        assert ended.code == 0, ended.err
        assert ended.told["complete"]
        commands.archive.check()
        commands.archive.check_recordings(expected)
        assert ended.told["calls"]["listed"] == CALLS
        assert ended.told["recordings"]["listed"] == len(expected)
        assert ended.told["ledgerHead"] == commands.archive.head()
        commands.sandbox.forget()
        again = commands.run()
        assert again.code == 0
        assert again.told["recordings"]["already"] == len(expected)
        assert commands.sandbox.count(Route.FILE) == 0


def test_a_run_may_be_killed_again_and_again(tmp_path: Path) -> None:
    survive(tmp_path, kills=6, longest=0.3)


@pytest.mark.nightly
def test_a_run_may_be_killed_a_hundred_times(tmp_path: Path) -> None:
    for number in range(10):
        folder = tmp_path / str(number)
        folder.mkdir()
        survive(folder, kills=10, longest=(0.05, 0.3, 1.0)[number % 3])
