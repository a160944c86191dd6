"""Erasure: nothing of a person is left, the chain holds, and no later night brings it back."""

import json
from datetime import UTC
from pathlib import Path

import pytest

from archiver.catalog.retention import Erasure
from archiver.cli.balance import balance_lines
from archiver.errors import UsageError
from archiver.sandbox.exchange import Route
from tests.retention.acts import (
    NAME,
    PHONE,
    SUMMARY,
    Scope,
    check_rebuilt,
    erasable,
    erased,
    held,
    held_on,
    holding,
    lifted,
    world_with_a_person,
)
from tests.support.world import Night, bench, told, tree

pytestmark = pytest.mark.anyio

LATE = "A late summary of the canary."


async def lived(night: Night) -> None:
    """Two nights, with a revision, an open call, and a lifted hold that names the person."""
    await night.run()
    night.world.change_recording(21, summary=LATE)
    night.clock.advance(days=1)
    await night.run()
    night.clock.advance(days=1)
    await lifted(night, await held(night, leads=(789,), reason=f"{NAME} {PHONE}"), reason=NAME)


async def test_the_plan_names_everything_and_changes_nothing(tmp_path: Path) -> None:
    async with bench(tmp_path, world_with_a_person()) as night:
        await lived(night)
        before = tree(tmp_path / "archive", night.state)
        plan = await erasable(night)
        assert plan.calls == [1, 2, 4]
        assert plan.record_ids == [11, 21, 31]
        assert (len(plan.reports), len(plan.hold_texts), plan.leavings) == (2, 1, [])
        assert not plan.is_refused
        assert tree(tmp_path / "archive", night.state) == before


async def test_no_byte_of_the_person_is_left_and_the_chain_holds(tmp_path: Path) -> None:
    async with bench(tmp_path, world_with_a_person()) as night:
        await lived(night)
        assert len(holding(night, PHONE, NAME, SUMMARY, LATE)) > 4
        await erased(night, 3)
        assert holding(night, PHONE, NAME, SUMMARY, LATE) == []
        assert {key for key in night.archive.objects() if "789/" in key} == set()
        assert set(night.archive.recordings()) == {61, 71}
        assert len(night.archive.segments()) > 3
        assert {one["recordId"] for one in night.archive.events("removed")} == {11, 21, 31}
        (done,) = night.archive.events("erased")
        assert done["leadId"] == 789
        await check_rebuilt(night)


async def test_reports_lose_the_entries_of_the_person_and_keep_their_sums(tmp_path: Path) -> None:
    async with bench(tmp_path, world_with_a_person()) as night:
        await lived(night)
        before = night.archive.reports()
        assert {one["problems"][0]["callId"] for one in before} == {4}
        await erased(night, 3)
        after = night.archive.reports()
        assert [one["problems"] for one in after] == [[], []]
        assert [one["entriesErased"] for one in after] == [1, 1]
        assert [one["calls"] for one in after] == [one["calls"] for one in before]
        told_of = {event["reportKey"]: event for event in night.archive.events("redacted")}
        from tests.support.witness import digest

        for key, event in told_of.items():
            assert digest(night.archive.objects()[key]) == event["reportSha256"]
        assert len(told_of) == 2


@pytest.mark.parametrize("lost", [False, True], ids=["catalog", "no catalog"])
async def test_nights_after_it_pass_over_the_old_calls_and_take_the_new(
    tmp_path: Path, lost: bool
) -> None:
    async with bench(tmp_path, world_with_a_person()) as night:
        await lived(night)
        await erased(night, 3)
        night.sandbox.forget()
        if lost:
            night.forget_catalog()
        night.clock.advance(hours=1)
        night.world.call(20, lead=789, at="2026-11-02T11:00:00Z").recording(201)
        night.world.call(21, lead=789, at=night.clock.now).recording(211)
        night.clock.advance(days=1)
        report = await night.run(since=night.clock.now.replace(month=11, day=1), recheck=True)
        assert told(report)["none"] == 4
        assert report.as_json()["erasedCalls"] == 4
        assert "erased                4  of these" in "\n".join(
            balance_lines(report.as_json(), UTC)
        )
        assert [night.lists(call) for call in (1, 2, 4, 20)] == [0, 0, 0, 0]
        files = {one.id for one in night.sandbox.requests if one.route is Route.FILE}
        assert files == {211}
        assert set(night.archive.recordings()) == {61, 71, 211}
        assert report.exit_code == 0
        assert holding(night, NAME, SUMMARY, LATE) == []
        await check_rebuilt(night)


async def test_an_erased_call_that_is_named_is_not_asked_for(tmp_path: Path) -> None:
    async with bench(tmp_path, world_with_a_person()) as night:
        await lived(night)
        await erased(night, 3)
        night.sandbox.forget()
        report = await night.run(calls=(1,), recheck=False)
        assert told(report) == {"none": 1}
        assert night.lists(1) == 0
        night.clock.advance(days=1)
        report = await night.run(leads=(789,), recheck=True)
        assert told(report) == {"none": 3}
        assert night.sandbox.count(Route.RECORDINGS) == 0


async def test_a_recording_of_the_person_under_another_call_is_not_fetched(tmp_path: Path) -> None:
    """Not even one that was never archived, and that nobody knew of."""
    async with bench(tmp_path, world_with_a_person()) as night:
        await lived(night)
        await erased(night, 3)
        night.world.recording(72, call=7, lead_id=789, at="2026-11-02T12:00:00Z")
        night.world.recording(73, call=7)
        night.clock.advance(days=1)
        await night.run(calls=(3, 7), recheck=True)
        assert (night.files(72), night.files(73)) == (0, 1)
        assert set(night.archive.recordings()) == {61, 71, 73}


async def test_an_erasure_that_was_cut_short_is_told_from_one_that_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(*_: object, **__: object) -> int:
        return 0

    async with bench(tmp_path, world_with_a_person()) as night:
        await lived(night)
        assert (await erasable(night)).earlier is None
        with monkeypatch.context() as patch:
            patch.setattr("archiver.retention.erase.finish_removals", die)
            await erased(night, 3)
        assert (await erasable(night)).earlier == Erasure(night.clock.now, is_done=False)
        await erased(night, 0)
        assert (await erasable(night)).earlier == Erasure(night.clock.now, is_done=True)


async def test_a_second_erasure_takes_what_came_after_the_first(tmp_path: Path) -> None:
    async with bench(tmp_path, world_with_a_person()) as night:
        await lived(night)
        await erased(night, 3)
        night.world.call(21, lead=789, at=night.clock.now, phone=PHONE).recording(211)
        night.clock.advance(days=1)
        await night.run()
        assert len(holding(night, PHONE)) > 1
        night.clock.advance(days=1)
        await erased(night, 1)
        assert holding(night, PHONE) == []
        await check_rebuilt(night)


async def test_a_lead_that_was_never_seen_can_be_erased_beforehand(tmp_path: Path) -> None:
    async with bench(tmp_path, world_with_a_person()) as night:
        night.world.call(20, lead=999).recording(201)
        await night.run(orders=(2,))
        await erased(night, 0, lead=999)
        night.clock.advance(days=1)
        await night.run()
        assert 201 not in night.archive.recordings()
        assert night.lists(20) == 0


async def test_another_number_erases_nothing(tmp_path: Path) -> None:
    async with bench(tmp_path, world_with_a_person()) as night:
        await lived(night)
        before = tree(tmp_path / "archive")
        with pytest.raises(UsageError, match="3 recordings here, not 2"):
            await erased(night, 2)
        assert tree(tmp_path / "archive") == before


@pytest.mark.parametrize(
    "scope",
    [Scope(leads=(789,)), Scope(calls=(4,)), Scope(calls=(3,)), Scope(orders=(1,))],
    ids=str,
)
async def test_what_a_hold_covers_in_any_way_is_refused(tmp_path: Path, scope: Scope) -> None:
    """Call 3 is another person's, and lists a recording of this one."""
    async with bench(tmp_path, world_with_a_person()) as night:
        await lived(night)
        hold = await held_on(night, scope)
        before = tree(tmp_path / "archive")
        plan = await erased(night, 3)
        assert (plan.is_refused, plan.held_by) == (True, [hold])
        assert tree(tmp_path / "archive") == before
        await lifted(night, hold)
        assert not (await erased(night, 3)).is_refused


async def test_a_hold_that_comes_at_the_last_moment_is_obeyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from archiver.retention import erase as module

    planning = module.plan_erase

    async def then_held(*arguments: object, **named: object) -> object:
        plan = await planning(*arguments, **named)  # type: ignore[arg-type]
        await held(night, leads=(789,))
        return plan

    async with bench(tmp_path, world_with_a_person()) as night:
        await lived(night)
        monkeypatch.setattr(module, "plan_erase", then_held)
        assert (await erased(night, 3)).is_refused
        assert set(night.archive.recordings()) == {11, 21, 31, 61, 71}


async def test_what_a_dead_run_left_under_the_lead_goes_as_well(tmp_path: Path) -> None:
    async with bench(tmp_path, world_with_a_person()) as night:
        await lived(night)
        for key in ("789/8/81.mp3", "_archive/revisions/789/8/81.1.json"):
            path = night.archive.root / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(NAME)
        assert len((await erasable(night)).leavings) == 2
        await erased(night, 3)
        assert holding(night, NAME) == []


async def test_the_catalog_of_another_machine_forgets_the_person_when_it_catches_up(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, world_with_a_person()) as night:
        await lived(night)
        await erased(night, 3, state=tmp_path / "elsewhere")
        assert holding(night, PHONE) == [str(night.catalog)]
        await night.run(calls=(6,))
        assert holding(night, PHONE, NAME, SUMMARY, LATE) == []
        await check_rebuilt(night)


async def test_a_catalog_that_was_set_aside_is_removed(tmp_path: Path) -> None:
    async with bench(tmp_path, world_with_a_person()) as night:
        await lived(night)
        night.catalog.write_bytes(b"garbage " * 1000 + PHONE.encode())
        night.clock.advance(days=1)
        await night.run(calls=(6,))
        assert len(list(night.state.glob("*.unreadable"))) == 1
        await erased(night, 3)
        assert holding(night, PHONE) == []


async def test_a_damaged_report_stops_an_erasure_before_anything_goes(tmp_path: Path) -> None:
    from archiver.errors import ArchiveDamaged

    async with bench(tmp_path, world_with_a_person()) as night:
        await lived(night)
        report = min((night.archive.root / "_archive/runs").iterdir())
        told_there = json.loads(report.read_bytes())
        report.chmod(0o644)
        report.write_text(json.dumps(told_there | {"bytes": 1}))
        before = tree(tmp_path / "archive")
        with pytest.raises(ArchiveDamaged, match="does not match the ledger"):
            await erased(night, 3)
        assert tree(tmp_path / "archive") == before
