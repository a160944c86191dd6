"""What is left out of a package is nowhere in it, and the rest is whole and valid."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
import soundfile

from archiver.errors import ArchiveDamaged, UsageError
from archiver.export.masking import Mask, Masks, read_masks
from archiver.export.redactions import Reason, Redactions
from archiver.sandbox.audio import wav
from archiver.sandbox.world import World
from archiver.sound.spans import Span
from tests.export.packages import LEAD, PHONE, Package, exported, flip, left_in, one_lead
from tests.support.witness import Witness
from tests.support.world import Night, audio_of, bench

pytestmark = pytest.mark.anyio


def redactions(*spans: tuple[int, Span], **how: Any) -> Redactions:
    by_id: dict[int, tuple[Reason, ...]] = {}
    for record_id, span in spans:
        by_id[record_id] = (*by_id.get(record_id, ()), Reason(span, "card number"))
    return Redactions(by_id, **how)


def samples(data: bytes) -> Any:
    return soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)


async def redacted(night: Night, target: Path, wanted: Redactions, **more: Any) -> Package:
    night.clock.advance(days=2)
    await exported(night, target, leads=(LEAD,), redactions=wanted, **more)
    return Package(target)


async def test_a_redacted_copy_stands_in_for_the_recording_everywhere(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        spans = ((900101, Span(2, 5)), (900101, Span(8, 9)), (900113, Span(1, 2, "left")))
        package = await redacted(
            night, tmp_path / "lead", redactions(*spans), waveforms=True, load_file=True
        )
        package.validate()
        package.check()
        originals, copies = audio_of(night.world), package.audio()
        for one in {*originals} - {900101, 900113}:
            assert copies[one] == originals[one]
        before, rate = samples(originals[900101])
        after, _ = samples(copies[900101])
        first, end = int(1.8 * rate), int(5.2 * rate)
        assert np.array_equal(before[:first], after[:first])
        assert not after[first:end].any()
        assert np.array_equal(before[end : int(7.8 * rate)], after[end : int(7.8 * rate)])
        assert (tmp_path / "archive/789/123/900101.mp3").read_bytes() == originals[900101]
        _check_told(package, 900101, Witness(tmp_path / "archive"))
        _check_drawn(package, 900101)


def _check_told(package: Package, record_id: int, archive: Witness) -> None:
    """Tables, custody record, sidecar and list say of what the file is a copy, with its digests."""
    original = archive.sidecar(record_id)["audio"]["sha256"]
    (told,) = [one for one in package.custody["recordings"] if one["recordId"] == record_id]
    assert told["redactedCopyOf"]["sha256"] == original != told["sha256"]
    assert told["file"].endswith("_redacted_900101.wav")
    (row,) = [one for one in package.rows() if one["recordId"] == str(record_id)]
    assert (row["sha256"], row["bytes"]) == (told["sha256"], str(told["bytes"]))
    assert original in row["note"]
    card = json.loads(package.files[told["sidecar"]])
    assert card["redactedCopyOf"]["sha256"] == original
    assert card["audio"]["sha256"] == told["sha256"]
    assert "fileUrl" not in card["record"]
    listed = json.loads(package.files["redactions.json"])
    (entry,) = [one for one in listed["recordings"] if one["recordId"] == record_id]
    assert entry["redactedCopyOf"]["sha256"] == original
    assert [(one["replacedFrom"], one["replacedUntil"]) for one in entry["spans"]] == [
        (1.8, 5.2),
        (7.8, 9.2),
    ]
    assert {one["reason"] for one in entry["spans"]} == {"card number"}
    assert listed["redactedBy"]["user"] == "tester"
    assert entry["writtenAs"] == "WAV, FLOAT"
    for page in ("custody.html", "data/calls.csv", "data/loadfile.dat"):
        assert original in package.files[page].decode()
    assert original in package.page


def _check_drawn(package: Package, record_id: int) -> None:
    text = package.files["data/view/peaks-0001.js"].decode()
    drawn = json.loads(text.partition(", ")[2].removesuffix(");\n"))[str(record_id)]
    peaks = base64.b64decode(drawn[0])
    assert set(peaks[45:110]) == {0}
    assert max(peaks[:35]) > 0


@pytest.mark.nightly
async def test_the_ledger_has_the_digest_of_the_list_and_the_same_input_makes_the_same_bytes(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, one_lead()) as night:
        wanted = redactions((900116, Span(1, 2)), fill="tone", form="flac")
        one = await redacted(night, tmp_path / "one", wanted)
        other = await redacted(night, tmp_path / "other", wanted)
        assert one.manifest == other.manifest
        told = list(Witness(tmp_path / "archive").events("exported"))
        digests = [package.custody["redactions"]["sha256"] for package in (one, other)]
        assert [each["redactionsSha256"] for each in told] == digests
        assert [each["redacted"] for each in told] == [1, 1]


async def test_a_recording_that_nobody_selected_ends_the_export(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        await night.run()
        with pytest.raises(UsageError, match="recording 4711 is not among those"):
            await redacted(night, tmp_path / "lead.zip", redactions((4711, Span(1, 2))))
        assert left_in(tmp_path) == []


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("record_id", "span", "said"),
    [
        (900101, Span(1, 60), "900101: a span ends after it, it is 18.07 s long"),
        (900101, Span(1, 2, "left"), "900101: it has one channel"),
        (900199, Span(0, 1), "900199: it cannot be decoded"),
    ],
)
async def test_what_cannot_be_redacted_ends_the_export_and_is_named(
    record_id: int, span: Span, said: str, tmp_path: Path
) -> None:
    world = one_lead()
    world.call(199, lead=LEAD).recording(900199, audio=noise())
    async with bench(tmp_path, world) as night:
        await night.run()
        with pytest.raises(UsageError) as refused:
            await redacted(night, tmp_path / "lead.zip", redactions((record_id, span)))
        assert said in str(refused.value)
        assert left_in(tmp_path) == []


def noise() -> Any:
    """A recording whose header is good and whose codec nothing here knows."""
    whole = wav(8044)
    data = bytearray(whole.data)
    data[20:22] = b"\x77\x77"
    return type(whole)(bytes(data), whole.content_type)


async def test_a_damaged_recording_is_not_redacted_but_named_as_damaged(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        await night.run()
        flip(tmp_path / "archive/789/123/900101.mp3")
        with pytest.raises(ArchiveDamaged, match="900101"):
            await redacted(night, tmp_path / "lead", redactions((900101, Span(1, 2))))
        assert left_in(tmp_path) == []


async def test_what_is_masked_is_nowhere_in_the_package(tmp_path: Path) -> None:
    world = one_lead()
    world.call(300, lead=LEAD, user_id=101, phone=PHONE, talk=20)
    async with bench(tmp_path, world) as night:
        await night.run()
        night.clock.advance(days=2)
        await exported(
            night,
            tmp_path / "lead",
            phones=(PHONE,),
            masked=frozenset(Mask),
            load_file=True,
            waveforms=False,
        )
        package = Package(tmp_path / "lead")
        package.validate()
        package.check()
        assert package.audio() == audio_of(night.world)
        (book,) = [data for path, data in package.files.items() if path.endswith(".xlsx")]
        cells = [
            str(cell)
            for sheet in openpyxl.load_workbook(io.BytesIO(book))
            for row in sheet.iter_rows(values_only=True)
            for cell in row
        ]
        texts = [data for path, data in package.files.items() if "/audio/" not in path]
        said = " ".join([*package.files, *cells]) + b"".join(texts).decode("utf-8", "replace")
        for word in ("Price", "Walsh", "Lopez", "79001234567", "desk lamps", "secret"):
            assert word not in said
        assert "agent 101" in package.page
        assert package.custody["masked"] == ["names", "phones", "summaries"]


async def test_numbers_within_summaries_are_masked_with_the_phones(tmp_path: Path) -> None:
    world = World().call(1, lead=LEAD, phone=PHONE)
    world.recording(11, audio=wav(8044), summary="Call back at +7 (900) 555-12-34, order 4817.")
    async with bench(tmp_path, world) as night:
        night.clock.advance(days=2)
        await exported(night, tmp_path / "lead", leads=(LEAD,), masked=frozenset({Mask.PHONES}))
        package = Package(tmp_path / "lead")
        (row,) = package.rows()
        assert row["summary"] == "Call back at (masked), order 4817."
        assert "555-12" not in package.page


def test_members_of_rows_that_nobody_knows_are_left_out() -> None:
    row = {
        "id": 1,
        "clientPhone": PHONE,
        "fileUrl": "https://x/1",
        "transcript": "Anna",
        "userId": 7,
    }
    assert Masks(frozenset({Mask.PHONES}), "-").row(row) == {
        "id": 1,
        "clientPhone": "-",
        "userId": 7,
    }


def test_a_mask_that_nobody_knows_is_refused() -> None:
    assert read_masks("phones, Names") == {Mask.PHONES, Mask.NAMES}
    with pytest.raises(UsageError, match="'addresses'"):
        read_masks("phones,addresses")
