"""A replica has what the archive has, byte for byte, and nothing of anybody else is touched."""

import os
import shutil
import time
from collections import Counter
from pathlib import Path

import anyio
import pytest

from archiver.archive.unrecorded import Left, Unrecorded
from archiver.cli.verify_lines import verify_lines
from archiver.errors import ArchiveDamaged, StorageFull, StorageUnreachable, UsageError
from archiver.replica.copying import Copied
from archiver.replica.replicate import Replication
from archiver.replica.waiting import WAITING_PREFIX
from archiver.storage.local.folder import LocalStorage
from archiver.verify.findings import Unexpected
from tests.replica.nights import (
    mirrored,
    objects,
    replica_findings,
    replica_verified,
    replicated,
    same,
    second,
)
from tests.retention.acts import PHONE, erased, held, lifted, pruned
from tests.retention.test_s3 import FIRST_DAY
from tests.support.world import Night

pytestmark = pytest.mark.anyio


def aged(path: Path, days: int) -> None:
    """The file as if it had been written so many days ago."""
    written = time.time() - days * 86_400
    os.utime(path, (written, written))


async def interrupted(night: Night, most: int) -> Replication:
    """A replication that ends after the object that makes more than `most`."""
    counter = Counter[str]()

    def counted(size: int) -> None:
        counter["objects"] += 1

    return await replicated(night, is_over=lambda: counter["objects"] > most, on_copied=counted)


async def test_everything_comes_over_and_the_next_time_only_what_is_new(tmp_path: Path) -> None:
    async with mirrored(tmp_path) as night:
        await night.run()
        first = await replicated(night)
        assert (first.is_whole, first.before.number) == (True, 0)
        assert same(night)
        second(night).check()
        await held(night, leads=(6,))
        first = await replicated(night)
        assert await replica_findings(night) == []
        again = await replicated(night)
        assert (again.is_whole, again.bytes) == (True, 0)
        night.world.call(9, lead=9).recording(91)
        night.world.change_recording(61, summary="Later.")
        night.clock.advance(days=1)
        await night.run(recheck=True, since=FIRST_DAY)
        later = await replicated(night)
        assert later.objects[Copied.REPLACED] >= 1
        assert later.before == first.head
        assert same(night)
        assert await replica_findings(night) == []


async def test_nothing_is_asked_of_the_source(tmp_path: Path) -> None:
    async with mirrored(tmp_path) as night:
        await night.run()
        night.sandbox.forget()
        await replicated(night)
        assert same(night)
        assert not night.sandbox.requests


async def test_what_was_copied_is_not_read_again_and_a_lost_claim_is_made_up_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with mirrored(tmp_path) as night:
        await night.run()
        await replicated(night)
        last = max((tmp_path / "replica/_archive/ledger").glob("*.claim"))
        last.unlink()
        opened: list[str] = []
        real = LocalStorage.open

        def noted(storage: LocalStorage, key: str, *rest: object) -> object:
            opened.append(key)
            return real(storage, key, *rest)  # type: ignore[arg-type]

        monkeypatch.setattr(LocalStorage, "open", noted)
        assert (await replicated(night)).is_whole
        assert not [key for key in opened if not key.startswith("_archive/")]
        assert last.exists()


async def test_an_interruption_leaves_an_archive_and_the_next_goes_on(tmp_path: Path) -> None:
    async with mirrored(tmp_path, workers=1) as night:
        await night.run()
        await held(night, leads=(6,))
        for most in range(0, 60, 3):
            done = await interrupted(night, most)
            if done.is_whole:
                break
            assert done.behind > 0
            assert done.behind_since is not None
            assert await replica_findings(night) == []
        assert most > 6
        assert same(night)


async def test_a_replica_ahead_of_its_ledger_is_unfinished_and_not_damaged(tmp_path: Path) -> None:
    async with mirrored(tmp_path, workers=1, prune=True) as night:
        await night.run()
        await replicated(night)
        night.world.call(9, lead=9).recording(91)
        night.world.change_recording(61, summary="Later.")
        night.clock.advance(days=1)
        await night.run(recheck=True, since=FIRST_DAY)
        copied, planted = tmp_path / "replica/9/9/91.wav", tmp_path / "replica/9/9/92.wav"
        most = 0
        while not copied.exists():
            await interrupted(night, most := most + 1)
            assert await replica_findings(night) == []
        planted.write_bytes(b"planted")
        verified = await replica_verified(night)
        assert [one.key for one in verified.found.findings] == ["9/9/92.wav"]
        assert Unrecorded("9/9/91.wav", Left.REPLICATION) in verified.found.unrecorded
        (tmp_path / "archive").rename(tmp_path / "lost")
        verified = await replica_verified(night)  # nobody knows which of them was in the archive
        assert verified.found.findings == []
        assert verified.found.waits
        assert Unrecorded("9/9/92.wav", Left.ONLY_IN_REPLICA) in verified.found.unrecorded
        verdict = verify_lines(verified, head=None, is_stopped=False)[-1]
        assert "whether the archive has the rest is unknown" in verdict
        assert "nothing is damaged" not in verdict
        (tmp_path / "lost").rename(tmp_path / "archive")
        planted.unlink()
        assert not (await erased(night, 3)).is_refused
        for most in range(12):
            await interrupted(night, most)
            assert await replica_findings(night) == []
        assert (await replicated(night)).is_whole
        assert same(night)
        assert not (await replica_verified(night)).found.waits


async def test_what_a_killed_replication_left_is_removed_after_a_day_and_is_no_damage(
    tmp_path: Path,
) -> None:
    async with mirrored(tmp_path) as night:
        await night.run()
        await replicated(night)
        work = tmp_path / "replica/_archive/tmp"
        work.mkdir(exist_ok=True)
        for name, days in (("part-aaaaaaaa", 2), ("part-bbbbbbbb", 0)):
            (work / name).write_bytes(b"half a recording")
            aged(work / name, days)
        assert (await replicated(night)).is_whole
        assert [path.name for path in work.iterdir()] == ["part-bbbbbbbb"]
        verified = await replica_verified(night)
        assert verified.found.findings == []
        assert [one.what for one in verified.found.unrecorded] == [Left.REPLICA_WORKING_FILE]
        assert not verified.found.waits


async def test_what_waits_in_a_replica_is_not_forgotten_after_a_day(tmp_path: Path) -> None:
    async with mirrored(tmp_path) as night:
        await night.run()
        foreign = tmp_path / "replica/6/6/61.wav"
        await replicated(night)
        foreign.unlink()
        foreign.write_bytes(b"somebody else's")
        assert (await replicated(night, everything=True)).waiting.keys() == {"6/6/61.wav"}
        notes = [*(tmp_path / "replica" / WAITING_PREFIX).rglob("*.wav")]
        assert len(notes) == 1
        aged(notes[0], 2)
        assert (await replicated(night)).waiting.keys() == {"6/6/61.wav"}
        assert notes[0].exists()
        foreign.unlink()
        assert (await replicated(night)).is_whole
        assert same(night)


async def test_a_foreign_object_is_told_and_neither_overwritten_nor_removed(
    tmp_path: Path,
) -> None:
    async with mirrored(tmp_path) as night:
        await night.run()
        await replicated(night)
        night.world.call(9, lead=9).recording(91)
        night.clock.advance(days=1)
        await night.run()
        place = tmp_path / "replica/9/9/91.wav"
        place.parent.mkdir(parents=True)
        place.write_bytes(b"somebody else's")
        (tmp_path / "replica/notes.txt").write_bytes(b"notes")
        done = await replicated(night)
        assert done.foreign == ["9/9/91.wav"]
        assert (done.behind, done.is_whole) == (0, False)
        assert place.read_bytes() == b"somebody else's"
        names = {(one.name, one.key) for one in await replica_findings(night)}
        assert names == {("wrong-size", "9/9/91.wav"), ("unexpected", "notes.txt")}
        assert (await replicated(night)).foreign == ["9/9/91.wav"]
        place.unlink()
        done = await replicated(night)
        assert done.is_whole
        (tmp_path / "replica/notes.txt").unlink()
        assert same(night)
        assert not list((tmp_path / "replica").glob(f"{WAITING_PREFIX}**/*.wav"))


async def test_a_damaged_object_of_the_archive_is_not_copied(tmp_path: Path) -> None:
    async with mirrored(tmp_path) as night:
        await night.run()
        path = tmp_path / "archive/6/6/61.wav"
        whole = path.read_bytes()
        path.chmod(0o644)
        path.write_bytes(whole[:-1] + b"x")
        done = await replicated(night)
        assert done.damaged == ["6/6/61.wav"]
        assert not (tmp_path / "replica/6/6/61.wav").exists()
        path.write_bytes(whole)
        assert (await replicated(night)).is_whole
        assert same(night)


async def test_erased_recordings_go_from_the_replica_with_all_that_names_the_person(
    tmp_path: Path,
) -> None:
    async with mirrored(tmp_path) as night:
        await night.run()
        night.world.change_recording(21, summary="Later.")
        night.clock.advance(days=1)
        await night.run(recheck=True, since=FIRST_DAY)
        await lifted(night, await held(night, leads=(789,), reason=PHONE))
        await replicated(night)
        assert any(PHONE.encode() in data for data in objects(tmp_path / "replica").values())
        night.clock.advance(days=1)
        assert not (await erased(night, 3)).is_refused
        (tmp_path / "replica/789/2/21.txt").write_bytes(b"foreign")
        done = await replicated(night)
        assert (done.is_whole, done.removed >= 3) == (True, True)
        found = objects(tmp_path / "replica")
        assert not any(PHONE.encode() in data for data in found.values())
        assert found.pop("789/2/21.txt") == b"foreign"
        assert found == objects(tmp_path / "archive")
        assert [one.key for one in await replica_findings(night)] == ["789/2/21.txt"]


@pytest.mark.parametrize("prune", [True, False])
async def test_pruned_recordings_go_as_configured(tmp_path: Path, prune: bool) -> None:
    async with mirrored(tmp_path, prune=prune) as night:
        await night.run()
        await replicated(night)
        night.clock.advance(days=40)
        plan, removed = await pruned(night, 5)
        assert (removed, plan.kept.total()) == (5, 0)
        done = await replicated(night)
        assert done.is_whole
        assert (tmp_path / "replica/6/6/61.wav").exists() is not prune
        assert await replica_findings(night) == []
        assert same(night) is prune


async def test_an_erasure_reaches_what_was_pruned_before_and_kept_in_the_replica(
    tmp_path: Path,
) -> None:
    async with mirrored(tmp_path) as night:
        await night.run()
        await replicated(night)
        night.clock.advance(days=40)
        await pruned(night, 5)
        await replicated(night)
        assert (tmp_path / "replica/789/1/11.wav").exists()
        await erased(night, 0)
        await replicated(night)
        assert not list((tmp_path / "replica").glob("789/**/*.wav"))
        assert (tmp_path / "replica/6/6/61.wav").exists()
        assert await replica_findings(night) == []


async def test_a_replica_that_was_removed_in_part_is_filled_again(tmp_path: Path) -> None:
    async with mirrored(tmp_path) as night:
        await night.run()
        await replicated(night)
        (tmp_path / "replica/6/6/61.wav").unlink()
        assert (await replicated(night)).is_whole
        (finding,) = await replica_findings(night)
        assert (finding.name, finding.key) == ("missing", "6/6/61.wav")
        assert "archiver replicate --all" in finding.next
        await replicated(night, everything=True)
        assert same(night)


async def test_an_archive_that_was_rolled_back_is_noticed_and_nothing_is_copied(
    tmp_path: Path,
) -> None:
    async with mirrored(tmp_path) as night:
        await night.run()
        shutil.copytree(tmp_path / "archive", tmp_path / "yesterday")
        night.world.call(9, lead=9).recording(91)
        night.clock.advance(days=1)
        await night.run()
        await replicated(night)
        shutil.rmtree(tmp_path / "archive")
        (tmp_path / "yesterday").rename(tmp_path / "archive")
        night.forget_catalog()
        before = objects(tmp_path / "replica")
        with pytest.raises(ArchiveDamaged, match="the archive does not"):
            await replicated(night)
        assert objects(tmp_path / "replica") == before
        assert {one.name for one in await replica_findings(night)} == {"replica-differs"}


async def test_other_places_are_refused(tmp_path: Path) -> None:
    async with mirrored(tmp_path) as night:
        await night.run()
        (tmp_path / "link").symlink_to(tmp_path / "archive")
        night.settings["replica"] = {"url": str(tmp_path / "link")}
        with pytest.raises(UsageError, match="is the archive itself, under another name"):
            await replicated(night)
        (tmp_path / "full").mkdir()
        (tmp_path / "full/a.txt").write_bytes(b"a")
        night.settings["replica"] = {"url": str(tmp_path / "full")}
        with pytest.raises(UsageError, match="is not empty, but not a copy of this archive"):
            await replicated(night)
        night.settings["storage"] = {"url": str(tmp_path / "second")}
        await night.run()
        night.settings["storage"] = {"url": str(tmp_path / "archive")}
        night.settings["replica"] = {"url": str(tmp_path / "second")}
        with pytest.raises(UsageError, match="contains another archive"):
            await replicated(night)
        night.settings["replica"] = {}
        with pytest.raises(UsageError, match=r"replica\.url is not set"):
            await replicated(night)


@pytest.mark.parametrize("error", [StorageFull, StorageUnreachable])
async def test_a_place_that_fails_in_the_middle_is_named_and_the_next_time_goes_on(
    tmp_path: Path, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with mirrored(tmp_path, workers=2) as night:
        await night.run()
        real, puts = LocalStorage.put, 0

        async def failing(storage: LocalStorage, key: str, *rest: object, **more: object) -> object:
            nonlocal puts
            if "replica" in storage._root and key.endswith(".wav"):
                puts += 1
                if puts > 2:
                    raise error("no space left", key=key)  # type: ignore[call-arg]
            return await real(storage, key, *rest, **more)  # type: ignore[arg-type]

        with monkeypatch.context() as patch:
            patch.setattr(LocalStorage, "put", failing)
            with pytest.raises(error, match=r"replica .*no space left"):
                await replicated(night)
        assert (await replicated(night)).is_whole
        assert same(night)


async def test_two_at_a_time_do_no_harm(tmp_path: Path) -> None:
    async with mirrored(tmp_path) as night:
        await night.run()
        async with anyio.create_task_group() as group:
            for _ in range(2):
                group.start_soon(replicated, night)
        assert same(night)
        assert not any(isinstance(one, Unexpected) for one in await replica_findings(night))
