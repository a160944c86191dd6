"""Whose calls an export is about, and what it says when there are none."""

import json
from pathlib import Path
from typing import Any

import pytest

from archiver.archive.opening import watched_archive
from archiver.errors import NothingToExport
from archiver.export.voice import Voice
from archiver.ledger.events import Removing
from archiver.sandbox.exchange import Route
from archiver.sandbox.world import World
from tests.export.packages import LEAD, PHONE, Package, exported, left_in, one_lead
from tests.retention.acts import erased, held, pruned
from tests.support.world import IN_TURN, Night, bench

pytestmark = pytest.mark.anyio


async def test_calls_of_another_lead_come_with_a_recording_of_this_one_and_are_named(
    tmp_path: Path,
) -> None:
    world = World().call(1, lead=LEAD).recording(11).call(2, lead=5).recording(12, lead_id=LEAD)
    async with bench(tmp_path, world) as night:
        await night.run()
        report = await exported(night, tmp_path / "lead", leads=(LEAD,))
        assert report.contents.calls == 2
        assert list(report.contents.differences) == [
            f"call 2: recording 12 has lead {LEAD}, but its call has lead 5"
        ]
        row = Package(tmp_path / "lead").rows()[1]
        assert (row["callId"], row["leadId"]) == ("2", str(LEAD))
        assert "its call has lead 5" in row["note"]


@pytest.mark.parametrize(
    ("request_", "calls"), [({"orders": (2,)}, {2, 3}), ({"calls": (1, 3)}, {1, 3})]
)
async def test_an_order_or_single_calls_can_be_exported(
    tmp_path: Path, request_: dict[str, Any], calls: set[int]
) -> None:
    world = World().order(1).order(2)
    for call, order in ((1, 1), (2, 2), (3, 2)):
        world.call(call, order=order).recording(10 + call)
    async with bench(tmp_path, world) as night:
        await exported(night, tmp_path / "some", **request_)
        rows = Package(tmp_path / "some").rows()
        assert {int(row["callId"]) for row in rows} == calls


async def test_a_number_finds_its_calls_and_what_is_new_of_their_leads(tmp_path: Path) -> None:
    world = World()
    world.call(1, lead=10, phone="+7 900 123-45-67").recording(11)
    world.call(2, lead=10, phone="+79995554433").recording(12)
    world.call(3, lead=20, phone="+79995554433").recording(13)
    async with bench(tmp_path, world) as night:
        await night.run()
        world.call(4, lead=10, phone=PHONE).recording(14)
        world.call(5, lead=10, phone=PHONE, talk=0, status="no-answer")
        report = await exported(night, tmp_path / "calls", phones=("8 900 123 45 67",))
        rows = Package(tmp_path / "calls").rows()
        assert {int(row["callId"]) for row in rows} == {1, 4, 5}
        assert report.exit_code == 0
        (told,) = night.archive.events("exported")
        assert (told["phones"], told["recordIds"]) == (1, [11, 14])
        assert "9001234567" not in json.dumps(list(night.archive.events()))


async def test_a_number_that_no_call_has_is_said_with_the_way_out(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        await night.run()
        with pytest.raises(NothingToExport, match="no calls for number") as caught:
            await exported(night, tmp_path / "calls", phones=("+70000000000",))
        assert "country code" in caught.value.hint
        assert "use --lead instead" in caught.value.hint


async def test_an_unknown_lead_leaves_no_file(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        with pytest.raises(NothingToExport, match="no calls for lead 7, neither") as caught:
            await exported(night, tmp_path / "lead.zip", leads=(7,))
        assert caught.value.exit_code == 3
        assert left_in(tmp_path) == []
        assert list(night.archive.events("exported")) == []


async def test_one_unknown_lead_among_others_is_named(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        report = await exported(night, tmp_path / "lead", leads=(LEAD, 7))
        assert (report.exit_code, list(report.chosen.not_found)) == (3, ["lead 7"])
        assert "Nothing was found for lead 7" in (tmp_path / "lead/custody.html").read_text("utf-8")


async def erase(night: Night) -> None:
    """Archive the lead, and erase it for good."""
    night.clock.advance(days=2)
    await night.run()
    await erased(night, 7, LEAD)


@pytest.mark.parametrize(
    ("request_", "said"), [({"leads": (LEAD,)}, f"lead {LEAD}"), ({"calls": (126,)}, "call 126")]
)
async def test_what_was_erased_is_not_fetched_again_and_said_to_be_erased(
    tmp_path: Path, request_: dict[str, Any], said: str
) -> None:
    async with bench(tmp_path, one_lead()) as night:
        await erase(night)
        with pytest.raises(NothingToExport, match=f"erased from this archive: {said}$"):
            await exported(night, tmp_path / "lead", **request_)
        assert left_in(tmp_path) == []


async def test_a_recording_erased_with_another_lead_is_named_as_such(tmp_path: Path) -> None:
    world = World().call(1, lead=LEAD).recording(11).call(2, lead=5).recording(11)
    async with bench(tmp_path, world, settings=IN_TURN) as night:
        await night.run()
        await erased(night, 1, LEAD)
        report = await exported(night, tmp_path / "lead", leads=(5,))
        assert (report.exit_code, report.contents.recordings) == (0, 0)
        (missing,) = report.contents.missing
        assert (
            missing.said(Voice().say) == "call 2, recording 11: it was erased on request (removed)"
        )
        assert list(report.contents.differences) == [
            "call 2: recording 11 was stored under call 1, listed under both"
        ]


async def test_an_erased_lead_among_others_is_said_to_be_erased(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead().call(5, lead=5).recording(55)) as night:
        await erase(night)
        report = await exported(night, tmp_path / "lead", leads=(LEAD, 5))
        assert (report.exit_code, report.contents.recordings) == (3, 1)
        said = f"lead {LEAD} (erased from this archive)"
        assert list(report.chosen.not_found) == [said]
        assert said in (tmp_path / "lead/custody.html").read_text("utf-8")


async def test_what_retention_removed_is_named_and_what_is_held_is_packed(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        await night.run()
        night.clock.advance(days=40)
        await held(night, calls=(126, 70108))
        await pruned(night, 4)
        before = night.sandbox.count(Route.FILE)
        report = await exported(night, tmp_path / "lead", leads=(LEAD,))
        assert night.sandbox.count(Route.FILE) == before
        assert (
            report.exit_code,
            report.contents.calls,
            report.contents.recordings,
        ) == (0, 7, 3)
        assert {(one.state, one.reason) for one in report.contents.missing} == {
            ("removed", "it was removed at the end of its retention period")
        }
        package = Package(tmp_path / "lead")
        package.validate()
        assert sorted(package.audio()) == [900106, 900108, 900109]
        assert package.page.count("Not in this package: recording 9") == 4
        assert len(package.custody["missing"]) == 4


async def test_a_recording_that_is_about_to_be_removed_is_not_packed(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        await night.run()
        async with watched_archive(night.config(), state_folder=night.state) as archive:
            event = Removing(record_ids=(900101,), why="retention")
            await archive.announce([event], at=night.clock(), run="prune")
        report = await exported(night, tmp_path / "lead", leads=(LEAD,), offline=True)
        assert (report.exit_code, report.contents.recordings) == (0, 6)
        assert [(one.record_id, one.state) for one in report.contents.missing] == [
            (900101, "removed")
        ]
