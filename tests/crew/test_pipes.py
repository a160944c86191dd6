"""Child processes fetch and store: as one process does, whoever is killed, and end with the run."""

import os
import pickle
import signal
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import anyio
import pytest
from msgspec.structs import replace

from archiver.clock import system_clock
from archiver.crew import choosing
from archiver.crew.child import Start
from archiver.crew.frames import START, Frame
from archiver.run.events import BytesReceived, Event
from archiver.sandbox.audio import wav
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Fault, Happens, Stall, Status
from archiver.sandbox.world import World
from archiver.tasks.children import child_command
from archiver.tasks.retry import RetryScheduled
from tests.cli.commands import PATIENCE, awaited
from tests.crew.deadly import Deadly
from tests.support.command import RECENTLY, Command, command
from tests.support.processes import children, told_of, until
from tests.support.world import QUICK, audio_of, bench, reasons, told

PROCESSES = {"download": {"processes": 2, "workers": 4}}


@pytest.fixture(autouse=True)
def a_core_for_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only children fetch; `test_sharing` is about two cores. A command finds out itself."""
    monkeypatch.setattr(choosing, "available_cores", lambda: 3)


def centre(calls: int = 40) -> World:
    world = World().user(101)
    for number in range(1, calls + 1):
        world.call(number, at=RECENTLY + timedelta(seconds=number))
        world.recording(10 * number, audio=wav(3000 + number, number))
    return world


def crew_of(parent: int | None = None) -> set[int]:
    """Those of them that fetch and store: started as such, or forked from a command."""
    of_the_parent = told_of(parent, "cmdline") if parent is not None else None
    return {
        one
        for one in children(parent)
        if b"archiver.crew.child" in (told := told_of(one, "cmdline")) or told == of_the_parent
    }


@pytest.mark.anyio
async def test_a_run_over_child_processes_is_like_any_other_also_when_one_is_killed(
    tmp_path: Path,
) -> None:
    world = centre()
    killed: list[int] = []

    def kill_one() -> None:
        (one, *_) = crew_of()
        os.kill(one, signal.SIGKILL)
        killed.append(one)

    async with bench(tmp_path, world, settings=PROCESSES) as night:
        night.clock.now = RECENTLY + timedelta(days=1)
        night.sandbox.faults.add(
            Fault(Route.FILE, Happens(kill_one), after=15, times=1),
            Fault(Route.FILE, Status(404), id=90),
        )
        report = await night.run()
        assert killed
        assert reasons(report) == {90: "source-missing"}
        assert told(report, of="recordings") == {"archived": 39, "failed": 1}
        night.archive.check()
        assert received(night.events) >= sum(len(one) for one in audio_of(world).values()) / 2
        night.sandbox.faults.clear()
        night.sandbox.faults.add(Fault(Route.FILE, Status(500), id=90, times=1))
        assert (await night.run()).exit_code == 0
        retries = [one for one in night.events if isinstance(one, RetryScheduled)]
        assert [one.record_id for one in retries] == [90]
        night.check_archive()
        assert await night.findings() == []
    assert crew_of() == set()


@pytest.mark.nightly
@pytest.mark.anyio
async def test_a_child_that_hangs_is_replaced_and_its_recordings_are_fetched_again(
    tmp_path: Path,
) -> None:
    world = centre(20)
    hung: list[int] = []

    def stop_one() -> None:
        (one, *_) = crew_of()
        os.kill(one, signal.SIGSTOP)
        hung.append(one)

    pace = replace(QUICK, hung=2)
    async with bench(tmp_path, world, settings=PROCESSES, pace=pace) as night:
        night.clock.now = RECENTLY + timedelta(days=1)
        night.sandbox.faults.add(Fault(Route.FILE, Happens(stop_one), after=8, times=1))
        report = await night.run()
        assert hung
        assert told(report, of="recordings") == {"archived": 20}
        night.check_archive()
        assert await night.findings() == []
    assert not told_of(hung[0], "cmdline")


def received(events: list[Event]) -> int:
    return sum(one.count for one in events if isinstance(one, BytesReceived))


@pytest.mark.anyio
async def test_a_child_whose_run_dies_before_it_is_ready_exits_without_a_word(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, centre(1), settings=PROCESSES) as night:
        night.clock.now = RECENTLY + timedelta(days=1)
        await night.run()  # now there is an archive
        start = Start(night.config(), QUICK, system_clock, "20261130T010000Z-000-abcdef")
        child = subprocess.Popen(
            child_command("archiver.crew.child"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdout.close()
        child.stdin.write(Frame(START, body=pickle.dumps(start)).encode())
        (_, said) = child.communicate(timeout=PATIENCE)
        assert (child.returncode, said) == (0, b"")


@pytest.mark.anyio
async def test_a_run_with_nothing_to_fetch_starts_no_process(tmp_path: Path) -> None:
    async with bench(tmp_path, World().call(1, talk=0), settings=PROCESSES) as night:
        before = children()
        seen: set[int] = set()
        night.sandbox.faults.add(Fault(Route.RECORDINGS, Happens(lambda: seen.update(children()))))
        assert (await night.run()).exit_code == 0
        assert seen <= before


@pytest.mark.nightly
@pytest.mark.anyio
async def test_a_recording_that_kills_whoever_fetches_it_fails_alone(tmp_path: Path) -> None:
    world = centre(30)
    pace = replace(QUICK, fetch=Deadly(attempts=3))
    async with bench(tmp_path, world, settings=PROCESSES, pace=pace) as night:
        night.sandbox.faults.add(Fault(Route.FILE, Status(500), id=130))
        night.clock.now = RECENTLY + timedelta(days=1)
        report = await night.run()
        assert reasons(report) == {130: "worker-lost"}
        assert told(report, of="recordings") == {"archived": 29, "failed": 1}
        night.sandbox.faults.clear()
        assert (await night.run()).exit_code == 0
        night.check_archive()
        assert await night.findings() == []


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[Command]:
    with command(tmp_path, centre()) as found:
        found.settings["download"] = PROCESSES["download"]
        yield found


@pytest.mark.nightly
def test_no_child_outlives_a_run_that_is_killed_and_the_next_run_completes_it(
    commands: Command,
) -> None:
    commands.sandbox.faults.add(Fault(Route.FILE, Stall(1000), after=10))
    process = commands.start("run", "--json")
    commands.sandbox.wait_for(Route.FILE, least=14, patience=PATIENCE)
    crew = crew_of(process.pid)
    assert crew
    for one in crew:
        assert commands.sandbox.key.encode() not in told_of(one, "cmdline")
        files = {str(found.readlink()) for found in Path(f"/proc/{one}/fd").glob("*")}
        assert not any("lock" in name or ".sqlite" in name for name in files), files
    process.kill()
    process.communicate()
    until(lambda: not any(told_of(one, "cmdline") for one in crew))
    commands.sandbox.faults.clear()
    ended = commands.run()
    assert ended.code == 0, ended.err
    commands.archive.check()
    commands.archive.check_recordings(audio_of(centre()))


@pytest.mark.nightly
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_over_child_processes_in_order(
    commands: Command, number: signal.Signals
) -> None:
    """Also where it reaches every process, as from a terminal or a service manager."""
    commands.sandbox.faults.add(Fault(Route.FILE, Stall(1000), after=20))
    process = commands.start("run", "--json")
    commands.sandbox.wait_for(Route.FILE, least=24, patience=PATIENCE)
    crew = crew_of(process.pid)
    for one in (*crew, process.pid):
        os.kill(one, number)
    ended = awaited(process)
    assert ended.code == 130, ended.err
    assert ended.answer["interrupted"] is True
    # Twenty were served. Of a batch of eight that has not ended, each child may have stored seven.
    assert ended.answer["recordings"]["archived"] >= 6
    assert not any(told_of(one, "cmdline") for one in crew)
    commands.archive.check()
    commands.sandbox.faults.clear()
    assert commands.run().code == 0
    commands.archive.check()
    commands.archive.check_recordings(audio_of(centre()))


@pytest.mark.nightly
@pytest.mark.anyio
async def test_a_child_that_cannot_reach_the_archive_ends_the_run_with_its_words(
    tmp_path: Path,
) -> None:
    world = centre(3)
    async with bench(tmp_path, world, settings=PROCESSES) as night:
        night.clock.now = RECENTLY + timedelta(days=1)
        await night.run(until=RECENTLY)
        moved = night.folder / "moved"

        def move() -> None:
            if not moved.exists():
                night.archive.root.rename(moved)
                night.archive.root.mkdir()
                (night.archive.root / "other").touch()

        night.sandbox.faults.add(Fault(Route.RECORDINGS, Happens(move), times=1))
        with pytest.raises(Exception, match="no archive"), anyio.fail_after(PATIENCE):
            await night.run()
