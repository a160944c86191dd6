"""What a package holds: all calls of the lead, byte for byte, and nothing that is not theirs."""

from pathlib import Path

import pytest

from archiver.sandbox.audio import wav
from archiver.sandbox.world import World
from tests.export.packages import HOSTILE, LEAD, PHONE, Package, exported, left_in, one_lead
from tests.support.world import audio_of, bench

pytestmark = pytest.mark.anyio


async def test_a_folder_holds_all_calls_of_the_lead_and_is_a_valid_bag(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.world.call(999, lead=5).recording(99)
        night.clock.advance(days=2)
        report = await exported(night, tmp_path / "lead", leads=(LEAD,))
        package = Package(tmp_path / "lead")
        package.validate()
        package.check()
        assert (
            report.exit_code,
            report.contents.calls,
            report.contents.recordings,
        ) == (0, 7, 7)
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


async def test_talk_without_a_recording_is_named(tmp_path: Path) -> None:
    world = World().call(1, lead=LEAD).recording(11)
    world.call(2, lead=LEAD, talk=95, has_records=False)
    async with bench(tmp_path, world) as night:
        await night.run()
        report = await exported(night, tmp_path / "lead", leads=(LEAD,))
        (said,) = report.contents.differences
        assert "of talk time, but the source lists no recording" in said
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
        assert (
            report.contents.calls,
            report.contents.recordings,
            len(package.audio()),
        ) == (2, 1, 1)
        assert [row["callId"] for row in package.rows()] == ["1", "2"]
        assert len({row["file"] for row in package.rows()}) == 1
        package.check()


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
