"""`--repair`: what the source still has comes back, byte for byte; nothing else does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from archiver.sandbox.audio import wav
from archiver.sandbox.world import World
from archiver.storage.local.folder import LocalStorage
from archiver.storage.lock import archive_lock
from archiver.verify.findings import Finding
from archiver.verify.verify import Verified, Wanted, verify
from tests.support.witness import digest
from tests.support.world import Night, bench
from tests.verify.archives import AT_ONCE
from tests.verify.media import Folder
from tests.verify.tampering import flipped

pytestmark = pytest.mark.anyio

AUDIO, SIDECAR = "50001/1/11.wav", "50001/1/11.json"


@asynccontextmanager
async def archived(folder: Path) -> AsyncIterator[tuple[Night, Folder]]:
    world = World().user(101).call(1).recording(11, audio=wav(600, 11)).recording(12)
    async with bench(folder, world) as night:
        await night.run()
        yield night, Folder(folder / "archive")


async def findings(night: Night, *, repair: bool = True) -> list[Finding]:
    return (await verified(night, repair=repair)).found.findings


async def verified(night: Night, *, repair: bool = True) -> Verified:
    return await verify(
        night.config(),
        Wanted(repair=repair),
        state_folder=night.state,
        clock=night.clock,
        patience=AT_ONCE,
        pace=night.pace,
    )


@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
async def test_audio_comes_back_byte_for_byte(tmp_path: Path, damage: str) -> None:
    async with archived(tmp_path) as (night, medium):
        right = medium.read(AUDIO)
        wrong = {"flip": flipped(right, 99), "cut": right[:99], "remove": None}[damage]
        if wrong is None:
            medium.remove(AUDIO)
        else:
            medium.write(AUDIO, wrong)
        (found,) = await findings(night)
        assert found.repaired
        assert medium.read(AUDIO) == right
        (event,) = night.archive.events("repaired")
        assert (event["recordId"], event["key"]) == (11, AUDIO)
        if wrong is not None:
            aside = f"_archive/damaged/{AUDIO}.{digest(wrong)[:16]}"
            assert medium.read(aside) == wrong
            assert (event["damagedKey"], event["damagedSha256"]) == (aside, digest(wrong))
        assert await findings(night, repair=False) == []


async def test_what_was_kept_aside_is_protected_like_all_else(tmp_path: Path) -> None:
    async with archived(tmp_path) as (night, medium):
        medium.write(AUDIO, b"wrong")
        await findings(night)
        aside = f"_archive/damaged/{AUDIO}.{digest(b'wrong')[:16]}"
        medium.write(aside, b"touched")
        (found,) = await findings(night)
        assert (found.name, found.key, found.repaired) == ("wrong-digest", aside, False)


async def test_other_bytes_of_the_source_are_never_put_under_the_name(tmp_path: Path) -> None:
    async with archived(tmp_path) as (night, medium):
        wrong = flipped(medium.read(AUDIO), 99)
        medium.write(AUDIO, wrong)
        night.world.change_recording(11, audio=wav(600, 99))
        before = medium.listing()
        (found,) = await findings(night)
        assert not found.repaired
        assert "returns different bytes" in found.next
        assert "restore" in found.next
        assert medium.read(AUDIO) == wrong
        assert medium.listing() == before


async def test_a_recording_that_is_gone_stays_damaged(tmp_path: Path) -> None:
    async with archived(tmp_path) as (night, medium):
        medium.remove(AUDIO)
        night.world.remove_recording(11)
        (found,) = await findings(night)
        assert (found.name, found.repaired) == ("missing", False)
        assert "not repaired" in found.next


@pytest.mark.parametrize("wrong", [b"<html>", None])
async def test_a_sidecar_comes_as_a_new_revision(tmp_path: Path, wrong: bytes | None) -> None:
    async with archived(tmp_path) as (night, medium):
        if wrong is None:
            medium.remove(SIDECAR)
        else:
            medium.write(SIDECAR, wrong)
        (found,) = await findings(night)
        assert found.repaired
        card = night.archive.sidecar(11)
        assert (card["revision"], card["audio"]["sha256"]) == (2, digest(medium.read(AUDIO)))
        assert await findings(night, repair=False) == []
        fetched = night.files(11)
        night.clock.advance(days=1)
        assert (await night.run()).complete
        assert night.files(11) == fetched


async def test_both_halves_come_back_together(tmp_path: Path) -> None:
    async with archived(tmp_path) as (night, medium):
        medium.remove(AUDIO)
        medium.remove(SIDECAR)
        assert [one.repaired for one in await findings(night)] == [True, True]
        assert await findings(night, repair=False) == []


async def test_nothing_is_repaired_on_a_broken_ledger(tmp_path: Path) -> None:
    async with archived(tmp_path) as (night, medium):
        medium.remove(AUDIO)
        newest = [key for key in medium.listing() if key.endswith(".jsonl")][-1]
        medium.write(newest, flipped(medium.read(newest), 200))
        found = {one.key: one for one in await findings(night)}
        assert "restore it first" in found[AUDIO].next
        assert AUDIO not in medium.listing()


async def test_a_sound_archive_asks_the_api_nothing(tmp_path: Path) -> None:
    async with archived(tmp_path) as (night, _):
        night.sandbox.world = World()
        before = night.files(11), night.lists(1)
        assert await findings(night) == []
        assert (night.files(11), night.lists(1)) == before


async def test_a_run_under_way_keeps_a_repair_away(tmp_path: Path) -> None:
    async with archived(tmp_path) as (night, medium):
        medium.write(AUDIO, b"wrong")
        async with archive_lock(LocalStorage(medium.root), "a run"):
            told = await verified(night)
        assert [one.repaired for one in told.found.findings] == [False]
        assert "locked by a run" in told.notes[0]


async def test_a_refused_key_is_said_and_changes_nothing(tmp_path: Path) -> None:
    async with archived(tmp_path) as (night, medium):
        medium.write(AUDIO, b"wrong")
        night.settings = {"liner": {"api_key": "another"}}
        told = await verified(night)
        assert [one.repaired for one in told.found.findings] == [False]
        assert told.notes[0].startswith("not repaired: ")
        assert medium.read(AUDIO) == b"wrong"
