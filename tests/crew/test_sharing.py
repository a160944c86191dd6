"""Where the run has no core of its own, its process fetches beside a child process."""

import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from archiver.crew import choosing
from archiver.crew.in_process import InProcess
from archiver.crew.unit import Brought, Unit
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Fault, Happens
from tests.crew.test_pipes import PROCESSES, centre, crew_of
from tests.support.command import RECENTLY
from tests.support.processes import children
from tests.support.world import bench, told

pytestmark = pytest.mark.anyio

CALLS = 40


@pytest.fixture(autouse=True)
def fetched_here(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The recordings that the run's own process fetches, on two cores."""
    found: list[int] = []
    bring = InProcess.bring

    async def noted(crew: InProcess, unit: Unit) -> Brought:
        found.append(unit.recording.id)
        return await bring(crew, unit)

    monkeypatch.setattr(InProcess, "bring", noted)
    monkeypatch.setattr(choosing, "available_cores", lambda: 2)
    yield found


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
