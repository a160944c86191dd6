"""The index follows the archive by its ledger and sidecars alone."""

from collections.abc import Sequence
from datetime import UTC
from pathlib import Path

import anyio
import pytest

from archiver.archive.opening import existing_archive
from archiver.desk.index.index import DeskIndex
from archiver.desk.index.reading import CardReader
from archiver.desk.index.sync import Following
from archiver.desk.index.view import State, View
from archiver.desk.library import open_library
from archiver.desk.media import Sound
from archiver.errors import NoArchive, StorageError, UsageError
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Fault, Status
from archiver.sandbox.world import World
from tests.desk.readers import SIDECAR, centre, entry, ids, reading
from tests.retention.acts import (
    NAME,
    PHONE,
    SUMMARY,
    erased,
    held,
    holding,
    lifted,
    pruned,
    world_with_a_person,
)
from tests.support.processes import children
from tests.support.world import bench, tree

pytestmark = pytest.mark.anyio


async def test_another_machine_needs_nothing_but_the_archive(tmp_path: Path) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        night.forget_catalog()
        async with reading(night, state=tmp_path / "elsewhere") as library:
            assert await ids(library, text="refund") == [11]
            assert (await entry(library, 21)).agent == "Anna Price"
            assert library.progress.is_current
            assert (library.progress.recordings, library.progress.read) == (2, 2)
            assert library.progress.trouble == ""


async def test_the_archive_is_the_same_to_the_byte_whatever_is_asked(tmp_path: Path) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        before, stamps = tree(tmp_path / "archive"), _stamps(tmp_path / "archive")
        async with reading(night) as library:
            await ids(library, text="refund")
            await library.index.facets(View())
            await library.peaks.of(11)
            assert isinstance(await library.media.look(11), Sound)
            await library.catch_up()
        assert tree(tmp_path / "archive") == before
        assert _stamps(tmp_path / "archive") == stamps


def _stamps(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))}


async def test_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        async with reading(night):
            pass
        removed = tmp_path / "archive" / SIDECAR
        kept = removed.read_bytes()
        removed.unlink()
        async with reading(night) as library:
            assert await ids(library, text="refund") == [11]
            assert (await entry(library, 11)).trouble == ""
        removed.write_bytes(kept)


async def test_what_later_nights_bring_appears_without_a_restart(tmp_path: Path) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        async with reading(night) as library:
            night.world.change_recording(21, summary="Ещё одна жалоба.")
            night.world.call(3, at=night.clock.now).recording(31, summary="Newest.")
            night.clock.advance(days=1)
            assert await ids(library, text="жалоба") == []
            await night.run()
            await library.catch_up()
            assert await ids(library, text="еще жалоба") == [21]
            assert (await ids(library))[0] == 31
            assert (await library.index.facets(View())).has_summary == (0, 3)


async def test_a_run_that_is_under_way_is_followed(tmp_path: Path) -> None:
    world = World()
    for number in range(1, 41):
        world.call(number).recording(summary=f"Summary number {number}.")
    async with bench(tmp_path, world) as night:
        await night.run(calls=(1,))
        async with reading(night) as library, anyio.create_task_group() as tasks:
            tasks.start_soon(night.run)
            with anyio.fail_after(30):
                while library.progress.recordings < 40:
                    await library.catch_up()
            assert len(await ids(library, text="summary")) == 40


async def test_a_segment_that_a_killed_run_never_claimed_is_not_still_to_be_read(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        await held(night, leads=(789,))
        claim = max((tmp_path / "archive/_archive/ledger").glob("*.claim"))
        (segment,) = claim.parent.glob(f"{claim.stem}-*")
        claimed, whole = claim.read_bytes(), segment.read_bytes()
        claim.unlink()
        async with reading(night) as library:
            assert await ids(library, is_held=True) == []
            assert library.progress.is_current
            assert not library.progress.is_reading_ledger
            await library.catch_up()
            segment.write_bytes(b"read again, it would be damage")
            await library.catch_up()
            assert library.progress.trouble == ""
            segment.write_bytes(whole)
            claim.write_bytes(claimed)
            await library.catch_up()
            assert await ids(library, is_held=True) == [11]
            assert not library.progress.is_reading_ledger


async def test_a_long_ledger_is_parsed_in_separate_processes_and_taken_in_as_ever(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        await held(night, leads=(789,))
        async with existing_archive(night.config()) as (storage, archive_id):
            index = await DeskIndex.open(tmp_path / "index.sqlite", archive_id, UTC)
            reader = CardReader(storage, night.config().storage)
            following = Following(index.upkeep, storage, archive_id, reader, worth_a_process=1)
            assert await following.begin()
            before = children()
            await following.catch_up(_ignore)
            assert children() - before
            assert following.progress.is_current
            assert (await index.find(View(text="refund", is_held=True))).total == 1
            assert (await index.find(View())).total == 2
            await index.aclose()


async def _ignore(record_ids: Sequence[int], digests: Sequence[str]) -> None:
    pass


async def test_a_segment_that_the_disk_had_no_space_for_is_taken_in_later(tmp_path: Path) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        async with reading(night) as library:
            db = library.index.upkeep.store._db
            (pages,) = db.execute("PRAGMA page_count").fetchone()
            db.execute(f"PRAGMA max_page_count = {pages}")
            for number in range(100, 160):
                night.world.call(number, at=night.clock.now).recording()
            night.clock.advance(days=1)
            await night.run()
            with pytest.raises(StorageError):
                await library.catch_up()
            db.execute("PRAGMA max_page_count = 1000000")
            await library.catch_up()
            assert len(await ids(library)) == 62


async def test_the_lines_of_the_ledger_say_how_many_recordings_there_will_be(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        night.world.call(3, at=night.clock.now).recording(31)
        night.clock.advance(days=40)
        await night.run()
        await pruned(night, 2)
        async with open_library(
            night.config(),
            state_folder=night.state,
            cache_folder=tmp_path / "cache",
            is_following=False,
        ) as library:
            assert library.progress.expected == 0
            await library.catch_up()
            assert (library.progress.recordings, library.progress.expected) == (1, 1)
        async with reading(night) as library:
            assert (library.progress.recordings, library.progress.expected) == (1, 1)


async def test_what_is_waiting_failed_or_gone_is_listed_as_such(tmp_path: Path) -> None:
    world = World().call(1).recording(11, file_url="").call(2).recording(21).call(3).recording(31)
    async with bench(tmp_path, world, Fault(Route.FILE, Status(404), id=31)) as night:
        await night.run()
        async with reading(night) as library:
            assert await ids(library, states=(State.WAITING,)) == [11]
            found = await entry(library, 11)
            assert (found.state, found.reason is not None) == (State.WAITING, True)
            assert (await entry(library, 21)).state is State.ARCHIVED
            found = await entry(library, 31)
            assert (found.state, found.reason) == (State.FAILED, "source-missing")
            night.clock.advance(days=1)
            await night.nights(2)
            await library.catch_up()
            assert await ids(library, states=(State.GONE,)) == [31]


async def test_a_hold_shows_and_ends(tmp_path: Path) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        async with reading(night) as library:
            hold_id = await held(night, leads=(789,))
            await library.catch_up()
            assert await ids(library, is_held=True) == [11]
            assert (await entry(library, 11)).is_held
            night.world.call(5, lead=789, at=night.clock.now).recording(51)
            night.clock.advance(days=1)
            await night.run()
            await library.catch_up()
            assert sorted(await ids(library, is_held=True)) == [11, 51]
            await lifted(night, hold_id)
            await library.catch_up()
            assert await ids(library, is_held=True) == []


async def test_a_hold_is_known_after_a_restart(tmp_path: Path) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        await held(night, calls=(2,))
        for _ in range(2):
            async with reading(night) as library:
                assert await ids(library, is_held=True) == [21]


async def test_nothing_of_an_erased_person_is_left_in_the_index_or_the_cache(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, world_with_a_person()) as night:
        await night.run()
        told: list[int] = []

        async def forget(record_ids: object) -> None:
            told.extend(record_ids)  # type: ignore[arg-type]

        async with reading(night) as library:
            await library.on_buried(forget)
            await library.peaks.of(11)
            assert told == []
            assert len(list((tmp_path / "cache").rglob("*.json"))) == 1
            assert await ids(library, text="canary") != []
            await erased(night, 3)
            await library.catch_up()
            assert sorted(told) == [11, 21, 31]
            assert await ids(library, text="canary") == []
            assert await ids(library, phone=PHONE) == []
            found = await entry(library, 11)
            assert (found.state, found.summary, found.phone) == (State.ERASED, None, None)
            assert list((tmp_path / "cache").rglob("*.json")) == []
            words = (PHONE, NAME, SUMMARY, "canary", "Canary", PHONE.strip("+"))
            assert holding(night, *words) == []
        assert holding(night, "canary") == []


async def test_what_was_removed_before_is_told_to_whoever_comes_later(tmp_path: Path) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        night.clock.advance(days=40)
        await pruned(night, 2)
        told: list[int] = []

        async def forget(record_ids: object) -> None:
            told.extend(record_ids)  # type: ignore[arg-type]

        async with reading(night) as library:
            await library.on_buried(forget)
            assert sorted(told) == [11, 21]
            assert (await entry(library, 11)).state is State.PRUNED
            assert sorted(await ids(library, states=(State.PRUNED,))) == [11, 21]


async def test_what_the_index_tells_of_people_is_for_its_owner_alone(tmp_path: Path) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        async with reading(night) as library:
            modes = {
                one.stat().st_mode & 0o077
                for one in library.folder.glob("index.sqlite*")
                if not one.name.endswith(".lock")
            }
            assert modes == {0}


async def test_two_desks_do_not_share_an_index(tmp_path: Path) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        async with reading(night):
            with pytest.raises(UsageError, match="another desk"):
                async with reading(night):
                    pass


async def test_without_an_archive_there_is_nothing_to_read(tmp_path: Path) -> None:
    async with bench(tmp_path, centre()) as night:
        with pytest.raises(NoArchive):
            async with reading(night):
                pass


async def test_it_follows_by_itself_until_it_is_closed(tmp_path: Path) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        async with open_library(
            night.config(), state_folder=night.state, cache_folder=tmp_path / "cache"
        ) as library:
            with anyio.fail_after(10):
                while not library.progress.is_current:
                    await anyio.lowlevel.checkpoint()
            assert await ids(library, text="refund") == [11]


async def test_an_error_of_the_caller_leaves_unwrapped(tmp_path: Path) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        with pytest.raises(LookupError, match="of the caller"):
            async with open_library(
                night.config(), state_folder=night.state, cache_folder=tmp_path / "cache"
            ):
                raise LookupError("of the caller")
