"""A part becomes the same body wherever its bytes waited and wherever they were hashed."""

from pathlib import Path

import pytest

from archiver.recordings import spool
from archiver.recordings.spool import Spool
from archiver.storage.base import Body

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("at_once", [0, 2**40], ids=["in a thread", "in place"])
@pytest.mark.parametrize("in_memory", [0, 2**40], ids=["in a file", "in memory"])
async def test_a_body_is_the_same_wherever_it_waits_and_is_hashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int, in_memory: int
) -> None:
    monkeypatch.setattr(spool, "at_once_bytes", lambda: at_once)
    chunks = [bytes([n]) * 700_000 for n in range(4)]
    async with Spool(tmp_path, in_memory).part() as part:
        for chunk in chunks:
            await part.add(chunk)
        body, _ = await part.finish("audio/mpeg")
        source = body.source.read_bytes() if isinstance(body.source, Path) else body.source
        assert isinstance(body.source, Path) == (in_memory == 0)
    whole = b"".join(chunks)
    expected = Body.of(whole, "audio/mpeg")
    assert Body(source, body.size, body.sha256, body.content_type) == expected
    assert list(tmp_path.iterdir()) == []


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def test_a_complete_part_takes_up_no_file_descriptor(tmp_path: Path) -> None:
    before = descriptors()
    async with Spool(tmp_path, 0).part() as part:
        await part.add(bytes(2 * 2**20))
        assert descriptors() == before + 1
        body, _ = await part.finish("audio/mpeg")
        assert isinstance(body.source, Path)
        assert body.source.stat().st_size == 2 * 2**20
        assert descriptors() == before


def test_the_length_that_is_hashed_in_place_is_measured_once_and_makes_sense() -> None:
    assert spool.at_once_bytes() == spool.at_once_bytes()
    assert 2**12 < spool.at_once_bytes() < 2**24
