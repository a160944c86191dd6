"""The archive as evidence: keys, ledger, other writers, clocks that jump, hands that meddle."""

import fcntl
import hashlib
import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from archiver.errors import ArchiverError
from archiver.sandbox.audio import wav
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import BatchLimit, Fault, Happens, OtherFile, Status
from archiver.sandbox.world import World
from tests.support.witness import Witness, digest
from tests.support.world import QUICK, audio_of, bench, reasons, told

pytestmark = pytest.mark.anyio


def some(calls: int) -> World:
    world = World()
    for _ in range(calls):
        world.call().recording()
    return world


async def test_a_key_names_the_lead_of_the_recording_else_of_the_call_else_none(
    tmp_path: Path,
) -> None:
    world = World().call(1, lead=5).recording(11, lead_id=6).call(2, lead=7)
    world.recording(21, lead_id=None).call(3, lead=None).recording(31, lead_id=None)
    async with bench(tmp_path, world) as night:
        await night.run()
        keys = {one.record: (one.lead, one.call) for one in night.archive.recordings().values()}
        assert keys == {11: (6, 1), 21: (7, 2), 31: (0, 3)}
        assert [night.archive.sidecar(one)["leadId"] for one in (11, 21, 31)] == [6, 7, None]


async def test_a_call_that_moves_to_another_order_is_the_same_call(tmp_path: Path) -> None:
    world = World().order(2).call(1, order=1).recording(11)
    async with bench(tmp_path, world, Fault(Route.CALLS, BatchLimit(1))) as night:
        await night.run()
        world.change_call(1, order_id=2)
        night.clock.advance(days=1)
        report = await night.run()
        assert told(report) == {"archived": 1}
        assert night.files(11) == 1
        night.check_archive()


async def test_a_source_that_serves_other_bytes_later_changes_nothing(tmp_path: Path) -> None:
    async with bench(tmp_path, some(1)) as night:
        await night.run()
        before = night.archive.objects()["50001/1/900001.wav"]
        night.sandbox.faults.add(Fault(Route.FILE, OtherFile(wav(5000, 5))))
        night.world.change_recording(900_001, summary="New.")
        night.clock.advance(days=1)
        assert (await night.run(recheck=True)).exit_code == 0
        assert night.archive.objects()["50001/1/900001.wav"] == before
        night.archive.check()


async def test_the_report_in_the_archive_is_the_report_that_was_told(tmp_path: Path) -> None:
    async with bench(tmp_path, some(3), Fault(Route.FILE, Status(500), id=900_001)) as night:
        report = (await night.run()).as_json()
        (stored,) = night.archive.reports()
        assert stored.pop("ledgerHead") != report.pop("ledgerHead") == night.archive.head()
        assert stored == report
        (ended,) = night.archive.events("run")
        assert ended["complete"] is False


async def test_every_event_says_when_and_in_which_run(tmp_path: Path) -> None:
    async with bench(tmp_path, some(3)) as night:
        report = await night.run()
        for event in night.archive.events():
            assert event["at"] == "2026-11-03T01:00:00Z"
            assert event["run"] == report.run_id


async def test_many_events_make_many_segments_of_one_chain(tmp_path: Path) -> None:
    async with bench(tmp_path, some(60), pace=replace(QUICK, segment_events=10)) as night:
        await night.run()
        assert len(night.archive.segments()) > 10
        night.check_archive()
        night.forget_catalog()
        assert (await night.run()).exit_code == 0
        night.check_archive()


async def test_no_event_waits_for_its_segment_until_the_end(tmp_path: Path) -> None:
    patient = replace(QUICK.fetch, attempts=1000, first_wait=0.01, greatest_wait=0.01)
    pace = replace(QUICK, publish_seconds=0.01, fetch=patient)
    async with bench(tmp_path, some(6), pace=pace) as night:
        last = max(audio_of(night.world))
        none_yet = Fault(
            Route.FILE,
            Status(503),
            id=last,
            where=lambda request: not list(night.archive.events("stored")),
        )
        night.sandbox.faults.add(none_yet)
        report = await night.run()
        assert told(report, of="recordings") == {"archived": 6}
        assert night.sandbox.count(Route.FILE) > 6
        night.check_archive()


def append_foreign(archive: Witness) -> bool:
    """Another writer adds an event of a kind that is unknown here; False: not its turn.

    It needs no lock on the archive; the end of the ledger is locked for a moment.
    """
    lock = os.open(archive.root / "_archive/tmp/ledger-lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        segments = archive.segments()
        number, previous = len(segments) + 1, digest(segments[-1])
        claim = f"{number:08d}.claim"
        header = {
            "segment": number,
            "archive": archive.format()["archiveId"],
            "previous": previous,
            "claim": claim,
        }
        event = {"what": "unheard-of", "at": "2026-11-03T01:00:00Z", "run": "other-1", "leadId": 5}
        data = b"".join(json.dumps(line).encode() + b"\n" for line in (header, event))
        key = f"_archive/ledger/{number:08d}-{digest(data)}.jsonl"
        (archive.root / key).write_bytes(data)
        (archive.root / f"_archive/ledger/{claim}").write_text(f"{digest(data)}  {key}\n")
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


async def test_another_writer_of_the_ledger_is_let_in(tmp_path: Path) -> None:
    async with bench(tmp_path, some(40), pace=replace(QUICK, segment_events=10)) as night:
        assert (await night.run()).exit_code == 0
        for _ in range(40):
            night.world.call(at=night.clock.now - timedelta(hours=5)).recording()
        # Before the first file of this run is there, so no segment of it is being published.
        written: list[bool] = []
        write = Happens(lambda: written.append(append_foreign(night.archive)))
        night.sandbox.faults.add(Fault(Route.FILE, write, times=1))
        assert (await night.run()).exit_code == 0
        assert written == [True]
        assert [event["run"] for event in night.archive.events("unheard-of")] == ["other-1"]
        night.check_archive()
        night.forget_catalog()
        assert (await night.run()).exit_code == 0
        night.check_archive()


async def test_a_clock_that_was_set_back_loses_nothing(tmp_path: Path) -> None:
    async with bench(tmp_path, some(3)) as night:
        await night.run()
        night.clock.advance(days=-3)
        await night.run()
        night.clock.advance(days=4)
        night.world.call(at=night.clock.now - timedelta(hours=5)).recording()
        assert (await night.run()).exit_code == 0
        night.check_archive()


@pytest.mark.parametrize("damage", ["cut", "gone", "other", "empty"])
async def test_a_sidecar_that_is_damaged_is_damage_and_is_not_repaired_silently(
    tmp_path: Path, damage: str
) -> None:
    world = World().call(1).recording(11, summary=None).call(2).recording(21)
    async with bench(tmp_path, world) as night:
        await night.run()
        path = night.archive.root / "50001/1/11.json"
        data = path.read_bytes()
        match damage:
            case "cut":
                path.write_bytes(data[:-20])
            case "gone":
                path.unlink()
            case "other":
                path.write_bytes(data.replace(b"liner-recording/1", b"liner-recording/9"))
            case _:
                path.write_bytes(b"")
        world.change_recording(11, summary="Late.")
        night.clock.advance(days=1)
        before = night.archive.objects()
        report = await night.run()
        assert report.exit_code == 4
        assert "50001/1/11.json" in report.as_json()["damaged"][0]
        after = night.archive.objects()
        assert {k: v for k, v in after.items() if k in before} == before


async def test_a_sidecar_that_a_hand_changed_is_damage_and_no_revision(tmp_path: Path) -> None:
    """It is still JSON of the format; its digest is not the one that the ledger tells."""
    world = World().user(101).call(1).recording(11, summary=None)
    async with bench(tmp_path, world) as night:
        await night.run()
        path = night.archive.root / "50001/1/11.json"
        changed = path.read_bytes().replace(b"Anna Price", b"Anna Prise")
        path.write_bytes(changed)
        world.change_recording(11, summary="Late.")
        night.clock.advance(days=1)
        report = await night.run()
        assert report.exit_code == 4
        assert path.read_bytes() == changed


async def test_a_catalog_within_the_archive_is_refused(tmp_path: Path) -> None:
    """An archive holds evidence and nothing else."""
    inside = {"catalog": {"path": str(tmp_path / "archive/catalog.sqlite")}}
    async with bench(tmp_path, some(1), settings=inside) as night:
        with pytest.raises(ArchiverError):
            await night.run()
        assert not (tmp_path / "archive/catalog.sqlite").exists()


async def test_an_archive_moved_to_another_place_is_the_same_archive(tmp_path: Path) -> None:
    async with bench(tmp_path, some(3)) as night:
        await night.run()
        (tmp_path / "archive").rename(tmp_path / "moved")
        night.settings["storage"] = {"url": str(tmp_path / "moved")}
        night.clock.advance(days=1)
        report = await night.run()
        assert told(report, of="recordings") == {"already": 3}
        assert len(list(night.state.glob("*.sqlite"))) == 1
        assert not (tmp_path / "archive").exists()
        Witness(tmp_path / "moved").check()


async def test_two_recordings_of_the_same_bytes_are_two_recordings(tmp_path: Path) -> None:
    twin = wav(4096, 1)
    world = World().call(1).recording(11, audio=twin).recording(12, audio=twin)
    async with bench(tmp_path, world) as night:
        await night.run()
        sums = {one.sidecar["audio"]["sha256"] for one in night.archive.recordings().values()}
        assert sums == {hashlib.sha256(twin.data).hexdigest()}
        night.check_archive()


async def test_a_key_that_holds_other_bytes_is_a_finding_for_a_person(tmp_path: Path) -> None:
    """A file of that name is there, which neither ledger nor catalog tells of."""
    async with bench(tmp_path, some(2)) as night:
        await night.run(calls=(2,))
        squatter = night.archive.root / "50001/1/900001.wav"
        squatter.parent.mkdir(parents=True)
        squatter.write_bytes(b"RIFF somebody else's")
        report = await night.run()
        assert reasons(report) == {900_001: "different-bytes"}
        assert squatter.read_bytes() == b"RIFF somebody else's"
        assert report.as_json()["problems"][0]["retryable"] is False
