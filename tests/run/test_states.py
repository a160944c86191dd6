"""Where calls and recordings end: every flag, every answer, over several days."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from archiver.reasons import Reason, next_step
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import (
    ABSENT,
    Body,
    Fault,
    FileUrl,
    Gzip,
    NotSuccess,
    Redirect,
    Status,
    expired_then_renewed,
    html,
    later,
)
from archiver.sandbox.world import World
from tests.support.world import FIRST_NIGHT, bench, reasons, told

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("local_crew")]


@pytest.mark.parametrize(
    ("flag", "talk", "asked", "state"),
    [
        (True, 30, 1, "waiting"),
        (True, 0, 1, "waiting"),
        (False, 0, 0, "none"),
        (False, 30, 1, "none"),
        (ABSENT, 0, 1, "none"),
        (ABSENT, 30, 1, "none"),
        (None, 30, 1, "none"),
        ("nonsense", 30, 1, "none"),
        (0, 0, 0, "none"),
        ("true", 0, 1, "waiting"),
    ],
)
async def test_a_flag_and_the_talk_decide_whether_an_empty_list_is_asked_for(
    tmp_path: Path, flag: Any, talk: int, asked: int, state: str
) -> None:
    world = World().call(1, talk=talk, fields={"hasRecords": flag})
    async with bench(tmp_path, world) as night:
        report = await night.run()
        assert told(report) == {state: 1}
        assert night.lists(1) == asked
        assert report.exit_code == (3 if state == "waiting" else 0)


async def test_an_unknown_talk_time_is_not_taken_for_silence(tmp_path: Path) -> None:
    """The flag says no, nothing says that nobody spoke: it is doubted once."""
    unsaid = {"talkTimeDurationSeconds": ABSENT}
    world = World().call(1, has_records=False, fields=unsaid).recording(11)
    async with bench(tmp_path, world) as night:
        await night.run()
        night.check_archive()


async def test_a_flag_that_lags_is_doubted_once(tmp_path: Path) -> None:
    world = World().call(1, has_records=False).recording(11)
    async with bench(tmp_path, world) as night:
        assert told(await night.run()) == {"archived": 1}
        night.check_archive()


async def test_talk_without_a_recording_is_counted_whenever_it_is_listed(tmp_path: Path) -> None:
    world = World().call(1, talk=9, has_records=False).call(2, talk=0, has_records=False)
    world.call(3, talk=9).recording(31)
    async with bench(tmp_path, world) as night:
        for _ in range(2):
            report = await night.run()
            assert told(report) == {"none": 2, "archived": 1}
            assert report.as_json()["unrecordedCalls"] == 1
        world.change_call(1, has_records=True).recording(11, call=1)
        assert "unrecordedCalls" not in (await night.run()).as_json()


async def test_a_flag_that_turns_true_is_followed(tmp_path: Path) -> None:
    world = World().call(1, talk=0, has_records=False).call(2, talk=9, has_records=False)
    async with bench(tmp_path, world) as night:
        assert told(await night.run()) == {"none": 2}
        night.clock.advance(days=1)
        world.change_call(1, has_records=True).recording(11, call=1)
        world.change_call(2, has_records=True)
        assert told(await night.run()) == {"archived": 1, "waiting": 1}
        night.clock.advance(days=1)
        world.recording(21, call=2)
        assert told(await night.run()) == {"archived": 2}
        night.check_archive()


@pytest.mark.parametrize("flag", [True, False, ABSENT], ids=repr)
@pytest.mark.parametrize(
    ("answer", "state", "reason"),
    [
        (Status(404), "waiting", "call-unknown"),
        (NotSuccess(), "failed", "list-failed"),
        (Status(500), "failed", "list-failed"),
        (Status(403), "failed", "list-forbidden"),
        (html(), "failed", "list-failed"),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_only_a_well_formed_empty_list_means_none(
    tmp_path: Path, flag: Any, answer: Any, state: str, reason: str
) -> None:
    world = World().call(1, fields={"hasRecords": flag})
    async with bench(tmp_path, world, Fault(Route.RECORDINGS, answer)) as night:
        report = await night.run()
        assert told(report) == {state: 1}
        assert reasons(report) == {None: reason}
        assert report.exit_code == 3


async def test_one_bad_recording_leaves_the_others_of_its_call(tmp_path: Path) -> None:
    world = World().call(1).recording(11).recording(12).recording(13)
    async with bench(tmp_path, world, Fault(Route.FILE, Status(500), id=12)) as night:
        report = await night.run()
        assert told(report) == {"failed": 1}
        assert told(report, of="recordings") == {"archived": 2, "failed": 1}
        night.check_archive(whole=False)
        night.sandbox.faults.clear()
        report = await night.run()
        assert told(report, of="recordings") == {"already": 2, "archived": 1}
        assert (night.files(11), night.files(13)) == (1, 1)
        night.check_archive()


async def test_an_address_may_come_later(tmp_path: Path) -> None:
    world = World().call(1).recording(11).recording(12, file_url="")
    async with bench(tmp_path, world, later(11, "fileUrl", times=2)) as night:
        report = await night.run()
        assert told(report, of="recordings") == {"waiting": 2}
        assert reasons(report) == {11: "no-address", 12: "no-address"}
        world.change_recording(12, file_url="   ")
        night.clock.advance(days=30)
        assert told(await night.run(), of="recordings") == {"waiting": 2}
        world.change_recording(12, file_url="{origin}{path}")
        assert told(await night.run(), of="recordings") == {"archived": 2}
        night.check_archive()


@pytest.mark.parametrize("status", [404, 410])
async def test_a_recording_is_gone_on_the_third_day_that_the_source_denies_it(
    tmp_path: Path, status: int
) -> None:
    world = World().call(1).recording(11).recording(12)
    async with bench(tmp_path, world, Fault(Route.FILE, Status(status), id=11)) as night:
        for hours in (0, 1, 22, 1):
            night.clock.advance(hours=hours)
            report = await night.run()
            assert told(report, of="recordings")["failed"] == 1
            assert reasons(report) == {11: "source-missing"}
        night.clock.advance(days=1)
        report = await night.run()
        assert told(report) == {"gone": 1}
        assert (report.exit_code, report.newly_gone) == (3, 1)
        assert [one["state"] for one in report.as_json()["problems"]] == ["gone"]
        night.clock.advance(days=1)
        report = await night.run()
        assert (report.exit_code, told(report)) == (0, {"gone": 1})
        assert told(report, of="recordings") == {"gone": 1, "already": 1}
        assert report.as_json()["unreachable"]["recordingsGone"] == 1
        assert [event["recordId"] for event in night.archive.events("gone")] == [11]


@pytest.mark.parametrize(
    ("effect", "reason"),
    [
        (Body(b"", "audio/wav"), "empty"),
        (Gzip(), "encoded"),
        (Redirect("{origin}{path}"), "too-many-redirects"),
    ],
)
async def test_a_recording_that_can_never_be_served_is_settled_on_the_third_day(
    tmp_path: Path, effect: Any, reason: str
) -> None:
    world = World().call(1).recording(11).recording(12)
    async with bench(tmp_path, world, Fault(Route.FILE, effect, id=11)) as night:
        for _ in range(2):
            report = await night.run()
            assert reasons(report) == {11: reason}
            (problem,) = report.as_json()["problems"]
            assert "after three days" in next_step(problem["state"], Reason(reason))
            night.clock.advance(days=1)
        report = await night.run()
        (problem,) = report.as_json()["problems"]
        assert (problem["state"], problem["reason"]) == ("gone", reason)
        assert not problem["retryable"]
        night.clock.advance(days=1)
        report = await night.run()
        assert (report.exit_code, told(report)) == (0, {"gone": 1})
        (event,) = night.archive.events("gone")
        assert event["reason"] == reason
        night.sandbox.faults.clear()
        assert told(await night.run(recheck=True)) == {"archived": 1}
        night.check_archive()


async def test_three_denials_of_a_stale_address_are_no_farewell(tmp_path: Path) -> None:
    """Only a fresh address counts, and only days on which it was denied."""
    world = World().call(1).recording(11)
    async with bench(tmp_path, world) as night:
        for status in (404, 500, 403, 404, 500):
            night.sandbox.faults.clear()
            night.sandbox.faults.add(Fault(Route.FILE, Status(status)))
            assert told(await night.run()) == {"failed": 1}
            night.clock.advance(days=1)
        night.sandbox.faults.clear()
        assert told(await night.run()) == {"archived": 1}
        night.check_archive()


async def test_what_was_gone_and_comes_back_is_archived_by_a_recheck(tmp_path: Path) -> None:
    world = World().call(1).recording(11)
    async with bench(tmp_path, world, Fault(Route.FILE, Status(404))) as night:
        assert told((await night.nights(3))[-1]) == {"gone": 1}
        night.sandbox.faults.clear()
        assert told(await night.run(recheck=True)) == {"archived": 1}
        assert (await night.run()).as_json()["unreachable"]["recordingsGone"] == 0
        night.check_archive()


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_an_expired_address_is_renewed_within_the_run(tmp_path: Path, status: int) -> None:
    world = World().call(1).recording(11)
    async with bench(tmp_path, world, expired_then_renewed(11, status)) as night:
        assert (await night.run()).exit_code == 0
        assert night.files(11) == 2
        night.check_archive()


async def test_an_address_that_stays_refused_is_asked_for_anew_once_a_run(tmp_path: Path) -> None:
    world = World().call(1).recording(11)
    async with bench(tmp_path, world, Fault(Route.FILE, Status(403))) as night:
        assert reasons(await night.run()) == {11: "source-forbidden"}
        assert night.files(11) == 2
        assert night.sandbox.count(Route.RECORDING) == 1


async def test_signed_addresses_that_live_for_minutes_are_no_problem(tmp_path: Path) -> None:
    world = World()
    for _ in range(30):
        world.call().recording()
    async with bench(tmp_path, world, lifetime=60.0) as night:
        assert (await night.run()).exit_code == 0
        night.check_archive()


async def test_an_open_recording_that_is_listed_no_more_is_read_on_its_own(tmp_path: Path) -> None:
    world = World().call(1).recording(11)
    async with bench(tmp_path, world, Fault(Route.FILE, Status(500))) as night:
        await night.run()
        night.sandbox.faults.clear()
        world._recordings[1].clear()
        night.clock.advance(days=1)
        assert told(await night.run(), of="recordings") == {"archived": 1}
        night.check_archive()


async def test_an_open_recording_that_the_api_forgot_is_gone_after_three_days(
    tmp_path: Path,
) -> None:
    world = World().call(1, has_records=True).recording(11)
    async with bench(tmp_path, world, Fault(Route.FILE, Status(500))) as night:
        await night.run()
        world.remove_recording(11)
        night.clock.advance(days=1)
        reports = await night.nights(3)
        assert [told(one) for one in reports] == [{"failed": 1}, {"failed": 1}, {"gone": 1}]
        assert (await night.run()).exit_code == 0


async def test_open_calls_come_again_whatever_the_window(tmp_path: Path) -> None:
    """Also when the order is listed no more, and the run is about another time."""
    world = World().call(1).recording(11)
    async with bench(tmp_path, world, Fault(Route.FILE, Status(500))) as night:
        await night.run()
        night.sandbox.faults.clear()
        world.order(1, listed=False)
        night.clock.advance(days=90)
        report = await night.run(since=night.clock.now - timedelta(days=1))
        assert told(report) == {"archived": 1}
        night.check_archive()


async def test_a_run_about_another_lead_leaves_open_calls_alone(tmp_path: Path) -> None:
    world = World().call(1, lead=5).recording(11).call(2, lead=6).recording(21)
    async with bench(tmp_path, world, Fault(Route.FILE, Status(500))) as night:
        await night.run()
        night.sandbox.faults.clear()
        report = await night.run(leads=(6,))
        assert told(report) == {"archived": 1}
        assert set(night.archive.recordings()) == {21}
        assert reasons(report) == {11: "source-error"}
        assert report.exit_code == 3


async def test_an_archived_recording_stays_whatever_the_source_does(tmp_path: Path) -> None:
    world = World().call(1).recording(11)
    async with bench(tmp_path, world) as night:
        await night.run()
        before = night.archive.recordings()[11].audio
        night.sandbox.faults.add(
            Fault(Route.FILE, Status(404)), Fault(Route.RECORDINGS, FileUrl("{origin}/gone"))
        )
        night.clock.advance(days=2)
        assert told(await night.run(recheck=True)) == {"archived": 1}
        world.remove_recording(11)
        night.clock.advance(days=2)
        assert (await night.run(recheck=True)).exit_code == 0
        assert night.archive.recordings()[11].audio == before
        night.archive.check()


async def test_sums_close_over_calls_of_every_kind(tmp_path: Path) -> None:
    world = World().call(1).recording(11).call(2, talk=0).call(3, has_records=True)
    world.call(4).recording(41).call(5).recording(51, file_url=None)
    async with bench(tmp_path, world, Fault(Route.FILE, Status(404), id=41)) as night:
        for day in range(5):
            report = await night.run()
            gone = {"gone": 1} if day >= 2 else {"failed": 1}
            assert told(report) == {"archived": 1, "none": 1, "waiting": 2} | gone
            assert {one["reason"] for one in report.as_json()["problems"]} >= {
                "none-listed",
                "no-address",
            }
            night.clock.advance(days=1)
        assert night.clock.now == FIRST_NIGHT + timedelta(days=5)
