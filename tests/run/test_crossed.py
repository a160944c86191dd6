"""Recordings that are listed under two calls, leads that appear late, orders that go away."""

from pathlib import Path

import pytest

from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Fault, Status
from archiver.sandbox.world import World
from tests.support.world import bench, reasons, told

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("crew")]


def shared() -> World:
    """Recording 11 under calls 1 and 2."""
    return World().call(1).recording(11).call(2).recording(11)


async def test_a_recording_of_two_calls_is_one_recording(tmp_path: Path) -> None:
    async with bench(tmp_path, shared()) as night:
        report = await night.run()
        assert report.exit_code == 0
        assert told(report) == {"archived": 2}
        assert told(report, of="recordings") == {"archived": 1}
        assert night.files(11) == 1
        night.check_archive()


async def test_a_recording_that_moved_to_another_call_keeps_one_place(tmp_path: Path) -> None:
    """It failed under both calls; then only one of them lists it, and it can be fetched."""
    async with bench(tmp_path, shared()) as night:
        night.sandbox.faults.add(Fault(Route.FILE, Status(500)))
        assert (await night.run()).exit_code == 3
        night.sandbox.faults.clear()
        night.world._recordings[2].clear()
        night.world.change_call(2, has_records=True)
        night.clock.advance(days=1)
        await night.run()
        night.check_archive()


async def test_a_recording_archived_under_one_call_cannot_fail_under_another(
    tmp_path: Path,
) -> None:
    """The other call, whose turn comes later, no longer lists it, and its own page is gone."""
    one_by_one = {"download": {"workers": 1}}
    async with bench(tmp_path, shared(), settings=one_by_one) as night:
        night.sandbox.faults.add(Fault(Route.FILE, Status(500)))
        await night.run()
        night.sandbox.faults.clear()
        night.sandbox.faults.add(Fault(Route.RECORDING, Status(404)))
        night.world._recordings[2].clear()
        night.clock.advance(days=1)
        await night.run()
        night.clock.advance(days=1)
        report = await night.run()
        assert reasons(report) == {}
        night.check_archive()


async def test_a_lead_that_appears_later_moves_no_key(tmp_path: Path) -> None:
    world = World().call(1, lead=None).recording(11, lead_id=None, summary=None)
    async with bench(tmp_path, world) as night:
        await night.run()
        assert (night.archive.recordings()[11]).lead == 0
        world.change_call(1, lead_id=7).change_recording(11, lead_id=7, summary="Said.")
        night.clock.advance(days=2)
        report = await night.run()
        assert told(report, of="recordings") == {"already": 1, "refreshed": 1}
        stored = night.archive.recordings()[11]
        assert stored.lead == 0
        assert stored.sidecar["leadId"] == 7
        assert night.files(11) == 1
        night.check_archive()


async def test_a_recording_that_fails_under_one_call_and_comes_under_the_next_is_archived(
    tmp_path: Path,
) -> None:
    """It is counted where it ended, and its first call is not left open for nothing."""
    one_by_one = {"download": {"workers": 1}}
    fails = Fault(Route.FILE, Status(500), times=3)
    async with bench(tmp_path, shared(), fails, settings=one_by_one) as night:
        report = await night.run()
        assert told(report, of="recordings") == {"archived": 1}
        assert report.as_json()["bytes"] == 4096
        night.check_archive()
        report = await night.run()
        assert told(report) == {"archived": 2}
        assert report.exit_code == 0


async def test_a_recording_of_two_calls_is_gone_once(tmp_path: Path) -> None:
    async with bench(tmp_path, shared(), Fault(Route.FILE, Status(404))) as night:
        reports = await night.nights(3)
        assert told(reports[2]) == {"gone": 2}
        assert told(reports[2], of="recordings") == {"gone": 1}
        assert reports[2].newly_gone == 1
        assert (await night.run()).exit_code == 0


async def test_many_calls_that_share_their_recordings_wait_for_no_one_for_ever(
    tmp_path: Path,
) -> None:
    world = World()
    for number in range(1, 31):
        world.call(number)
        for shift in (0, 1, 2, 7):
            world.recording(100 + (number + shift) % 30)
    async with bench(tmp_path, world) as night:
        report = await night.run()
        assert report.exit_code == 0
        assert told(report, of="recordings") == {"archived": 30}
        assert night.sandbox.count(Route.FILE) == 30
        night.check_archive()
