"""One lead, one package: what is in it, what is said of it, and what is never left behind."""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import anyio
import pytest

from archiver.archive import watched_archive
from archiver.errors import ArchiveDamaged, NoArchive, SourceError, StorageFull, UsageError
from archiver.export import sinks
from archiver.export.choosing import NothingToExport
from archiver.ledger.events import Erasing, Event, Removed, Removing
from archiver.liner.client import LinerClient
from archiver.progress import BytesReceived
from archiver.sandbox.audio import wav
from archiver.sandbox.cues import Fault
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Status
from archiver.sandbox.world import World
from archiver.storage.lock import archive_lock
from archiver.storage.opening import open_storage
from tests.export.packages import HOSTILE, LEAD, PHONE, Package, exported, one_lead
from tests.world import audio_of, bench

pytestmark = pytest.mark.anyio


def left_in(folder: Path) -> list[str]:
    """What lies there beside the archive and the catalog."""
    return sorted(
        path.name for path in folder.iterdir() if path.name not in ("archive", "state", "other")
    )


async def test_a_folder_holds_all_calls_of_the_lead_and_is_a_valid_bag(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.world.call(999, lead=5).recording(99)
        night.clock.advance(days=2)
        report = await exported(night, tmp_path / "lead", leads=(LEAD,))
        package = Package(tmp_path / "lead")
        package.validate()
        package.check()
        assert (report.exit_code, report.calls, report.recordings) == (0, 7, 7)
        expected = audio_of(night.world)
        del expected[99]
        assert package.audio() == expected


async def test_a_zip_holds_one_folder_which_is_a_valid_bag(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        await exported(night, tmp_path / "lead-789.zip", leads=(LEAD,))
        package = Package.unzipped(tmp_path / "lead-789.zip", tmp_path / "other")
        assert package.root.name == "lead-789"
        package.validate()
        package.check()
        assert package.audio() == audio_of(night.world)
        assert left_in(tmp_path) == ["lead-789.zip"]


async def test_what_the_archive_lacks_is_fetched_first_of_all_time(tmp_path: Path) -> None:
    world = World().call(1, lead=LEAD, at="2019-05-01T10:00:00Z").recording(11)
    async with bench(tmp_path, world, settings={"scope": {"orders": [77], "users": [5]}}) as night:
        report = await exported(night, tmp_path / "lead", leads=(LEAD,))
        assert (report.recordings, report.fetched.recordings) == (1, 1)
        period = Package(tmp_path / "lead").custody["period"]
        assert period["firstCall"] == "2019-05-01T10:00:00Z"
        assert period["askedSince"] == "2000-01-01T00:00:00Z"
        assert night.cursors() == {}


async def test_the_table_names_every_call_those_without_a_recording_too(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        await exported(night, tmp_path / "lead", leads=(LEAD,))
        package = Package(tmp_path / "lead")
        rows = package.rows()
        assert [(row["callId"], row["recordId"]) for row in rows[:2]] == [
            ("123", "900101"),
            ("124", ""),
        ]
        assert (rows[1]["state"], rows[1]["direction"], rows[1]["status"]) == (
            "none",
            "outgoing",
            "no-answer",
        )
        assert rows[1]["clientPhone"] == f"'{PHONE}"
        assert rows[0]["file"] in package.manifest or f"data/{rows[0]['file']}" in package.manifest
        legs = [row for row in rows if row["callId"] == "70108"]
        assert [(row["agent"], row["transfer"]) for row in legs] == [
            ("Maria Lopez", ""),
            ("Karen Mills", "yes"),
        ]


async def test_the_same_input_gives_the_same_manifest_zip_and_folder_alike(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        first = await exported(night, tmp_path / "one.zip", leads=(LEAD,))
        night.clock.advance(hours=5)
        second = await exported(night, tmp_path / "two", leads=(LEAD,))
        assert first.manifest_sha256 == second.manifest_sha256
        one = Package.unzipped(tmp_path / "one.zip", tmp_path / "other")
        two = Package(tmp_path / "two")
        assert one.files["manifest-sha256.txt"] == two.files["manifest-sha256.txt"]
        assert one.custody["exportedAt"] != two.custody["exportedAt"]


async def test_offline_packs_without_a_request_and_names_what_is_open(tmp_path: Path) -> None:
    world = one_lead().change_recording(900106, file_url=None)
    async with bench(tmp_path, world) as night:
        night.clock.advance(days=2)
        await night.run()
        before = night.sandbox.count()
        report = await exported(night, tmp_path / "lead", leads=(LEAD,), offline=True)
        assert night.sandbox.count() == before
        assert report.exit_code == 3
        (missing,) = report.missing
        assert (missing.call_id, missing.record_id, missing.state) == (126, 900106, "waiting")
        package = Package(tmp_path / "lead")
        assert package.custody["missing"][0]["reason"].endswith("without an address yet")
        assert "Recording 900106 is not in this package" in package.page
        package.validate()


async def test_offline_without_an_archive_says_so(tmp_path: Path) -> None:
    async with bench(tmp_path) as night:
        with pytest.raises(NoArchive):
            await exported(night, tmp_path / "lead", leads=(1,), offline=True)
        assert left_in(tmp_path) == []


async def test_an_unknown_lead_leaves_no_file(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        with pytest.raises(NothingToExport, match="no calls for lead 7, neither") as caught:
            await exported(night, tmp_path / "lead.zip", leads=(7,))
        assert caught.value.exit_code == 3
        assert left_in(tmp_path) == []
        assert list(night.archive.events("exported")) == []


async def test_an_erased_lead_is_not_fetched_again(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        await night.run()
        async with watched_archive(night.config(), state_folder=night.state) as archive:
            calls = (123, 124, 125, 126, 70108, 128, 129)
            event = Erasing(lead_id=LEAD, before=night.clock(), call_ids=calls)
            await archive.announce([event], at=night.clock(), run="erase")
        with pytest.raises(NothingToExport, match="erased from this archive"):
            await exported(night, tmp_path / "lead", leads=(LEAD,))


async def test_one_unknown_lead_among_others_is_named(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        report = await exported(night, tmp_path / "lead", leads=(LEAD, 7))
        assert (report.exit_code, list(report.not_found)) == (3, ["lead 7"])
        assert "Nothing was found for lead 7" in (tmp_path / "lead/custody.html").read_text("utf-8")


async def test_calls_of_another_lead_come_with_a_recording_of_this_one_and_are_named(
    tmp_path: Path,
) -> None:
    world = World().call(1, lead=LEAD).recording(11).call(2, lead=5).recording(12, lead_id=LEAD)
    async with bench(tmp_path, world) as night:
        await night.run()
        report = await exported(night, tmp_path / "lead", leads=(LEAD,))
        assert report.calls == 2
        assert list(report.differences) == [
            f"call 2: recording 12 names lead {LEAD}, its call lead 5"
        ]
        row = Package(tmp_path / "lead").rows()[1]
        assert (row["callId"], row["leadId"]) == ("2", str(LEAD))
        assert "its call lead 5" in row["note"]


async def test_talk_without_a_recording_is_named(tmp_path: Path) -> None:
    world = World().call(1, lead=LEAD).recording(11)
    world.call(2, lead=LEAD, talk=95, has_records=False)
    async with bench(tmp_path, world) as night:
        await night.run()
        report = await exported(night, tmp_path / "lead", leads=(LEAD,))
        (said,) = report.differences
        assert said.startswith("call 2: there were ")
        assert "the source lists no recording of it" in said
        row = Package(tmp_path / "lead").rows()[1]
        assert (row["callId"], row["state"]) == ("2", "none")
        assert "of talk" in row["note"]


async def test_a_recording_listed_under_two_calls_is_packed_once_and_shown_twice(
    tmp_path: Path,
) -> None:
    world = World().call(1, lead=LEAD).recording(11).call(2, lead=LEAD).recording(11)
    async with bench(tmp_path, world) as night:
        report = await exported(night, tmp_path / "lead", leads=(LEAD,))
        package = Package(tmp_path / "lead")
        assert (report.calls, report.recordings, len(package.audio())) == (2, 1, 1)
        assert [row["callId"] for row in package.rows()] == ["1", "2"]
        assert len({row["file"] for row in package.rows()}) == 1
        package.check()


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
        assert "--lead" in caught.value.hint


async def test_the_custody_record_says_who_when_from_where_and_how_the_ledger_stood(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        await night.run()
        head = night.archive.head()
        report = await exported(
            night, tmp_path / "lead", leads=(LEAD,), offline=True, by="Anna <b>"
        )
        told = Package(tmp_path / "lead").custody
        assert told["exportedBy"] == {"name": "Anna <b>", "user": "tester", "host": "testhost"}
        assert told["exportedAt"] == "2026-11-05T01:00:00Z"
        assert told["archive"]["id"] == night.archive.format()["archiveId"]
        assert told["archive"]["ledgerHead"]["sha256"] == head
        assert told["recordedIn"]["sha256"] == night.archive.head() == report.head.digest
        assert told["counts"]["recordings"] == len(told["recordings"]) == 7
        page = (tmp_path / "lead/custody.html").read_text("utf-8")
        assert "Anna &lt;b&gt;" in page
        assert str(head) in page


async def test_the_ledger_tells_of_the_export_and_a_new_catalog_knows_it(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        report = await exported(night, tmp_path / "lead", leads=(LEAD,))
        (told,) = night.archive.events("exported")
        assert told["run"] == report.export_id
        assert told["leadIds"] == [LEAD]
        assert told["manifestSha256"] == report.manifest_sha256
        assert sorted(told["recordIds"]) == sorted(audio_of(night.world))
        assert "Anna" not in json.dumps(told)
        night.archive.check()
        async with watched_archive(night.config(), state_folder=tmp_path / "new") as archive:
            rows = await archive.catalog.ask(
                lambda db: db.execute("SELECT export_id, count(*) FROM exported").fetchall()
            )
        assert rows == [(report.export_id, 7)]
        assert (await night.run()).exit_code == 0


async def test_while_a_run_holds_the_archive_what_is_there_is_packed(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        await night.run()
        storage = open_storage(night.config().storage)
        async with archive_lock(storage, "the nightly run"):
            report = await exported(night, tmp_path / "lead", leads=(LEAD,))
        assert (report.exit_code, report.fetched.mode, report.recordings) == (0, "held", 7)


async def test_held_and_without_an_api_the_package_says_that_calls_may_be_missing(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        await night.run()
        night.sandbox.faults.add(Fault(Route.CALLS, Status(403)))
        storage = open_storage(night.config().storage)
        async with archive_lock(storage, "the nightly run"):
            report = await exported(night, tmp_path / "lead", leads=(LEAD,))
        assert (report.exit_code, report.recordings) == (3, 7)
        page = (tmp_path / "lead/custody.html").read_text("utf-8")
        assert "Calls may be missing" in page


async def test_while_a_run_holds_the_archive_new_calls_are_named_as_missing(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        await night.run()
        night.clock.advance(days=2)
        storage = open_storage(night.config().storage)
        async with archive_lock(storage, "the nightly run"):
            report = await exported(night, tmp_path / "lead", leads=(LEAD,))
        assert (report.exit_code, report.recordings) == (3, 2)
        assert {one.call_id for one in report.missing} == {126, 70108, 128, 129}
        assert {one.state for one in report.missing} == {"not-fetched"}
        row = next(row for row in Package(tmp_path / "lead").rows() if row["callId"] == "126")
        assert (row["agent"], row["direction"]) == ("David Walsh", "incoming")
        Package(tmp_path / "lead").validate()


async def test_an_api_that_is_down_is_said_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(tmp_path, one_lead()) as night:
        await night.run()

        async def down(self: object) -> Iterable[object]:
            raise SourceError("the API is down", hint="wait")

        monkeypatch.setattr(LinerClient, "orders", down)
        with pytest.raises(SourceError) as caught:
            await exported(night, tmp_path / "lead", leads=(LEAD,))
        assert caught.value.hint == "wait; or pack what the archive holds, with --offline"
        assert left_in(tmp_path) == []


async def test_calls_that_the_api_does_not_list_are_said_to_be_missing(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead(), Fault(Route.CALLS, Status(403))) as night:
        with pytest.raises(NothingToExport, match="the API did not list them"):
            await exported(night, tmp_path / "lead", leads=(LEAD,))


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


DAMAGES: dict[str, Callable[[Path], object]] = {
    "audio": lambda root: flip(root / f"{LEAD}/126/900106.mp3"),
    "sidecar": lambda root: flip(root / f"{LEAD}/126/900106.json"),
    "missing": lambda root: (root / f"{LEAD}/126/900106.mp3").unlink(),
    "no sidecar": lambda root: (root / f"{LEAD}/126/900106.json").unlink(),
    "short": lambda root: os.truncate(root / f"{LEAD}/126/900106.mp3", 100),
    "long": lambda root: lengthen(root / f"{LEAD}/126/900106.mp3"),
}


@pytest.mark.parametrize("kind", DAMAGES)
async def test_a_damaged_recording_is_named_and_nothing_is_exported(
    tmp_path: Path, kind: str
) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        await night.run()
        DAMAGES[kind](night.archive.root)
        for name in ("lead", "lead.zip"):
            with pytest.raises(ArchiveDamaged, match="126/900106") as caught:
                await exported(night, tmp_path / name, leads=(LEAD,), offline=True)
            assert caught.value.exit_code == 4
        assert left_in(tmp_path) == []
        assert list(night.archive.events("exported")) == []


async def test_every_damaged_recording_is_named(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        await night.run()
        flip(night.archive.root / f"{LEAD}/123/900101.mp3")
        flip(night.archive.root / f"{LEAD}/129/900113.mp3")
        with pytest.raises(ArchiveDamaged, match=r"900101\.mp3.*900113\.mp3"):
            await exported(night, tmp_path / "lead", leads=(LEAD,), offline=True)


@pytest.mark.parametrize("kind", ["audio", "sidecar", "missing"])
async def test_damaged_recordings_are_left_out_when_told_so_and_named(
    tmp_path: Path, kind: str
) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        await night.run()
        DAMAGES[kind](night.archive.root)
        report = await exported(
            night, tmp_path / "lead", leads=(LEAD,), offline=True, leave_out_damaged=True
        )
        assert (report.exit_code, report.recordings) == (4, 6)
        package = Package(tmp_path / "lead")
        package.validate()
        assert 900106 not in package.audio()
        assert package.custody["missing"][0]["recordId"] == 900106
        (told,) = night.archive.events("exported")
        assert 900106 not in told["recordIds"]


async def test_a_sidecar_that_a_run_is_just_revising_is_read_from_its_revision(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        await night.run()
        sidecar = night.archive.root / f"{LEAD}/126/900106.json"
        kept = night.archive.root / f"_archive/revisions/{LEAD}/126/900106.1.json"
        kept.parent.mkdir(parents=True)
        kept.write_bytes(sidecar.read_bytes())
        sidecar.write_bytes(sidecar.read_bytes().replace(b'"revision": 1', b'"revision": 2'))
        report = await exported(night, tmp_path / "lead", leads=(LEAD,), offline=True)
        assert report.recordings == 7
        Package(tmp_path / "lead").check()


async def test_a_removed_recording_is_named_and_the_package_is_complete(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        await night.run()
        key = f"{LEAD}/126/900106.mp3"
        async with watched_archive(night.config(), state_folder=night.state) as archive:
            events: list[Event] = [
                Removing(record_ids=(900106,), why="retention"),
                Removed(record_id=900106, call_id=126, why="retention", key=key, sha256="0" * 64),
                Removing(record_ids=(900101,), why="retention"),
            ]
            await archive.announce(events, at=night.clock(), run="prune")
        (night.archive.root / key).unlink()
        report = await exported(night, tmp_path / "lead", leads=(LEAD,), offline=True)
        assert (report.exit_code, report.recordings) == (0, 5)
        assert [(one.record_id, one.state) for one in report.missing] == [
            (900101, "removed"),
            (900106, "removed"),
        ]
        assert "retention" in report.missing[0].reason


@pytest.mark.parametrize("name", ["lead", "lead.zip"])
async def test_a_full_disk_is_an_error_that_leaves_nothing(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = 100_000

    class Full(sinks._SyncedFile if name == "lead" else sinks._Outlet):  # type: ignore[misc]
        def write(self, data: bytes) -> int:
            nonlocal room
            room -= len(data)
            if room < 0 and not getattr(self, "is_abandoned", False):
                raise OSError(28, "No space left on device")
            return int(super().write(data))

    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        await night.run()
        monkeypatch.setattr(sinks, "_SyncedFile" if name == "lead" else "_Outlet", Full)
        with pytest.raises(StorageFull, match="no space left for") as caught:
            await exported(night, tmp_path / name, leads=(LEAD,), offline=True)
        assert caught.value.exit_code == 5
        assert left_in(tmp_path) == []


@pytest.mark.parametrize("name", ["lead", "lead.zip"])
async def test_an_interrupted_export_leaves_nothing(tmp_path: Path, name: str) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        await night.run()
        with anyio.CancelScope() as scope:

            def interrupt(event: object) -> None:
                if isinstance(event, BytesReceived):
                    scope.cancel()

            target = tmp_path / name
            await exported(night, target, leads=(LEAD,), offline=True, on_event=interrupt)
        assert scope.cancelled_caught
        assert left_in(tmp_path) == []
        assert list(night.archive.events("exported")) == []


async def test_a_target_that_is_there_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    (tmp_path / "lead.zip").write_bytes(b"mine")
    async with bench(tmp_path, one_lead()) as night:
        await night.run()
        with pytest.raises(UsageError, match="is there already"):
            await exported(night, tmp_path / "lead.zip", leads=(LEAD,), offline=True)
        assert (tmp_path / "lead.zip").read_bytes() == b"mine"
        await exported(night, tmp_path / "lead.zip", leads=(LEAD,), offline=True, force=True)
        Package.unzipped(tmp_path / "lead.zip", tmp_path / "other").check()


async def test_a_target_inside_the_archive_is_refused(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        await night.run()
        with pytest.raises(UsageError, match="lies inside the archive"):
            await exported(night, night.archive.root / "lead", leads=(LEAD,), offline=True)
        night.archive.check()


async def test_hostile_texts_stay_texts_everywhere(tmp_path: Path) -> None:
    world = World().user(101, HOSTILE, "=cmd").call(1, lead=LEAD, phone="=1+1", status=HOSTILE)
    world.recording(11, summary=HOSTILE).order(1, HOSTILE)
    world.call(2, lead=LEAD, direction="\u202e../../etc", phone="\x1b[31m\ud800")
    world.recording(12, summary="=HYPERLINK(1)\r\nx,y")
    async with bench(tmp_path, world) as night:
        await exported(night, tmp_path / "lead", leads=(LEAD,))
        package = Package(tmp_path / "lead")
        package.check()
        package.validate()
        assert "<img src=x" not in package.page
        assert "\u202e" not in package.page
        assert "\x1b" not in package.page
        assert package.rows()[0]["clientPhone"] == "'=1+1"
        assert package.rows()[1]["summary"].startswith("'=HYPERLINK")
        assert all(".." not in path for path in package.manifest)


async def test_a_secret_in_an_address_is_in_no_file_of_the_package(tmp_path: Path) -> None:
    world = World().call(1, lead=LEAD).recording(11, file_url="{origin}{path}?sig=canary-7f3a")
    async with bench(tmp_path, world) as night:
        await exported(night, tmp_path / "lead", leads=(LEAD,))
        everything = b"".join(Package(tmp_path / "lead").files.values())
        assert b"canary-7f3a" not in everything
        assert night.sandbox.key.encode() not in everything


async def test_files_of_every_size_come_through(tmp_path: Path) -> None:
    world = World().call(1, lead=LEAD)
    sizes = {11: 45, 12: 1 << 20, 13: (1 << 20) + 1, 14: 5_000_001}
    for record_id, size in sizes.items():
        world.recording(record_id, audio=wav(size, record_id))
    async with bench(tmp_path, world) as night:
        await exported(night, tmp_path / "lead.zip", leads=(LEAD,))
        package = Package.unzipped(tmp_path / "lead.zip", tmp_path / "other")
        assert {one: len(data) for one, data in package.audio().items()} == sizes
        package.check()
