"""Audio is served from the archive by id alone, and says why when it cannot be."""

import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import anyio
import pytest

from archiver.desk import peaks as peaks_module
from archiver.desk.library import Library
from archiver.desk.media import Absent, Sound
from archiver.desk.peak_cache import PeakCache
from archiver.desk.peaks import NoPeaks
from archiver.desk.playback import Way
from archiver.desk.waveform import Waveform
from archiver.sandbox.audio import Audio, sample, wav
from archiver.sandbox.world import World
from archiver.storage.base import ByteRange
from tests.desk.dying import die
from tests.desk.readers import reading
from tests.retention.acts import pruned
from tests.storage.s3_servers import RawBucket, S3Server
from tests.support.rights import forbids
from tests.support.world import bench

pytestmark = pytest.mark.anyio

BIG = wav(3_000_000, 7)


def centre() -> World:
    world = World().call(1, lead=789).recording(11, audio=sample("rec-900113.mp3"))
    world.call(2, lead=790).recording(21, audio=BIG).recording(22, file_url="")
    return world


async def sound(library: Library, record_id: int) -> Sound:
    found = await library.media.look(record_id)
    assert isinstance(found, Sound)
    return found


async def heard(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


async def why(library: Library, record_id: int) -> str:
    found = await library.media.look(record_id)
    assert isinstance(found, Absent)
    return found.why


async def test_a_recording_is_heard_whole_or_in_any_range(tmp_path: Path) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        async with reading(night) as library:
            one = await sound(library, 21)
            assert (one.size, one.content_type) == (len(BIG.data), "audio/wav")
            assert one.sha256 == hashlib.sha256(BIG.data).hexdigest()
            for span in (None, ByteRange(0, 1), ByteRange(1_000_001, 2_999_999), ByteRange(500)):
                async with library.media.open(one, span) as chunks:
                    start, stop = (span.start, span.stop) if span else (0, None)
                    assert await heard(chunks) == BIG.data[start:stop]


@pytest.mark.usefixtures("aws_environment", "shared_clients")
async def test_the_same_is_heard_and_drawn_from_s3(tmp_path: Path, moto: S3Server) -> None:
    RawBucket(moto, "desk")
    s3 = {"endpoint_url": moto.endpoint, "region": "us-east-1"}
    settings = {"storage": {"url": "s3://archives/desk", "s3": s3}}
    async with bench(tmp_path, centre(), settings=settings) as night:
        await night.run()
        night.forget_catalog()
        async with reading(night) as library:
            assert (library.progress.read, library.progress.troubles) == (2, 0)
            one = await sound(library, 21)
            async with library.media.open(one, ByteRange(1_000_001, 1_000_101)) as chunks:
                assert await heard(chunks) == BIG.data[1_000_001:1_000_101]
            assert isinstance(await library.peaks.of(11), Waveform)
            RawBucket(moto, "desk").write("790/2/21.wav", b"short")
            assert await why(library, 21) == "damaged"


async def test_each_state_is_told_apart(tmp_path: Path) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        async with reading(night) as library:
            assert await why(library, 424242) == "unknown"
            assert await why(library, 22) == "waiting"
            (tmp_path / "archive/790/2/21.wav").write_bytes(BIG.data[:-1])
            assert await why(library, 21) == "damaged"
            (tmp_path / "archive/790/2/21.wav").unlink()
            assert await why(library, 21) == "missing"
            assert await library.peaks.of(21) == NoPeaks("absent")
            assert await library.peaks.of(22) == NoPeaks("absent")


async def test_a_pruned_recording_is_not_heard_any_more(tmp_path: Path) -> None:
    world = World().call(1).recording(11)
    async with bench(tmp_path, world) as night:
        await night.run()
        async with reading(night) as library:
            await sound(library, 11)
            night.clock.advance(days=40)
            await pruned(night, 1)
            await library.catch_up()
            assert await why(library, 11) == "pruned"


async def test_a_type_that_is_no_audio_is_never_sent(tmp_path: Path) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        (segment,) = [
            path for path in (tmp_path / "archive/_archive/ledger").iterdir()
            if b"audio/wav" in path.read_bytes()
        ]  # fmt: skip
        segment.write_bytes(segment.read_bytes().replace(b'"audio/wav"', b'"text/html"'))
        async with reading(night) as library:
            assert (await sound(library, 21)).content_type == "application/octet-stream"


async def test_a_waveform_is_computed_once_and_kept_apart_from_the_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        async with reading(night) as library:
            first = await library.peaks.of(11)
            assert isinstance(first, Waveform)
            assert len(first.channels) == 2
        async with reading(night) as library:
            monkeypatch.setattr(library.media, "open", None)
            assert await library.peaks.of(11) == first
        (kept,) = (tmp_path / "cache").rglob("*.json")
        kept.write_bytes(b"{}")
        async with reading(night) as library:
            assert await library.peaks.of(11) == first


async def test_listeners_of_one_recording_wait_for_the_same_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        async with reading(night) as library:
            opened: list[Sound] = []
            real = library.media.open

            def opening(sound: Sound) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
                opened.append(sound)
                return real(sound)

            monkeypatch.setattr(library.media, "open", opening)
            async with anyio.create_task_group() as tasks:
                for _ in range(5):
                    tasks.start_soon(library.peaks.of, 11)
            assert len(opened) == 1


async def test_bytes_that_are_not_those_of_the_ledger_are_not_drawn(tmp_path: Path) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        path = tmp_path / "archive/790/2/21.wav"
        path.write_bytes(BIG.data[:-1] + b"\x00")
        async with reading(night) as library:
            assert await library.peaks.of(21) == NoPeaks("damaged")
            assert isinstance(await library.media.look(21), Sound)
        path.write_bytes(BIG.data)
        async with reading(night) as library:
            assert isinstance(await library.peaks.of(21), Waveform)


async def test_an_unknown_codec_is_told_and_remembered(tmp_path: Path) -> None:
    unknown = Audio(b"\x02private codec of an exchange" + b"\x3c" * 4000, "audio/x-private", "bin")
    async with bench(tmp_path, World().call(1).recording(11, audio=unknown)) as night:
        await night.run()
        async with reading(night) as library:
            assert isinstance(await library.media.look(11), Sound)
            assert await library.peaks.of(11) == NoPeaks("unknown-codec")
            assert await library.peaks.of(11) == NoPeaks("unknown-codec")
        assert len(list((tmp_path / "cache").rglob("*.json"))) == 1
        assert list((tmp_path / "cache").rglob("*.spool")) == []


async def test_a_decoder_that_dies_takes_nothing_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        async with reading(night) as library:
            with monkeypatch.context() as patch:
                patch.setattr(peaks_module, "trace", die)
                assert await library.peaks.of(11) == NoPeaks("failed")
            assert isinstance(await library.peaks.of(11), Waveform)


async def test_a_cache_that_cannot_be_written_costs_only_the_waveform(tmp_path: Path) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        (tmp_path / "cache").write_bytes(b"a file where the folder should be")
        async with reading(night) as library:
            assert await library.peaks.of(11) == NoPeaks("failed")
            assert isinstance(await library.media.look(11), Sound)


async def test_audio_that_may_not_be_read_is_not_called_out_of_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        async with reading(night) as library:
            one = await sound(library, 21)
            forbids(monkeypatch, night.archive.root / one.key)
            assert await library.peaks.of(21) == NoPeaks("forbidden")
            assert await library.pcm.of(one, Way.SNDFILE) == "forbidden"


def test_the_cache_keeps_to_its_size_and_forgets_the_oldest_first(tmp_path: Path) -> None:
    cache = PeakCache(tmp_path, 20_000)
    drawn = Waveform(60.0, (bytes(1000),), ((1.0, 2.5),))
    digests = [hashlib.sha256(bytes([one])).hexdigest() for one in range(201)]
    for age, digest in enumerate(digests):
        cache.put(digest, drawn)
        path = tmp_path / digest[:2] / f"{digest}.json"
        os.utime(path, (age, age)) if age != 3 else None
    assert cache.get(digests[3]) == drawn
    assert cache.get(digests[0]) is None
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.json")) <= 20_000
    cache.forget([digests[3], "../../etc/passwd", ""])
    assert cache.get(digests[3]) is None
