"""Every archived recording is examined once, and what is found stands in ledger and sidecar."""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from archiver.archive.archive import Archive
from archiver.archive.opening import locked_archive, watched_archive
from archiver.archive.reindex import reindex
from archiver.archive.status import look
from archiver.catalog import inspections
from archiver.catalog.inspections import Examinable
from archiver.inspection.inspect import Inspection, inspect
from archiver.inspection.lengths import put_lengths_right
from archiver.inspection.write import write_findings
from archiver.ledger.events import Inspected
from archiver.recordings import sidecar
from archiver.recordings.revisions import read_link, succession
from archiver.sandbox.audio import Audio
from archiver.sandbox.world import World
from archiver.sound.figures import SOUND_FINDINGS
from archiver.storage.base import Body
from archiver.storage.keys import revision_key, sidecar_key
from tests.sound.corpus import CODECS, Samples, beside, noise, speech, written
from tests.support.world import Night, bench

pytestmark = pytest.mark.anyio

EXAMINED = {"inspect": {"after_run": True, "workers": 1}}


@pytest.fixture
def recorded(tmp_path: Path) -> World:
    """Call 1 is good, call 2 silent, call 3 has a dead side, nothing decodes call 4, and call 5 has
    ten minutes of talk in ten seconds of recording."""
    said = speech()
    return (
        World()
        .call(1)
        .recording(11, audio=audio(tmp_path, said))
        .call(2)
        .recording(12, audio=audio(tmp_path, noise(10, -80)))
        .call(3)
        .recording(13, audio=audio(tmp_path, beside(said, noise(10, -80))))
        .call(4)
        .recording(14, audio=Audio(b"#!AMR\n" + bytes(5000), "audio/amr"))
        .call(5, talk=600)
        .recording(15, audio=audio(tmp_path, said * 0.5))
    )


def audio(folder: Path, samples: Samples) -> Audio:
    path = written(folder, samples, CODECS[0])
    assert path is not None
    return Audio(Path(path).read_bytes(), "audio/wav")


FOUND = {12: ["silent"], 13: ["dead-side"], 15: ["short-talk"]}


def findings(night: Night) -> dict[int, list[str]]:
    """By recording, what its sidecar names among the findings of the sound."""
    found = {}
    for path in sorted(night.archive.root.glob("[0-9]*/*/*.json")):
        fields = json.loads(path.read_bytes())
        said = [one for one in fields["audio"]["findings"] if one in SOUND_FINDINGS]
        if said:
            found[fields["recordId"]] = said
    return found


async def examine(night: Night, **wanted: Any) -> Inspection:
    """As `archiver inspect` does, without the lock."""
    async with watched_archive(night.config(), state_folder=night.state) as archive:

        async def tell(events: Sequence[Inspected]) -> None:
            if events:
                await archive.announce(events, at=night.clock(), run="inspect-1")

        return await inspect(archive, workers=1, tell=tell, **wanted)


async def write(night: Night) -> list[str]:
    opened = locked_archive(
        night.config(), owner="inspect", state_folder=night.state, clock=night.clock
    )
    async with opened as archive:
        damaged = await write_findings(archive, clock=night.clock, act="inspect-1")
        await archive.publish()
        return damaged


async def test_a_run_examines_what_it_has_fetched(tmp_path: Path, recorded: World) -> None:
    async with bench(tmp_path, recorded, settings=EXAMINED) as night:
        report = await night.run()
        assert report.complete
        told = report.as_json()["sound"]
        assert (told["examined"], told["undecoded"], told["whole"]) == (5, 1, True)
        assert told["whyUndecoded"] == {"unknown-codec": 1}
        assert {one["recordId"]: one["findings"] for one in told["found"]} == FOUND
        assert findings(night) == FOUND
        assert await night.findings() == []
        night.archive.check()
        again = await night.run()
        assert again.as_json()["sound"]["examined"] == 0


async def test_the_figures_of_a_finding_stand_in_the_sidecar(
    tmp_path: Path, recorded: World
) -> None:
    async with bench(tmp_path, recorded, settings=EXAMINED) as night:
        await night.run()
        (path,) = night.archive.root.glob("[0-9]*/*/13.json")
        sidecar = json.loads(path.read_bytes())
        assert sidecar["revision"] == 2
        left, right = sidecar["audio"]["sound"]["sides"]
        assert left["talk"] > 8 > right["talk"]
        (good,) = night.archive.root.glob("[0-9]*/*/11.json")
        assert json.loads(good.read_bytes())["revision"] == 1


async def test_an_archive_from_before_is_examined_beside_a_run(
    tmp_path: Path, recorded: World
) -> None:
    async with bench(tmp_path, recorded) as night:
        await night.run()
        opened = locked_archive(
            night.config(), owner="a run", state_folder=night.state, clock=night.clock
        )
        async with opened:
            found = await examine(night)
        assert (found.examined, sorted(found.found)) == (5, [12, 13, 15])
        assert findings(night) == {}
        assert await write(night) == []
        assert findings(night) == FOUND
        assert await night.findings() == []


async def test_an_interrupted_examination_goes_on_where_it_was(
    tmp_path: Path, recorded: World
) -> None:
    async with bench(tmp_path, recorded) as night:
        await night.run()
        looks = iter([False, False, False])
        first = await examine(night, is_over=lambda: next(looks, True))
        assert not first.is_whole
        second = await examine(night)
        assert second.is_whole
        assert first.examined + second.examined == 5
        assert first.examined > 0
        assert (await examine(night)).examined == 0
        assert (await examine(night, again=True)).examined == 5


async def test_a_catalog_made_anew_knows_what_was_found(tmp_path: Path, recorded: World) -> None:
    async with bench(tmp_path, recorded, settings=EXAMINED) as night:
        await night.run()
        before = await look(night.config(), state_folder=night.state, clock=night.clock)
        night.forget_catalog()
        await reindex(night.config(), state_folder=night.state)
        after = await look(night.config(), state_folder=night.state, clock=night.clock)
        assert after.sound == before.sound
        assert after.sound.findings == {"silent": 1, "dead-side": 1, "short-talk": 1}
        assert (after.sound.examined, after.sound.undecoded) == (5, 1)


async def test_changed_bytes_are_left_to_verify(tmp_path: Path, recorded: World) -> None:
    async with bench(tmp_path, recorded) as night:
        await night.run()
        (path,) = night.archive.root.glob("[0-9]*/*/12.wav")
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:-1] + b"!")
        found = await examine(night)
        assert found.unproved == [12]
        assert 12 not in found.found
        assert found.is_whole


async def test_a_sidecar_that_was_changed_is_named_and_left_alone(
    tmp_path: Path, recorded: World
) -> None:
    async with bench(tmp_path, recorded) as night:
        await night.run()
        await examine(night)
        (path,) = night.archive.root.glob("[0-9]*/*/12.json")
        path.chmod(0o644)
        touched = path.read_bytes().replace(b'"revision": 1', b'"revision": 7')
        path.write_bytes(touched)
        (damaged,) = await write(night)
        assert damaged.endswith("12.wav")
        assert path.read_bytes() == touched
        assert sorted(findings(night)) == [13, 15]


async def test_what_was_written_and_not_told_is_told_by_the_next(
    tmp_path: Path, recorded: World
) -> None:
    """As after a kill between the sidecar and the telling."""
    async with bench(tmp_path, recorded) as night:
        await night.run()
        await examine(night)
        state = night.folder / "kept"
        state.mkdir()
        ledger = night.archive.root / "_archive" / "ledger"
        before = {path.name for path in ledger.iterdir()}
        await write(night)
        for path in ledger.iterdir():
            if path.name not in before:
                path.unlink()
        night.forget_catalog()
        assert await write(night) == []
        assert findings(night) == FOUND
        assert await night.findings() == []


async def test_a_later_revision_of_the_metadata_keeps_what_was_found(
    tmp_path: Path, recorded: World
) -> None:
    async with bench(tmp_path, recorded, settings=EXAMINED) as night:
        await night.run()
        recorded.change_recording(12, summary="Nobody was heard")
        night.clock.advance(days=1)
        await night.run(recheck=True)
        assert findings(night) == FOUND
        assert await night.findings() == []


async def test_questions_of_the_check_are_asked_by_id(tmp_path: Path, recorded: World) -> None:
    async with bench(tmp_path, recorded) as night:
        await night.run()
        async with watched_archive(night.config(), state_folder=night.state) as archive:
            wanted = inspections.Wanted(rules=1)
            ask = archive.catalog.ask
            page = await ask(partial(inspections.due, wanted=wanted, after=11, most=2))
            assert [one.record_id for one in page] == [12, 13]
            everything = await ask(partial(inspections.due, wanted=wanted, after=0, most=9))
            count, size = await ask(partial(inspections.how_many, wanted=wanted))
            assert (count, size) == (5, sum(one.size for one in everything))
            later = replace(wanted, since=night.clock())
            assert (await ask(partial(inspections.how_many, wanted=later)))[0] in (0, 5)


async def test_a_length_that_an_earlier_version_measured_wrongly_is_put_right(
    tmp_path: Path, recorded: World
) -> None:
    async with bench(tmp_path, recorded) as night:
        await night.run()
        opened = locked_archive(
            night.config(), owner="inspect", state_folder=night.state, clock=night.clock
        )
        async with opened as archive:
            await misstate(archive, night.clock(), 11, 12.5)

            async def tell(events: Sequence[Inspected]) -> None:
                await archive.catalog.record(events, at=night.clock(), run="inspect-1")

            async def locked_out(recordings: Sequence[Examinable]) -> bool:
                return False

            async def put_right(recordings: Sequence[Examinable]) -> bool:
                return not await put_lengths_right(
                    archive, recordings, clock=night.clock, act="inspect-1"
                )

            first = await inspect(archive, workers=2, tell=tell, put_right=locked_out)
            assert (first.examined, first.lengths_put_right) == (4, 0)
            second = await inspect(archive, workers=1, tell=tell, put_right=put_right)
            assert (second.examined, second.lengths_put_right) == (1, 1)
            await archive.publish()
        assert night.archive.sidecar(11)["audio"]["measuredSeconds"] == pytest.approx(10.5, abs=0.2)
        assert await night.findings() == []


async def misstate(archive: Archive, at: datetime, record_id: int, seconds: float) -> None:
    """Replace the sidecar by one that states another length, as if it had been measured so."""
    (recording,) = await archive.catalog.ask(
        partial(inspections.due, wanted=inspections.Wanted(1), after=record_id - 1, most=1)
    )
    key, storage = sidecar_key(recording.key), archive.storage
    right = await read_link(storage, key)
    await storage.put(revision_key(key, 1), Body.of(right.data, "application/json"))
    wrong = sidecar.remeasured(right.card, seconds, (), archived_at=at, version="0.1.0")
    assert wrong is not None
    body = Body.of(wrong.encode(), "application/json")
    await storage.put(key, body, replacing=right.info.tag)
    kept = await read_link(storage, revision_key(key, 1))
    told = succession(record_id, kept, await read_link(storage, key))
    await archive.catalog.record([told], at=at, run="earlier")


async def test_a_damaged_sidecar_that_the_check_meets_is_in_the_report_that_is_stored(
    tmp_path: Path, recorded: World
) -> None:
    async with bench(tmp_path, recorded) as night:
        await night.run()
        await examine(night)
        (path,) = night.archive.root.glob("[0-9]*/*/12.json")
        path.chmod(0o644)
        path.write_bytes(path.read_bytes().replace(b'"revision": 1', b'"revision": 7'))
        night.clock.advance(days=1)
        report = await night.run(settings=EXAMINED)
        assert report.exit_code == 4
        stored = json.loads(
            (night.archive.root / f"_archive/runs/{report.run_id}.json").read_bytes()
        )
        assert stored["damaged"] == report.damaged != []
        assert stored["complete"] is False
        status = await look(night.config(), state_folder=night.state)
        assert status.overview.runs[0].complete is False


async def test_the_stored_report_has_the_numbers_of_the_check_and_names_no_recording(
    tmp_path: Path, recorded: World
) -> None:
    async with bench(tmp_path, recorded, settings=EXAMINED) as night:
        report = await night.run()
        stored = json.loads(
            (night.archive.root / f"_archive/runs/{report.run_id}.json").read_bytes()
        )
        assert stored["sound"]["examined"] == 5
        assert not any(isinstance(one, list) for one in stored["sound"].values())
