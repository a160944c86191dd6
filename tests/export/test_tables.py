"""calls.xlsx and loadfile.dat, read by programs that are not ours."""

import csv
import io
import zipfile
from dataclasses import fields
from pathlib import Path

import openpyxl
import pytest

from archiver.export.entries import CallEntry
from archiver.export.voice import Voice
from archiver.export.workbook import Workbook
from archiver.sandbox.world import World
from tests.export.packages import HOSTILE, LEAD, PHONE, Package, exported, one_lead
from tests.support.world import bench

pytestmark = pytest.mark.anyio


def sheet_of(package: Package, name: str = "Calls") -> list[dict[str, object]]:
    """The rows of a sheet by their headers, as openpyxl reads them."""
    book = openpyxl.load_workbook(package.root / "data/calls.xlsx")
    header, *rows = book[name].iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def loads(package: Package) -> list[dict[str, str]]:
    """A load file as the csv module of Python reads it, told its delimiters."""
    data = (package.root / "data/loadfile.dat").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    text = io.StringIO(data.decode("utf-8-sig"), newline="")
    return list(csv.DictReader(text, delimiter="\x14", quotechar="\xfe"))


async def test_the_workbook_keeps_names_and_numbers_and_leads_to_the_audio(tmp_path: Path) -> None:
    world = one_lead().user(101, "Олег", "Иванов")
    async with bench(tmp_path, world) as night:
        night.clock.advance(days=3)
        await exported(night, tmp_path / "lead", leads=(LEAD,))
    package = Package(tmp_path / "lead")
    rows = sheet_of(package)
    assert len(rows) == 8
    assert (rows[0]["Agent"], rows[0]["Number"]) == ("Олег Иванов", PHONE)
    assert (rows[0]["Bytes"], rows[1]["Status"]) == (len(package.audio()[900101]), "no-answer")
    sheet = openpyxl.load_workbook(package.root / "data/calls.xlsx")["Calls"]
    assert sheet.freeze_panes == "A2"
    links = {cell.hyperlink.target for row in sheet.iter_rows() for cell in row if cell.hyperlink}
    assert len(links) == 7
    assert all(package.root.joinpath("data", *link.split("\\")).is_file() for link in links)


async def test_hostile_cells_are_text_and_a_long_one_is_cut(tmp_path: Path) -> None:
    world = World().user(101, "=1+1", HOSTILE).call(1, lead=LEAD, phone="=cmd|' /C calc'!A0")
    world.recording(11, summary="=HYPERLINK(1)\x00\x1b" + "x" * 40_000)
    async with bench(tmp_path, world) as night:
        await exported(night, tmp_path / "lead", leads=(LEAD,), language="ru")
    book = openpyxl.load_workbook(tmp_path / "lead/data/calls.xlsx")
    cells = [cell for row in book["Звонки"].iter_rows() for cell in row]
    assert "f" not in {cell.data_type for cell in cells}
    assert "=cmd|' /C calc'!A0" in {cell.value for cell in cells}
    assert max(len(str(cell.value)) for cell in cells) == 32_000


def a_call(call_id: int) -> CallEntry:
    """A call of which nothing is known."""
    unknown = dict.fromkeys(field.name for field in fields(CallEntry))
    return CallEntry(**unknown | {"call_id": call_id, "differences": (), "recordings": ()})  # type: ignore[arg-type]


async def test_more_rows_than_a_sheet_has_links_for_go_on_the_next() -> None:
    book = Workbook(Voice(), links_a_sheet=3)
    for number in range(1, 9):
        book.add(a_call(number))
    book.finish()
    content = b"".join([chunk async for chunk in book.chunks()])
    book.close()
    sheets = openpyxl.load_workbook(io.BytesIO(content))
    assert {sheet.title: sheet.max_row - 1 for sheet in sheets} == {
        "Calls": 3,
        "Calls 2": 3,
        "Calls 3": 2,
    }


async def test_a_load_file_has_a_line_a_recording_and_paths_that_are_there(tmp_path: Path) -> None:
    world = one_lead().change_recording(900102, summary="one\nline, þ and \x14 and ®")
    async with bench(tmp_path, world) as night:
        night.clock.advance(days=3)
        await exported(night, tmp_path / "lead", leads=(LEAD,), load_file=True)
    package = Package(tmp_path / "lead")
    package.check()
    rows = loads(package)
    assert len({row["DOCID"] for row in rows}) == len(rows) == len(package.audio())
    for row in rows:
        path = package.root.joinpath(*row["NATIVE_FILE"].split("\\"))
        assert path.read_bytes() == package.audio()[int(row["RECORDID"])]
        assert package.manifest[f"data/audio/{row['FILENAME']}"] == row["SHA256HASH"]
    by_id = {row["RECORDID"]: row for row in rows}
    assert by_id["900102"]["SUMMARY"] == "one®line, th and   and (R)"
    family = (by_id["900108"]["BEGATTACH"], by_id["900108"]["ENDATTACH"])
    assert family == ("REC000000900108", "REC000000900109")
    assert family == (by_id["900109"]["BEGATTACH"], by_id["900109"]["ENDATTACH"])
    assert by_id["900101"]["DATESENT"] == "11/02/2026"


async def test_without_the_option_there_is_no_load_file(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        await exported(night, tmp_path / "lead", leads=(LEAD,))
        assert not (tmp_path / "lead/data/loadfile.dat").exists()


async def test_tag_files_in_a_zip_carry_the_time_of_the_export(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=3)
        await exported(night, tmp_path / "lead.zip", leads=(LEAD,))
        now = night.clock()
    with zipfile.ZipFile(tmp_path / "lead.zip") as packed:
        dates = {one.filename: one.date_time for one in packed.infolist()}
    tags = {name: at for name, at in dates.items() if "/data/" not in name}
    assert set(tags.values()) == {(now.year, now.month, now.day, now.hour, now.minute, now.second)}
    assert len(tags) == 7
