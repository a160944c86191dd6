"""Retention: what is old goes when its number is named, and never comes back."""

from datetime import UTC
from pathlib import Path

import pytest

from archiver.cli.balance import balance_lines
from archiver.errors import NoArchive, UsageError
from archiver.sandbox.exchange import Route
from archiver.sandbox.world import World
from tests.retention.acts import KEEP, Scope, check_rebuilt, held, held_on, lifted, planned, pruned
from tests.support.world import bench, told, tree

pytestmark = pytest.mark.anyio


def three_calls() -> World:
    world = World().call(1, lead=5).recording(11).call(2, lead=5).recording(21).recording(22)
    return world.call(3, lead=6, order=2).recording(31)


async def test_the_plan_names_what_is_old_enough_and_changes_nothing(tmp_path: Path) -> None:
    async with bench(tmp_path, three_calls()) as night:
        await night.run()
        assert (await planned(night)).record_ids == []
        night.clock.advance(days=30, seconds=1)
        before = tree(tmp_path / "archive", night.state)
        plan = await planned(night)
        assert plan.record_ids == [11, 21, 22, 31]
        assert plan.by_lead == {5: 3, 6: 1}
        assert plan.by_month == {"2026-11": 4}
        assert plan.younger == 0
        assert tree(tmp_path / "archive", night.state) == before


async def test_age_counts_from_archiving_when_that_is_later(tmp_path: Path) -> None:
    async with bench(tmp_path, three_calls()) as night:
        night.clock.advance(days=300)
        await night.run(since=night.clock.now.replace(year=2020))
        night.clock.advance(days=29)
        plan = await planned(night)
        assert (plan.record_ids, plan.younger) == ([], 4)


async def test_without_a_retention_nothing_is_ever_pruned(tmp_path: Path) -> None:
    async with bench(tmp_path, three_calls()) as night:
        await night.run()
        with pytest.raises(UsageError, match=r"retention\.keep is not set"):
            await planned(night, None)


@pytest.mark.parametrize("number", [0, 3, 5])
async def test_another_number_removes_nothing(tmp_path: Path, number: int) -> None:
    async with bench(tmp_path, three_calls()) as night:
        await night.run()
        night.clock.advance(days=40)
        before = tree(tmp_path / "archive")
        with pytest.raises(UsageError, match="4 recordings would be deleted now"):
            await pruned(night, number)
        assert tree(tmp_path / "archive") == before


async def test_what_is_pruned_is_gone_and_told(tmp_path: Path) -> None:
    world = three_calls().change_recording(21, summary=None)
    async with bench(tmp_path, world) as night:
        await night.run()
        world.change_recording(21, summary="Late.")
        night.clock.advance(days=1)
        await night.run()
        assert "_archive/revisions/5/2/21.1.json" in night.archive.objects()
        night.clock.advance(days=40)
        digests = {event["recordId"]: event["sha256"] for event in night.archive.events("stored")}
        plan, removed = await pruned(night, 4)
        assert (removed, plan.kept.total()) == (4, 0)
        left = set(night.archive.objects())
        assert {key.split("/")[1] for key in left} == {"ledger", "runs", "format.json"}
        tombstones = list(night.archive.events("removed"))
        assert {one["recordId"]: one["sha256"] for one in tombstones} == digests
        assert {one["why"] for one in tombstones} == {"retention"}
        assert not (night.archive.root / "5").exists()
        await check_rebuilt(night)


@pytest.mark.parametrize("lost", [False, True], ids=["catalog", "no catalog"])
async def test_nights_after_it_ask_for_nothing_that_was_pruned(tmp_path: Path, lost: bool) -> None:
    async with bench(tmp_path, three_calls()) as night:
        await night.nights(9)
        night.clock.advance(days=40)
        await pruned(night, 4)
        night.sandbox.forget()
        if lost:
            night.forget_catalog()
        report = await night.run(since=night.clock.now.replace(month=11, day=1))
        assert report.exit_code == 0
        assert told(report) == {"archived": 3}
        assert told(report, of="recordings") == {"already": 4}
        assert " here" not in "\n".join(balance_lines(report.as_json(), UTC))
        routes = {request.route for request in night.sandbox.requests}
        assert routes & {Route.RECORDINGS, Route.RECORDING, Route.FILE} == set()


async def test_even_a_recheck_fetches_nothing_that_was_pruned(tmp_path: Path) -> None:
    world = three_calls()
    async with bench(tmp_path, world) as night:
        await night.run()
        night.clock.advance(days=40)
        await pruned(night, 4)
        world.change_recording(11, summary="Anew.")
        night.sandbox.forget()
        report = await night.run(since=night.clock.now.replace(month=11, day=1), recheck=True)
        assert told(report, of="recordings") == {"already": 4}
        assert night.sandbox.count(Route.FILE) == 0
        assert report.tally.refreshed == 0
        await check_rebuilt(night)


async def test_held_open_damaged_and_young_recordings_stay(tmp_path: Path) -> None:
    world = three_calls().call(4, lead=8).recording(41).recording(42, file_url=None)
    world.call(5, lead=9).recording(51).call(6, lead=10).recording(61)
    async with bench(tmp_path, world) as night:
        await night.run()
        hold = await held(night, leads=(6,), calls=(1,))
        (night.archive.root / "9/5/51.json").unlink()
        audio = night.archive.root / "10/6/61.wav"
        content = bytearray(audio.read_bytes())
        content[99] ^= 1
        audio.chmod(0o644)
        audio.write_bytes(content)
        night.clock.advance(days=40)
        world.call(7, lead=11, at=night.clock.now).recording(71)
        night.clock.advance(days=1)
        await night.run()
        plan, removed = await pruned(night, 3)
        assert plan.kept == {"held": 2, "open": 1, "damaged": 2}
        assert sorted(plan.damaged) == ["10/6/61.wav", "9/5/51.wav"]
        assert (removed, plan.younger) == (2, 1)
        left = {key for key in night.archive.objects() if key.endswith(".wav")}
        assert left == {
            "5/1/11.wav", "6/3/31.wav", "8/4/41.wav", "9/5/51.wav", "10/6/61.wav", "11/7/71.wav"
        }  # fmt: skip
        await lifted(night, hold)
        assert (await planned(night)).record_ids == [11, 31, 61]


@pytest.mark.parametrize(
    "scope", [Scope(leads=(6,)), Scope(calls=(3,)), Scope(orders=(2,))], ids=str
)
async def test_a_hold_covers_by_lead_call_and_order(tmp_path: Path, scope: Scope) -> None:
    async with bench(tmp_path, three_calls()) as night:
        await night.run()
        night.clock.advance(days=40)
        await held_on(night, scope)
        assert (await planned(night)).record_ids == [11, 21, 22]


async def test_a_hold_placed_between_plan_and_removal_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the ledger has before the removal is announced is obeyed."""
    from archiver.retention import prune as module

    sound = module._sound

    async def then_held(*arguments: object) -> object:
        found = await sound(*arguments)  # type: ignore[arg-type]
        await held(night, leads=(6,))
        return found

    monkeypatch.setattr(module, "_sound", then_held)
    async with bench(tmp_path, three_calls()) as night:
        await night.run()
        night.clock.advance(days=40)
        plan, removed = await pruned(night, 4)
        assert (removed, plan.kept) == (3, {"held": 1})
        assert set(night.archive.recordings()) == {31}


async def test_where_there_is_no_archive_none_is_made(tmp_path: Path) -> None:
    async with bench(tmp_path, three_calls()) as night:
        for attempt in (planned(night), pruned(night, 0, KEEP)):
            with pytest.raises(NoArchive):
                await attempt
        assert not (tmp_path / "archive").exists()
