"""What is damaged, missing or senseless in an archive is told, and stops nothing else."""

import json
from pathlib import Path

import anyio
import pytest

from archiver.desk.index.entries import Entry
from archiver.desk.index.view import Sort, View
from archiver.sandbox.world import World
from tests.desk.readers import SIDECAR, centre, entry, ids, reading
from tests.support.world import Night, bench

pytestmark = pytest.mark.anyio


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
    assert found.trouble == "its sidecar does not match the ledger"
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
