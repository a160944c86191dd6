"""Whatever the API puts into its rows: no crash, no key outside the scheme, no loss."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from archiver.sandbox.audio import Audio, wav
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import ABSENT, AsText, Data, Fault, Fields, Headers, without
from archiver.sandbox.world import World
from tests.support.world import bench, reasons, told

pytestmark = pytest.mark.anyio

NASTY = "\x1b[31mred\x07\r\n\x00 ../../etc/passwd \u202e\ud800 <script>'\"\\ \U0001f600"
MOMENTS = [
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "0999-06-01T00:00:00Z",
    "1969-12-31T23:59:59.5Z",
    "never",
    "",
    None,
    17,
    {"date": 1},
]


async def test_calls_and_recordings_of_any_time_are_archived_and_told(tmp_path: Path) -> None:
    """Told in a ledger that fills a new catalog."""
    world = World()
    for number, moment in enumerate(MOMENTS, start=1):
        world.call(number, fields={"createdAt": moment})
        world.recording(100 + number, fields={"createdAt": moment})
        world.call(50 + number).recording(200 + number, fields={"createdAt": moment})
    named = tuple(range(1, len(MOMENTS) + 1)) + tuple(range(51, 51 + len(MOMENTS)))
    async with bench(tmp_path, world) as night:
        assert (await night.run(calls=named)).exit_code == 0
        night.check_archive()
        night.forget_catalog()
        report = await night.run(calls=named)
        assert report.exit_code == 0
        assert told(report, of="recordings") == {"already": 2 * len(MOMENTS)}


async def test_lengths_of_any_size_are_archived_and_surveyed(tmp_path: Path) -> None:
    world = World()
    lengths: tuple[Any, ...] = (10**15, 9 * 10**18, "1e300", -5, "NaN", True, "x", 1e-320, {})
    for length in lengths:
        world.call(fields={"talkTimeDurationSeconds": length})
        world.recording(fields={"durationSeconds": length})
    async with bench(tmp_path, world) as night:
        assert (await night.run(dry_run=True)).exit_code == 0
        assert (await night.run()).exit_code == 0
        night.check_archive()
        night.forget_catalog()
        assert (await night.run()).exit_code == 0
        assert (await night.run(dry_run=True)).exit_code == 0


async def test_names_and_summaries_of_any_text_stay_in_the_sidecar(tmp_path: Path) -> None:
    world = World().order(1, NASTY).user(101, NASTY, NASTY)
    world.call(1, phone=NASTY, status=NASTY, fields={NASTY: {NASTY: [NASTY]}})
    world.recording(11, summary=NASTY, fields={"isTransfer": NASTY, NASTY: NASTY})
    async with bench(tmp_path, world) as night:
        report = await night.run()
        assert report.exit_code == 0
        sidecar = night.archive.sidecar(11)
        assert sidecar["recordSummary"] == NASTY
        assert sidecar["record"][NASTY] == NASTY
        assert sidecar["call"] == world.call_row(1)
        raw = (night.archive.root / "50001/1/11.json").read_bytes()
        assert raw.decode("utf-8").count("\x1b") == 0
        assert raw.count(b"\0") == 0
        night.check_archive()
        ledger = b"".join(night.archive.segments())
        assert b"passwd" not in ledger
        world.change_recording(11, summary=NASTY * 2)
        night.clock.advance(days=2)
        assert told(await night.run(), of="recordings") == {"already": 1, "refreshed": 1}
        night.check_archive()


@pytest.mark.parametrize(
    "wrong", ["../../x", -1, 0, 2**63, 1.5, "1e3", True, None, [], "١٢", "0x1F", " "], ids=repr
)
async def test_an_id_that_is_none_names_no_key_and_is_missed(tmp_path: Path, wrong: Any) -> None:
    """Neither as a call nor as a recording; the run says that something is missing."""
    world = World().call(1).recording(11).call(2).recording(21).call(3, lead=None).recording(31)
    hostile = Fields({"id": wrong}, only=2)
    async with bench(
        tmp_path,
        world,
        Fault(Route.CALLS, hostile),
        Fault(Route.RECORDINGS, Fields({"leadId": wrong}, only=11)),
        Fault(Route.RECORDINGS, Fields({"id": wrong}, only=31)),
    ) as night:
        report = await night.run()
        assert report.exit_code == 3
        night.archive.check()
        assert set(night.archive.recordings()) == {11}


@pytest.mark.parametrize("lead", ["007", 7.0, "7", " 7 "], ids=repr)
async def test_a_lead_is_its_number_however_it_is_spelled(tmp_path: Path, lead: Any) -> None:
    world = World().call(1, fields={"leadId": ABSENT}).recording(11, fields={"leadId": lead})
    async with bench(tmp_path, world) as night:
        assert (await night.run()).exit_code == 0
        assert night.archive.recordings()[11].lead == 7
        night.check_archive()


async def test_the_greatest_ids_make_keys_too(tmp_path: Path) -> None:
    most = 2**63 - 1
    world = World().call(most, order=most, lead=most).recording(most)
    async with bench(tmp_path, world) as night:
        assert (await night.run()).exit_code == 0
        assert [(one.lead, one.call) for one in night.archive.recordings().values()] == [
            (most, most)
        ]
        night.forget_catalog()
        assert (await night.run()).exit_code == 0
        night.check_archive()


@pytest.mark.parametrize(
    ("name", "content_type", "extension"),
    [
        ("a.mp3%5c..%5c..%5cx", "audio/unheard-of", "bin"),
        ("a.%2e%2e%2fx", None, "bin"),
        ("a.json", "audio/x; ../../x", "bin"),
        ("a.JSON", "\x01audio", "bin"),
        ("a.toolong", "audio/" + "x" * 300, "bin"),
        ("a.Vox", None, "vox"),
        ("a.ёё", "application/octet-stream", "bin"),
        ("a.", 'audio/"><script>', "bin"),
    ],
)
async def test_an_extension_is_five_letters_or_digits_at_most(
    tmp_path: Path, name: str, content_type: str | None, extension: str
) -> None:
    unknown = Audio(bytes(range(128, 256)) * 40, "audio/x", "x")
    world = World().call(1).recording(11, audio=unknown, file_url="{origin}/files/11/" + name)
    typed = Fault(Route.FILE, Headers({"Content-Type": content_type}))
    async with bench(tmp_path, world, typed) as night:
        assert (await night.run()).exit_code == 0
        stored = night.archive.recordings()[11]
        assert stored.extension == extension
        assert stored.audio == unknown.data
        told_type = stored.sidecar["audio"]["contentType"]
        assert told_type.isascii() and told_type.isprintable()
        assert len(told_type) < 100
        night.check_archive()


async def test_numbers_as_text_and_bools_as_numbers_change_nothing(tmp_path: Path) -> None:
    world = World().call(1).recording(11).call(2, talk=0).call(3, has_records=True)
    async with bench(tmp_path, world, Fault(None, AsText())) as night:
        report = await night.run()
        assert told(report) == {"archived": 1, "none": 1, "waiting": 1}
        assert any("numbers as text" in note for note in report.as_json()["notes"])
        night.check_archive()


@pytest.mark.parametrize("data", [None, [], 7, "x", {"list": None}, {"list": {}}, {}], ids=repr)
async def test_data_of_another_shape_never_means_none(tmp_path: Path, data: Any) -> None:
    world = World().call(1, fields={"hasRecords": ABSENT}).recording(11)
    async with bench(tmp_path, world, Fault(Route.RECORDINGS, Data(data))) as night:
        assert told(await night.run()) == {"failed": 1}
        night.sandbox.faults.clear()
        assert told(await night.run()) == {"archived": 1}
        night.check_archive()


async def test_lean_rows_are_enough(tmp_path: Path) -> None:
    world = World().call(1).recording(11).call(2, order=2).recording(21)
    lean = without("userId", "leadId", "recordSummary", "isTransfer", "createdAt")
    bare = without("orderId", "statusId", "statusCode", "hasRecords", "userId", "direction")
    async with bench(
        tmp_path, world, Fault(Route.RECORDINGS, lean), Fault(Route.CALLS, bare)
    ) as night:
        report = await night.run()
        assert report.exit_code == 0
        sidecar = night.archive.sidecar(21)
        assert (sidecar["orderId"], sidecar["leadId"]) == (2, 50002)
        assert (sidecar["userId"], sidecar["statusCode"]) == (None, None)
        night.check_archive()
        night.clock.advance(days=1)
        assert (await night.run()).exit_code == 0


async def test_only_a_status_id_is_a_status_code_in_the_sidecar(tmp_path: Path) -> None:
    async with bench(
        tmp_path, World().call(1).recording(11), Fault(Route.CALLS, without("statusCode"))
    ) as night:
        await night.run()
        assert night.archive.sidecar(11)["statusCode"] == "answered"


async def test_a_report_in_the_archive_is_ascii_whatever_it_tells(tmp_path: Path) -> None:
    world = World().call(1).recording(11, file_url="https://\x1b[31m\u202e/é")
    async with bench(tmp_path, world) as night:
        report = await night.run()
        assert reasons(report) == {11: "address-invalid"}
        stored = json.dumps(report.as_json())
        assert stored.isascii() and stored.isprintable()


async def test_a_huge_sidecar_is_revised_like_any_other(tmp_path: Path) -> None:
    world = World().call(1).recording(11, summary="x" * 2_000_000, audio=wav(500))
    async with bench(tmp_path, world) as night:
        await night.run()
        night.clock.advance(days=2)
        world.change_recording(11, summary="y" * 2_000_000)
        assert told(await night.run(), of="recordings") == {"already": 1, "refreshed": 1}
        night.check_archive()


async def test_a_call_that_was_created_in_the_future_of_its_page_is_not_lost(
    tmp_path: Path,
) -> None:
    """It lies behind the end of this run's window, and comes with a later one."""
    async with bench(tmp_path, World()) as night:
        now = night.clock.now
        night.world.call(1, at=now - timedelta(minutes=9)).recording(11)
        night.world.call(2, at=now - timedelta(minutes=10)).recording(21)
        night.world.call(3, at=now - timedelta(minutes=10, seconds=1)).recording(31)
        await night.run()
        assert set(night.archive.recordings()) == {31}
        night.clock.advance(minutes=2)
        await night.run()
        night.check_archive()
