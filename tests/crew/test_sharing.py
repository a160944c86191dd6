"""Where the run has no core of its own, its process fetches beside a child process."""

import os
import signal
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median

import anyio
import pytest
from msgspec.structs import replace

from archiver.crew import choosing, pipes
from archiver.crew.in_process import InProcess
from archiver.crew.processes import Child, next_child
from archiver.crew.unit import Brought, Unit
from archiver.errors import ArchiverError
from archiver.liner.models import Recording
from archiver.recordings.fetch import Fetched, Fetcher
from archiver.recordings.spool import Part
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Delay, Fault, Happens, Stall
from tests.cli.commands import PATIENCE
from tests.crew.test_pipes import PROCESSES, centre, crew_of
from tests.support.command import RECENTLY
from tests.support.processes import children
from tests.support.world import QUICK, bench, told

pytestmark = pytest.mark.anyio

CALLS = 40
LISTED_AHEAD = 16


@pytest.fixture(autouse=True)
def fetched_here(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The recordings that the run's own process fetches, on two cores."""
    found: list[int] = []
    bring = InProcess.bring

    async def noted(crew: InProcess, unit: Unit, on_fetched: Callable[[], None]) -> Brought:
        found.append(unit.recording.id)
        return await bring(crew, unit, on_fetched)

    monkeypatch.setattr(InProcess, "bring", noted)
    monkeypatch.setattr(choosing, "available_cores", lambda: 2)
    yield found


@pytest.fixture
def a_child_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run's own process fetches nothing before a child is ready."""
    is_ready = anyio.Event()
    fetch, started = Fetcher.fetch, pipes._Link.started

    async def after_the_start(fetcher: Fetcher, recording: Recording, part: Part) -> Fetched:
        await is_ready.wait()
        return await fetch(fetcher, recording, part)

    async def told_of_it(link: pipes._Link) -> None:
        await started(link)
        is_ready.set()

    monkeypatch.setattr(Fetcher, "fetch", after_the_start)
    monkeypatch.setattr(pipes._Link, "started", told_of_it)


@pytest.mark.usefixtures("a_child_in_time")
async def test_the_recordings_are_shared_by_the_process_of_the_run_and_a_child(
    tmp_path: Path, fetched_here: list[int]
) -> None:
    seen: set[int] = set()
    async with bench(tmp_path, centre(CALLS), settings=PROCESSES) as night:
        night.clock.now = RECENTLY + timedelta(days=1)
        night.sandbox.faults.add(Fault(Route.FILE, Happens(lambda: seen.update(crew_of()))))
        report = await night.run()
        assert told(report, of="recordings") == {"archived": CALLS}
        night.check_archive()
    assert len(seen) == 1
    assert 0 < len(fetched_here) < CALLS
    assert len(set(fetched_here)) == len(fetched_here)


async def test_a_run_with_little_to_do_starts_no_child(
    tmp_path: Path, fetched_here: list[int]
) -> None:
    before, seen = children(), set[int]()
    async with bench(tmp_path, centre(2), settings=PROCESSES) as night:
        night.clock.now = RECENTLY + timedelta(days=1)
        night.sandbox.faults.add(Fault(Route.FILE, Happens(lambda: seen.update(children()))))
        report = await night.run()
        assert told(report, of="recordings") == {"archived": 2}
    assert seen <= before
    assert sorted(fetched_here) == [10, 20]


@pytest.mark.usefixtures("a_child_in_time")
async def test_the_recordings_of_a_child_that_is_killed_are_fetched_again(
    tmp_path: Path, fetched_here: list[int]
) -> None:
    requests, killed = [0], set[int]()

    def kill_the_first() -> None:
        requests[0] += 1
        if not killed and requests[0] > len(fetched_here):  # a child has begun
            killed.update(crew_of())
            for one in killed:
                os.kill(one, signal.SIGKILL)

    async with bench(tmp_path, centre(CALLS), settings=PROCESSES) as night:
        night.clock.now = RECENTLY + timedelta(days=1)
        night.sandbox.faults.add(Fault(Route.FILE, Happens(kill_the_first)))
        report = await night.run()
        assert killed
        assert told(report, of="recordings") == {"archived": CALLS}
        night.check_archive()
        assert await night.findings() == []
    assert crew_of() == set()
    assert fetched_here


async def test_no_recording_waits_for_a_child_that_is_not_ready(
    tmp_path: Path, fetched_here: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Child] = []

    async def never_ready() -> Child:
        begun.append(await next_child())
        os.kill(begun[-1].pid, signal.SIGSTOP)
        return begun[-1]

    monkeypatch.setattr(pipes, "next_child", never_ready)
    async with bench(tmp_path, centre(CALLS), settings=PROCESSES) as night:
        night.clock.now = RECENTLY + timedelta(days=1)
        report = await night.run()
        assert told(report, of="recordings") == {"archived": CALLS}
        night.check_archive()
    assert len(fetched_here) == CALLS
    assert [one.returncode for one in begun] == [-signal.SIGKILL]


@pytest.mark.usefixtures("a_child_in_time")
async def test_the_run_goes_on_if_a_child_is_killed_before_it_is_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []

    async def doomed() -> Child:
        process = await next_child()
        begun.append(process.pid)
        if len(begun) == 1:
            process.kill()
        return process

    monkeypatch.setattr(pipes, "next_child", doomed)
    async with bench(tmp_path, centre(CALLS), settings=PROCESSES) as night:
        night.clock.now = RECENTLY + timedelta(days=1)
        report = await night.run()
        assert told(report, of="recordings") == {"archived": CALLS}
        night.check_archive()
    assert len(begun) == 2


@pytest.mark.usefixtures("a_child_in_time")
async def test_a_run_whose_children_are_always_killed_ends_with_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def doomed() -> Child:
        process = await next_child()
        process.kill()
        return process

    async with bench(tmp_path, centre(CALLS), settings=PROCESSES) as night:
        night.clock.now = RECENTLY + timedelta(days=1)
        with monkeypatch.context() as patch:
            patch.setattr(pipes, "next_child", doomed)
            with pytest.raises(ArchiverError, match=r"cannot be started: .* signal 9"):
                await night.run()
        report = await night.run()
        assert report.exit_code == 0
        night.check_archive()


async def test_a_child_that_has_become_ready_gets_what_waits_at_once(tmp_path: Path) -> None:
    workers, fetching = PROCESSES["download"]["workers"], 0
    all_busy, stop = anyio.Event(), anyio.Event()

    def count() -> None:
        nonlocal fetching
        fetching += 1
        if fetching == workers:
            all_busy.set()

    never = replace(QUICK, stall=10 * PATIENCE)
    async with bench(tmp_path, centre(CALLS), settings=PROCESSES, pace=never) as night:
        night.clock.now = RECENTLY + timedelta(days=1)
        # None ends: only the child that is ready now can make room.
        night.sandbox.faults.add(Fault(Route.FILE, Happens(count)), Fault(Route.FILE, Stall(1000)))
        async with anyio.create_task_group() as group:
            group.start_soon(partial(night.run, stop=stop))
            with anyio.fail_after(PATIENCE):
                await all_busy.wait()
            stop.set()
        assert fetching == workers


@pytest.mark.usefixtures("a_child_in_time")
@pytest.mark.parametrize("is_quick", [False, True], ids=["slow", "quick"])
async def test_a_child_has_many_recordings_ahead_only_while_it_answers_quickly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_quick: bool
) -> None:
    """The addresses of those that wait may be valid for minutes only."""
    monkeypatch.setattr(pipes, "_SECONDS_AHEAD", 10 * PATIENCE if is_quick else 0)
    each, calls, ahead = 8, 200, list[int]()
    settings = {"download": {"processes": 2, "workers": 2 * each}}
    async with bench(tmp_path, centre(calls), settings=settings) as night:
        night.clock.now = RECENTLY + timedelta(days=1)
        sandbox = night.sandbox

        def listing() -> None:
            ahead.append(sandbox.count(Route.RECORDINGS) - sandbox.count(Route.FILE))

        sandbox.faults.add(Fault(Route.RECORDINGS, Happens(listing)), Fault(Route.FILE, Delay(0.1)))
        report = await night.run()
        assert told(report, of="recordings") == {"archived": calls}
    # Of eight rounds for the child, or four, one is being fetched.
    assert (median(ahead) > 5 * each + LISTED_AHEAD) is is_quick, ahead
