"""What is fetched before it is packed, and what is said where nothing can be fetched."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from archiver.archive.status import look
from archiver.errors import NoArchive, NothingToExport, SourceError
from archiver.liner.client import LinerClient
from archiver.sandbox.cues import Fault
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Status
from archiver.sandbox.world import World
from archiver.storage.lock import archive_lock
from archiver.storage.opening import open_storage
from tests.export.packages import LEAD, Package, exported, left_in, one_lead
from tests.support.world import bench

pytestmark = pytest.mark.anyio


async def test_what_the_archive_lacks_is_fetched_first_of_all_time(tmp_path: Path) -> None:
    world = World().call(1, lead=LEAD, at="2019-05-01T10:00:00Z").recording(11)
    async with bench(tmp_path, world, settings={"scope": {"orders": [77], "users": [5]}}) as night:
        report = await exported(night, tmp_path / "lead", leads=(LEAD,))
        assert (
            report.contents.recordings,
            report.chosen.fetched.recordings,
        ) == (1, 1)
        period = Package(tmp_path / "lead").custody["period"]
        assert period["firstCall"] == "2019-05-01T10:00:00Z"
        assert period["askedSince"] == "2000-01-01T00:00:00Z"
        assert night.cursors() == {}


async def test_offline_packs_without_a_request_and_names_what_is_open(tmp_path: Path) -> None:
    world = one_lead().change_recording(900106, file_url=None)
    async with bench(tmp_path, world) as night:
        night.clock.advance(days=2)
        await night.run()
        before = night.sandbox.count()
        report = await exported(night, tmp_path / "lead", leads=(LEAD,), offline=True)
        assert night.sandbox.count() == before
        assert report.exit_code == 3
        (missing,) = report.contents.missing
        assert (missing.call_id, missing.record_id, missing.state) == (126, 900106, "waiting")
        package = Package(tmp_path / "lead")
        assert package.custody["missing"][0]["reason"].endswith("without an address yet")
        assert "Not in this package: recording 900106" in package.page
        package.validate()


async def test_offline_without_an_archive_says_so(tmp_path: Path) -> None:
    async with bench(tmp_path) as night:
        with pytest.raises(NoArchive):
            await exported(night, tmp_path / "lead", leads=(1,), offline=True)
        assert left_in(tmp_path) == []


async def test_while_a_run_has_locked_the_archive_what_is_there_is_packed(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        await night.run()
        storage = open_storage(night.config().storage)
        async with archive_lock(storage, "the nightly run"):
            report = await exported(night, tmp_path / "lead", leads=(LEAD,))
        assert (
            report.exit_code,
            report.chosen.fetched.mode,
            report.contents.recordings,
        ) == (0, "locked", 7)


async def test_locked_and_without_an_api_the_package_says_that_calls_may_be_missing(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        await night.run()
        night.sandbox.faults.add(Fault(Route.CALLS, Status(403)))
        storage = open_storage(night.config().storage)
        async with archive_lock(storage, "the nightly run"):
            report = await exported(night, tmp_path / "lead", leads=(LEAD,))
        assert (report.exit_code, report.contents.recordings) == (3, 7)
        page = (tmp_path / "lead/custody.html").read_text("utf-8")
        assert "Calls may be missing" in page


async def test_while_a_run_has_locked_the_archive_new_calls_are_named_as_missing(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, one_lead()) as night:
        await night.run()
        night.clock.advance(days=2)
        storage = open_storage(night.config().storage)
        async with archive_lock(storage, "the nightly run"):
            report = await exported(night, tmp_path / "lead", leads=(LEAD,))
        assert (report.exit_code, report.contents.recordings) == (3, 2)
        assert {one.call_id for one in report.contents.missing} == {126, 70108, 128, 129}
        assert {one.state for one in report.contents.missing} == {"not-fetched"}
        row = next(row for row in Package(tmp_path / "lead").rows() if row["callId"] == "126")
        assert (row["agent"], row["direction"]) == ("David Walsh", "incoming")
        Package(tmp_path / "lead").validate()


async def test_an_api_that_is_down_is_said_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(tmp_path, one_lead()) as night:
        await night.run()

        async def down(self: object) -> Iterable[object]:
            raise SourceError("the API is down", hint="Wait.")

        monkeypatch.setattr(LinerClient, "orders", down)
        with pytest.raises(SourceError) as caught:
            await exported(night, tmp_path / "lead", leads=(LEAD,))
        assert caught.value.hint == "Wait; or export only what is archived, with --offline"
        assert left_in(tmp_path) == []


async def test_calls_that_the_api_does_not_list_are_said_to_be_missing(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead(), Fault(Route.CALLS, Status(403))) as night:
        with pytest.raises(NothingToExport, match="the API did not give them"):
            await exported(night, tmp_path / "lead", leads=(LEAD,))


async def test_what_is_fetched_for_an_export_is_no_run_of_its_own_for_status(
    tmp_path: Path,
) -> None:
    world = one_lead().change_recording(900106, file_url=None)
    async with bench(tmp_path, world) as night:
        night.clock.advance(days=2)
        run = await night.run()
        night.clock.advance(days=1)
        await exported(night, tmp_path / "lead", leads=(LEAD,))
        status = await look(night.config(), state_folder=night.state, clock=night.clock)
        assert [one["runId"] for one in status.as_json()["runs"]] == [run.run_id]
        reports = (tmp_path / "archive" / "_archive" / "runs").iterdir()
        purposes = {json.loads(one.read_bytes()).get("purpose") for one in reports}
        assert purposes == {None, "export"}
