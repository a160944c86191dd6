"""A length that an earlier version measured wrongly is put right by a revision, and told."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from archiver.catalog.projection.recordings import apply
from archiver.catalog.schema import prepare
from archiver.errors import ArchiveDamaged
from archiver.ledger.events import Event, Revised
from archiver.ledger.lines import decode, encode
from archiver.liner.models import Call, Recording
from archiver.recordings import sidecar
from archiver.recordings.audio import Format
from archiver.recordings.deposit import Shelf
from archiver.recordings.fetch import Fetched
from archiver.recordings.lengths.facts import Facts
from archiver.recordings.sidecar import Names
from archiver.recordings.spool import Spool
from archiver.storage.base import Body
from archiver.storage.memory import MemoryStorage

pytestmark = pytest.mark.anyio

AT = datetime(2026, 11, 1, tzinfo=UTC)
VORBIS = (Path(__file__).parent / "cases" / "vorbis-half-silent.ogg").read_bytes()
CALL, RECORDING = Call(1, row={"id": 1}), Recording(11, duration_seconds=40, row={"id": 11})
WRONG = ("shorter-than-its-header", "duration-mismatch", "length-unproved")


async def stored(shelf: Shelf) -> tuple[str, str]:
    """The key of a recording that was measured wrongly, and the digest of its sidecar."""
    body = Body.of(VORBIS, "audio/ogg")
    wrong = Fetched(
        body, Format("ogg", "audio/ogg", known=True), Facts(9.4, 1, 16_000, True), WRONG
    )
    (event,) = await shelf.place(CALL, RECORDING, Names(), wrong)
    assert not isinstance(event, Revised)
    return event.key, event.sidecar_sha256


async def test_a_wrong_length_is_put_right_by_a_revision_and_what_was_not_measured_stays(
    tmp_path: Path,
) -> None:
    storage = MemoryStorage()
    shelf, spool = Shelf(storage, lambda: AT, "2"), Spool(tmp_path, 0)
    key, digest = await stored(shelf)
    (revised,) = await shelf.remeasure(key, 11, digest, spool)
    card = sidecar.decode(await storage.read("0/1/11.json", limit=10_000))
    assert card.fields["audio"]["measuredSeconds"] == 40.0
    assert card.fields["audio"]["findings"] == ["length-unproved"]
    assert (card.revision, revised.revision, revised.findings) == (2, 2, ("length-unproved",))
    assert revised.previous_key is not None
    assert (await storage.stat(revised.previous_key)).size > 0
    assert await shelf.remeasure(key, 11, revised.sidecar_sha256, spool) == ()
    (told_late,) = await shelf.remeasure(key, 11, digest, spool)
    assert told_late == replace(revised, sidecar_version=None)


async def test_audio_that_is_not_what_was_stored_is_damage_and_not_measured(tmp_path: Path) -> None:
    storage = MemoryStorage()
    shelf, spool = Shelf(storage, lambda: AT, "2"), Spool(tmp_path, 0)
    key, digest = await stored(shelf)
    await storage.delete(key)
    with pytest.raises(ArchiveDamaged):
        await shelf.remeasure(key, 11, digest, spool)
    await storage.put(key, Body.of(VORBIS[:-1], "audio/ogg"))
    with pytest.raises(ArchiveDamaged, match="differs from what was stored"):
        await shelf.remeasure(key, 11, digest, spool)


async def test_the_catalog_learns_of_findings_and_of_none_any_more(tmp_path: Path) -> None:
    shelf = Shelf(MemoryStorage(), lambda: AT, "2")
    body = Body.of(VORBIS, "audio/ogg")
    wrong = Fetched(body, Format("ogg", "audio/ogg", known=True), Facts(9.4), WRONG[:2])
    (first,) = await shelf.place(CALL, RECORDING, Names(), wrong)
    assert not isinstance(first, Revised)
    told = await shelf.remeasure(first.key, 11, first.sidecar_sha256, Spool(tmp_path, 0))
    with closing(sqlite3.connect(":memory:")) as db:
        prepare(db)
        events: list[Event] = [first, *told]
        for event in events:
            entry = decode(encode(AT, "run", event))
            assert entry.event == event
            apply(db, entry)
        assert db.execute("SELECT findings FROM recordings").fetchall() == [("[]",)]
