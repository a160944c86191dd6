"""What a run that died left behind: proved again, adopted where it lies, never there twice."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from archiver.errors import ArchiveDamaged, UsageError
from archiver.sandbox.audio import wav
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Fault, Fields, Happens, OtherFile, Silence, Status
from archiver.sandbox.world import World
from archiver.storage.local.folder import LocalStorage
from tests.support.puts import put_by
from tests.support.world import FIRST_NIGHT, audio_of, bench, reasons, told

DAY = timedelta(days=1)

pytestmark = pytest.mark.anyio


class Died(BaseException):
    """The end of a process, as far as one test can tell."""


def dies_after(monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    """The process ends once an object whose key ends so is stored."""
    put: Callable[..., Awaitable[Any]] = LocalStorage.put

    async def dying(storage: LocalStorage, key: str, *others: Any, **named: Any) -> Any:
        result = await put(storage, key, *others, **named)
        if key.endswith(suffix):
            raise Died
        return result

    put_by(monkeypatch, dying)


async def after_a_death(
    tmp_path: Path, world: World, suffix: str, change: Callable[[World], object]
) -> dict[str, Any]:
    """One run that dies after that put, a change of the world, and a run that ends."""
    async with bench(tmp_path, world) as night:
        with pytest.MonkeyPatch.context() as patch:
            dies_after(patch, suffix)
            with pytest.raises((Died, BaseExceptionGroup)):
                await night.run()
        change(night.world)
        night.clock.advance(hours=1)
        report = await night.run()
        night.archive.check_names(audio_of(world))
        assert night.archive.strays() == []
        return {"night": night, "report": report}


@pytest.mark.parametrize("suffix", ["11.wav", "11.json"])
async def test_a_lead_that_becomes_known_after_a_death_makes_no_second_copy(
    tmp_path: Path, suffix: str
) -> None:
    world = World().call(1, lead=None).recording(11, lead_id=None)

    def known(world: World) -> None:
        world.change_call(1, lead_id=7).change_recording(11, lead_id=7)

    ended = await after_a_death(tmp_path, world, suffix, known)
    assert ended["report"].exit_code == 0
    ended["night"].check_archive()


@pytest.mark.parametrize("suffix", ["11.wav", "11.json"])
async def test_a_recording_that_moves_to_another_call_after_a_death_makes_no_second_copy(
    tmp_path: Path, suffix: str
) -> None:
    world = World().call(1).recording(11).call(2, has_records=False, talk=0)

    def moved(world: World) -> None:
        world.remove_recording(11).change_call(2, has_records=None, talk=20)
        world.change_call(1, talk=0).recording(11, call=2)

    ended = await after_a_death(tmp_path, world, suffix, moved)
    assert ended["report"].exit_code == 0
    ended["night"].check_archive()


@pytest.mark.parametrize(
    "between",
    [{"calls": (2,)}, {"leads": (50_002,)}, {"dry_run": True}, {"until": FIRST_NIGHT - 9 * DAY}],
    ids=str,
)
async def test_runs_that_see_nothing_of_what_a_death_left_do_not_forget_it(
    tmp_path: Path, between: dict[str, Any]
) -> None:
    world = World().call(1, lead=None).recording(11, lead_id=None).call(2).recording(21)
    async with bench(tmp_path, world) as night:
        with pytest.MonkeyPatch.context() as patch:
            dies_after(patch, "/11.json")
            with pytest.raises((Died, BaseExceptionGroup)):
                await night.run()
        await night.run(**between)
        world.change_call(1, lead_id=7).change_recording(11, lead_id=7)
        assert (await night.run()).exit_code == 0
        night.check_archive()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(Route.FILE, Status(500)),
        Fault(Route.FILE, Status(404)),
        Fault(Route.RECORDINGS, Status(500)),
        Fault(Route.RECORDINGS, Fields({"fileUrl": None})),
        Fault(Route.CALLS, Status(403)),
    ],
    ids=lambda fault: f"{fault.route.name} {fault.effect}"[:40],
)
async def test_what_a_death_left_is_remembered_while_its_source_fails(
    tmp_path: Path, fault: Fault
) -> None:
    """A whole run sees the call and cannot prove the recording; a later one can."""
    world = World().call(1, lead=None).recording(11, lead_id=None)
    async with bench(tmp_path, world) as night:
        with pytest.MonkeyPatch.context() as patch:
            dies_after(patch, "/11.json")
            with pytest.raises((Died, BaseExceptionGroup)):
                await night.run()
        night.sandbox.faults.add(fault)
        assert (await night.run()).exit_code == 3
        night.sandbox.faults.clear()
        world.change_call(1, lead_id=7).change_recording(11, lead_id=7)
        assert (await night.run()).exit_code == 0
        night.check_archive()


async def test_a_run_that_may_not_begin_does_not_forget_what_a_death_left(tmp_path: Path) -> None:
    world = World().call(1, lead=None).recording(11, lead_id=None)
    async with bench(tmp_path, world) as night:
        with pytest.MonkeyPatch.context() as patch:
            dies_after(patch, "/11.json")
            with pytest.raises((Died, BaseExceptionGroup)):
                await night.run()
        with pytest.raises(UsageError):
            await night.run(settings={"window": {"since": None}})
        world.change_call(1, lead_id=7).change_recording(11, lead_id=7)
        assert (await night.run()).exit_code == 0
        night.check_archive()


async def test_a_run_that_is_stopped_early_does_not_forget_what_a_death_left(
    tmp_path: Path,
) -> None:
    world = World().call(1, lead=None).recording(11, lead_id=None).call(2).recording(21)
    async with bench(tmp_path, world) as night:
        with pytest.MonkeyPatch.context() as patch:
            dies_after(patch, "/11.json")
            with pytest.raises((Died, BaseExceptionGroup)):
                await night.run()
        stop = anyio.Event()
        night.sandbox.faults.add(
            Fault(Route.CALLS, Happens(stop.set)), Fault(Route.RECORDINGS, Silence())
        )
        assert (await night.run(stop=stop)).exit_code == 130
        night.sandbox.faults.clear()
        world.change_call(1, lead_id=7).change_recording(11, lead_id=7)
        assert (await night.run()).exit_code == 0
        night.check_archive()


async def test_what_a_death_left_is_found_although_its_catalog_was_lost_as_well(
    tmp_path: Path,
) -> None:
    world = World().call(1, lead=None).recording(11, lead_id=None)
    async with bench(tmp_path, world) as night:
        with pytest.MonkeyPatch.context() as patch:
            dies_after(patch, "/11.json")
            with pytest.raises((Died, BaseExceptionGroup)):
                await night.run()
        night.forget_catalog()
        world.change_call(1, lead_id=7).change_recording(11, lead_id=7)
        assert (await night.run(state=tmp_path / "other")).exit_code == 0
        night.check_archive()


async def test_what_a_death_left_is_not_believed_when_the_source_serves_other_bytes(
    tmp_path: Path,
) -> None:
    world = World().call(1).recording(11)
    first = world.recording_of(11)
    assert first is not None
    async with bench(tmp_path, world) as night:
        with pytest.MonkeyPatch.context() as patch:
            dies_after(patch, "11.wav")
            with pytest.raises((Died, BaseExceptionGroup)):
                await night.run()
        night.sandbox.faults.add(Fault(Route.FILE, OtherFile(wav(4096, 77))))
        report = await night.run()
        assert reasons(report) == {11: "different-bytes"}
        assert report.exit_code == 3
        assert (night.archive.root / "50001/1/11.wav").read_bytes() == first.audio.data


async def test_what_a_death_left_is_told_although_the_source_lost_it(tmp_path: Path) -> None:
    """Nobody can prove it any more; it is neither believed nor thrown away."""
    world = World().call(1).recording(11)
    async with bench(tmp_path, world) as night:
        with pytest.MonkeyPatch.context() as patch:
            dies_after(patch, "11.wav")
            with pytest.raises((Died, BaseExceptionGroup)):
                await night.run()
        night.sandbox.faults.add(Fault(Route.FILE, Status(404)))
        assert told(await night.run(), of="recordings") == {"failed": 1}
        assert (night.archive.root / "50001/1/11.wav").exists()


async def test_a_sidecar_that_a_death_left_with_other_metadata_is_kept_as_a_revision(
    tmp_path: Path,
) -> None:
    world = World().call(1).recording(11, summary=None)
    ended = await after_a_death(
        tmp_path, world, "11.json", lambda world: world.change_recording(11, summary="Said.")
    )
    night = ended["night"]
    night.check_archive()
    assert night.archive.sidecar(11)["recordSummary"] == "Said."


async def test_a_revision_that_was_not_told_is_told_by_the_next_run(tmp_path: Path) -> None:
    world = World().call(1).recording(11, summary=None)
    async with bench(tmp_path, world) as night:
        await night.run()
        world.change_recording(11, summary="Said.")
        night.clock.advance(days=1)
        for suffix in ("11.1.json", "1/11.json"):
            with pytest.MonkeyPatch.context() as patch:
                dies_after(patch, suffix)
                with pytest.raises((Died, BaseExceptionGroup)):
                    await night.run()
        night.forget_catalog()
        assert (await night.run()).exit_code == 0
        night.check_archive()
        assert [event["revision"] for event in night.archive.events("revised")] == [2]


async def test_a_revision_that_was_not_told_is_told_though_the_source_took_it_back(
    tmp_path: Path,
) -> None:
    world = World().call(1).recording(11, summary=None)
    async with bench(tmp_path, world) as night:
        await night.run()
        world.change_recording(11, summary="A slip.")
        night.clock.advance(days=1)
        with pytest.MonkeyPatch.context() as patch:
            dies_after(patch, "1/11.json")
            with pytest.raises((Died, BaseExceptionGroup)):
                await night.run()
        world.change_recording(11, summary=None)
        assert (await night.run()).exit_code == 0
        night.check_archive()
        assert [event["revision"] for event in night.archive.events("revised")] == [2, 3]
        assert await night.findings() == []


@pytest.mark.parametrize("ends_with_news", [True, False])
async def test_revisions_that_several_deaths_left_untold_are_told_together(
    tmp_path: Path, ends_with_news: bool
) -> None:
    world = World().call(1).recording(11, summary=None)
    async with bench(tmp_path, world) as night:
        await night.run()
        for summary in ("Draft.", "Second draft.", "Third draft."):
            world.change_recording(11, summary=summary)
            night.clock.advance(hours=1)
            with pytest.MonkeyPatch.context() as patch:
                dies_after(patch, "1/11.json")
                with pytest.raises((Died, BaseExceptionGroup)):
                    await night.run(recheck=True)
            night.forget_catalog()
        if ends_with_news:
            world.change_recording(11, summary="Said.")
        assert (await night.run(recheck=True)).exit_code == 0
        night.check_archive()
        told = [event["revision"] for event in night.archive.events("revised")]
        assert told == ([2, 3, 4, 5] if ends_with_news else [2, 3, 4])
        assert await night.findings() == []


async def test_sidecars_that_several_deaths_left_of_an_untold_recording_are_told_together(
    tmp_path: Path,
) -> None:
    world = World().call(1).recording(11, summary=None)
    async with bench(tmp_path, world) as night:
        for summary in ("Draft.", "Second draft.", "Third draft."):
            world.change_recording(11, summary=summary)
            night.clock.advance(hours=1)
            with pytest.MonkeyPatch.context() as patch:
                dies_after(patch, "1/11.json")
                with pytest.raises((Died, BaseExceptionGroup)):
                    await night.run()
            night.forget_catalog()
        assert (await night.run()).exit_code == 0
        assert night.archive.sidecar(11)["revision"] == 3
        night.check_archive()
        assert await night.findings() == []


async def test_what_is_no_sidecar_at_the_place_of_one_is_named_and_left_alone(
    tmp_path: Path,
) -> None:
    world = World().call(2).recording(21)
    async with bench(tmp_path, world) as night:
        await night.run()
        world.call(1).recording(11)
        path = night.archive.root / "50001/1/11.json"
        path.parent.mkdir(parents=True)
        path.write_text("no sidecar")
        report = await night.run()
        assert reasons(report) == {11: "different-bytes"}
        assert path.with_suffix(".wav").read_bytes() == audio_of(world)[11]
        assert path.read_text() == "no sidecar"
        path.unlink()
        night.clock.advance(days=1)
        assert (await night.run()).exit_code == 0
        night.check_archive()


async def test_a_ledger_that_lost_its_end_is_damage_and_nothing_is_written(tmp_path: Path) -> None:
    world = World().call(1).recording(11)
    async with bench(tmp_path, world) as night:
        await night.run()
        last = max((night.archive.root / "_archive/ledger").glob("*.jsonl"))
        last.unlink()
        before = night.archive.objects()
        with pytest.raises(ArchiveDamaged):
            await night.run()
        assert night.archive.objects() == before
