"""The index follows the archive by its ledger and sidecars alone, and says what is the matter."""

import json
from pathlib import Path

import anyio
import pytest

from archiver.desk.index.entries import Entry
from archiver.desk.index.view import Sort, State, View
from archiver.desk.library import Library, open_library
from archiver.desk.media import Sound
from archiver.errors import NoArchive, UsageError
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Fault, Status
from archiver.sandbox.world import World
from tests.desk.readers import ids, reading
from tests.lifecycle.acts import (
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
from tests.world import Night, bench, tree

pytestmark = pytest.mark.anyio

SIDECAR = "789/1/11.json"


def centre() -> World:
    world = World().user(101, "Anna", "Price").order(1, "Delivery line")
    world.call(1, lead=789, user_id=101).recording(11, summary="A refund was asked for.")
    return world.call(2, lead=790, user_id=101).recording(21, summary=None)


async def entry(library: Library, record_id: int) -> Entry:
    found = await library.index.recording(record_id)
    assert found is not None
    return found


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


async def _damaged(night: Night, data: bytes | None) -> Entry:
    await night.run()
    path = night.folder / "archive" / SIDECAR
    if data is None:
        path.unlink()
    else:
        path.write_bytes(data)
    async with reading(night) as library:
        assert sorted(await ids(library)) == [11, 21]
        assert library.progress.troubles == 1
        assert (await entry(library, 21)).trouble == ""
        return await entry(library, 11)


async def test_a_missing_sidecar_leaves_what_the_ledger_knows_and_a_word(tmp_path: Path) -> None:
    async with bench(tmp_path, centre()) as night:
        found = await _damaged(night, None)
    assert found.trouble == "its sidecar is missing"
    assert (found.lead_id, found.user_id, found.order_id) == (789, 101, 1)
    assert (found.summary, found.is_read, found.seconds is not None) == (None, True, True)
    assert found.agent == "Anna Price"


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff\xfe", b"[" * 100_000, b"x" * 10_000_000])
async def test_a_sidecar_with_other_bytes_is_not_believed(tmp_path: Path, data: bytes) -> None:
    async with bench(tmp_path, centre()) as night:
        found = await _damaged(night, data)
    assert found.trouble == "its sidecar is not the one that the ledger tells of"
    assert found.summary is None


async def test_a_sidecar_that_was_mended_is_read_by_the_next_desk(tmp_path: Path) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        path = tmp_path / "archive" / SIDECAR
        whole = path.read_bytes()
        path.write_bytes(b"{}")
        async with reading(night) as library:
            assert await ids(library, text="refund") == []
        path.write_bytes(whole)
        async with reading(night) as library:
            assert await ids(library, text="refund") == [11]
            assert (await entry(library, 11)).trouble == ""


async def test_a_replaced_sidecar_that_the_ledger_does_not_tell_yet_is_read_where_it_is_kept(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        path = tmp_path / "archive" / SIDECAR
        kept = tmp_path / "archive/_archive/revisions/789/1/11.1.json"
        kept.parent.mkdir(parents=True)
        kept.write_bytes(path.read_bytes())
        path.write_bytes(path.read_bytes().replace(b"refund", b"rebate"))
        async with reading(night) as library:
            assert await ids(library, text="refund") == [11]


async def test_a_broken_ledger_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        night.world.call(3, at=night.clock.now).recording(31)
        night.clock.advance(days=1)
        await night.run()
        segments = sorted((tmp_path / "archive/_archive/ledger").iterdir())
        whole = segments[0].read_bytes()
        segments[0].unlink()
        async with reading(night) as library:
            assert "missing" in library.progress.trouble
            assert 31 in await ids(library)
        segments[0].write_bytes(whole)
        async with reading(night) as library:
            assert library.progress.trouble == ""
            assert sorted(await ids(library)) == [11, 21, 31]


async def test_lines_that_are_no_events_are_passed_over(tmp_path: Path) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        (segment, *_) = sorted((tmp_path / "archive/_archive/ledger").iterdir())
        lines = segment.read_bytes().splitlines(keepends=True)
        strange = json.dumps({"what": "stored", "at": "2026-11-01T00:00:00Z", "run": "r"})
        segment.write_bytes(b"".join([*lines, strange.encode(), b"\n\xff{\n", b"[1]\n"]))
        async with reading(night) as library:
            assert sorted(await ids(library)) == [11, 21]
            assert "SHA-256" in library.progress.trouble


async def test_a_key_that_no_recording_can_have_is_neither_read_nor_played(tmp_path: Path) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        (segment, *_) = sorted((tmp_path / "archive/_archive/ledger").iterdir())
        for key in ("../../etc/passwd", "789/1/12.wav", "_archive/format.json", "789/1/11.json"):
            segment.write_bytes(
                b"".join(
                    line.replace(b'"789/1/11.wav"', json.dumps(key).encode())
                    for line in segment.read_bytes().splitlines(keepends=True)
                )
            )
            async with reading(night, state=tmp_path / f"state-{len(key)}") as library:
                assert (await entry(library, 11)).trouble != ""
                found = await library.media.look(11)
                assert getattr(found, "why", None) == "damaged"
            segment.write_bytes(
                segment.read_bytes().replace(json.dumps(key).encode(), b'"789/1/11.wav"')
            )


@pytest.mark.parametrize(
    "strange",
    [
        {"leadId": "x"},
        {"leadId": 7.5, "userId": "y"},
        {"durationSeconds": "long", "callId": "c"},
        {"durationSeconds": 1e999, "hasSummary": "perhaps"},
        {"revision": "second"},
        {"revision": 2.5, "sidecarBytes": "many"},
        {"sidecarBytes": -1, "sidecarSha256": 7},
        {"contentType": 7, "bytes": "b", "sha256": 1, "findings": [1, None]},
        {"leadId": 2**70},
        {"key": 7},
    ],
)
async def test_values_that_make_no_sense_stop_nothing(
    tmp_path: Path, strange: dict[str, object]
) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        (segment, *_) = sorted((tmp_path / "archive/_archive/ledger").iterdir())
        lines = [json.loads(line) for line in segment.read_bytes().splitlines()]
        changed = [line | strange if line.get("recordId") == 11 else line for line in lines]
        segment.write_bytes(b"".join(json.dumps(line).encode() + b"\n" for line in changed))
        async with reading(night) as library:
            assert 21 in await ids(library)
            await ids(library, sort=Sort.AGENT)
            await library.index.facets(View(sort=Sort.SECONDS))
            await library.index.call(1)
            await library.media.look(11)
            assert library.progress.is_current


async def test_an_index_of_another_history_is_made_anew(tmp_path: Path) -> None:
    async with bench(tmp_path / "one", centre()) as night:
        await night.run()
        async with reading(night, state=tmp_path / "state") as library:
            archive_id = library.archive_id
    other = World().call(9).recording(91)
    async with bench(tmp_path / "two", other) as night:
        (tmp_path / "two/archive/_archive").mkdir(parents=True)
        told = (tmp_path / "one/archive/_archive/format.json").read_bytes()
        (tmp_path / "two/archive/_archive/format.json").write_bytes(told)
        await night.run()
        async with reading(night, state=tmp_path / "state") as library:
            assert library.archive_id == archive_id
            assert await ids(library) == [91]


@pytest.mark.parametrize("junk", [b"this is no database" * 100, b""])
async def test_an_index_that_cannot_be_read_is_filled_again(tmp_path: Path, junk: bytes) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        async with reading(night) as library:
            path = library.folder / "index.sqlite"
        path.write_bytes(junk)
        async with reading(night) as library:
            assert await ids(library, text="refund") == [11]
        assert sorted(one.name for one in path.parent.iterdir()) == ["index.sqlite"]


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


async def test_a_storage_that_does_not_answer_is_told_and_what_is_known_stays(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        async with reading(night) as library:
            (tmp_path / "archive").rename(tmp_path / "away")
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(library.follow)
                with anyio.fail_after(10):
                    while not library.progress.trouble:
                        await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()
            assert await ids(library, text="refund") == [11]
            found = await library.media.look(11)
            assert getattr(found, "why", None) in ("missing", "unreachable")
