"""Files are served whole or in part, under plain or expiring addresses."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from archiver.sandbox.audio import wav
from archiver.sandbox.exchange import Request, Route
from archiver.sandbox.fileserver import Addresses
from archiver.sandbox.server import Sandbox
from archiver.sandbox.world import World
from archiver.sound.measure import measure
from archiver.sound.rules import findings_of
from tests.sandbox.client import get

pytestmark = pytest.mark.anyio

AUDIO = wav(5000, 7)
FILE = "/files/11.wav"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(World().call(1).recording(11, audio=AUDIO)) as running:
        yield running


async def test_a_file_comes_whole_without_a_key(sandbox: Sandbox) -> None:
    seen = await get(sandbox, FILE, key=None)
    assert (seen.status, seen.body) == (200, AUDIO.data)
    assert seen.headers["content-length"] == "5000"
    assert seen.headers["content-type"] == "audio/wav"
    assert seen.headers["etag"] == AUDIO.tag


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=100-", 100, 4999), ("bytes=0-0", 0, 0), ("bytes=4990-9999", 4990, 4999),
     ("bytes=-10", 4990, 4999)],
)  # fmt: skip
async def test_a_range_is_answered_with_just_that_part(
    sandbox: Sandbox, asked: str, first: int, last: int
) -> None:
    seen = await get(sandbox, FILE, headers={"Range": asked})
    assert seen.status == 206
    assert seen.headers["content-range"] == f"bytes {first}-{last}/5000"
    assert seen.body == AUDIO.data[first : last + 1]


async def test_a_range_beyond_the_end_is_416_and_names_the_length(sandbox: Sandbox) -> None:
    seen = await get(sandbox, FILE, headers={"Range": "bytes=5000-"})
    assert (seen.status, seen.headers["content-range"]) == (416, "bytes */5000")


async def test_if_range_gives_a_part_of_the_same_file_only(sandbox: Sandbox) -> None:
    same = {"Range": "bytes=9-", "If-Range": AUDIO.tag}
    other = {"Range": "bytes=9-", "If-Range": '"other"'}
    assert (await get(sandbox, FILE, headers=same)).status == 206
    assert (await get(sandbox, FILE, headers=other)).body == AUDIO.data


async def test_a_signed_address_is_good_and_a_forged_or_bare_one_is_not() -> None:
    async with Sandbox(World().call(1).recording(11, audio=AUDIO), lifetime=60) as sandbox:
        address = (await get(sandbox, "/v2/call-record/?callId=1")).rows[0]["fileUrl"]
        assert (await get(sandbox, address, key=None)).body == AUDIO.data
        assert (await get(sandbox, address[:-1] + "x", key=None)).status == 403
        assert (await get(sandbox, FILE, key=None)).status == 403


def test_a_signed_address_expires() -> None:
    now = [1000.0]
    addresses = Addresses("secret", 60, lambda: now[0])
    query = addresses.path(11, "wav").partition("?")[2]
    pairs = tuple((k, v) for k, _, v in (part.partition("=") for part in query.split("&")))
    request = Request("GET", FILE, pairs, {}, Route.FILE, 11, "", "")
    assert addresses.admit(request, 11)
    assert not addresses.admit(request, 12)
    now[0] = 1061.0
    assert not addresses.admit(request, 11)


async def test_made_audio_has_its_size_and_differs_by_stamp() -> None:
    assert len(wav(1024, 1).data) == 1024
    assert wav(1024, 1).data != wav(1024, 2).data
    assert wav(8044).seconds == 1.0
    with pytest.raises(ValueError, match="44 bytes"):
        wav(44)


def test_the_sound_check_finds_nothing_wrong_with_made_audio(tmp_path: Path) -> None:
    made = tmp_path / "made.wav"
    made.write_bytes(wav(16_384, 7).data)
    sound = measure(str(made))
    assert not isinstance(sound, str)
    assert findings_of(sound) == ()
