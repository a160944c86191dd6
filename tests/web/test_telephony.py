"""What telephony records is played: decoded to PCM where browsers do not know the codec."""

import io
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from archiver.desk.playback import Way, way_of
from archiver.sandbox.world import World
from tests.web.desks import Served, archived, served, until_listed
from tests.web.telephony import (
    FFMPEG,
    FFMPEG_FORMS,
    RATE,
    SECONDS,
    SNDFILE_FORMS,
    recorded,
    without_ffmpeg,
)

FORMS = (*SNDFILE_FORMS, *(FFMPEG_FORMS if FFMPEG else ()))
IDS = {name: 11 + number for number, name in enumerate(FORMS)}


@pytest.fixture(scope="module")
def phones(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    world = World()
    for name, record_id in IDS.items():
        audio = recorded(name)
        world.call(record_id, talk=4).recording(record_id, audio=audio, duration=60)
    made = archived(tmp_path_factory.mktemp("phones"), world)
    with served(made) as desk:
        with desk.visitor() as local:
            until_listed(local, len(IDS))
        yield desk


@pytest.mark.parametrize("name", FORMS)
def test_a_codec_of_telephony_is_played_as_pcm_in_ranges_and_drawn(
    phones: Served, name: str
) -> None:
    path = f"/recordings/{IDS[name]}"
    with phones.visitor() as local:
        whole = local.get(f"{path}/audio")
        assert (whole.status_code, whole.headers["content-type"]) == (200, "audio/wav")
        samples, rate = soundfile.read(io.BytesIO(whole.content))
        assert len(samples) / rate == pytest.approx(SECONDS, abs=0.15)
        assert name == "amr" or abs(samples).max() > 0.2
        part = local.get(f"{path}/audio", headers={"range": "bytes=1000-1999"})
        assert (part.status_code, part.content) == (206, whole.content[1000:2000])
        assert part.headers["etag"] == whole.headers["etag"]
        shape = local.get(f"{path}/peaks").json()
        assert shape["seconds"] == pytest.approx(SECONDS, abs=0.15), "not the 60 of the API"
        kept = local.get(f"{path}/file")
        assert kept.content == recorded(name).data, "what is downloaded is what was archived"


def test_without_ffmpeg_the_page_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = archived(tmp_path, World().call(1, talk=4).recording(11, audio=recorded("amr")))
    monkeypatch.setenv("PATH", without_ffmpeg(tmp_path / "bin"))
    with served(made) as desk, desk.visitor() as local:
        until_listed(local, 1)
        answer = local.get("/recordings/11/audio")
        assert answer.status_code == 415
        assert "AMR" in answer.text and "ffmpeg" in answer.text
        assert "not supported" in local.get("/recordings/11/peaks").json()["none"]


def wave(codec: int, before: bytes = b"") -> bytes:
    form = b"fmt " + struct.pack("<IHHIIHH", 16, codec, 1, RATE, RATE, 1, 8)
    return b"RIFF" + bytes(4) + b"WAVE" + before + form


@pytest.mark.parametrize(
    ("kind", "head", "way"),
    [
        ("audio/mpeg", b"", Way.BROWSER),
        ("audio/wav", wave(1), Way.BROWSER),
        ("audio/wav", wave(0xFFFE), Way.BROWSER),
        ("audio/wav", wave(0x31), Way.SNDFILE),
        ("audio/x-wav", wave(7, b"LIST" + struct.pack("<I", 3) + b"abc\0"), Way.SNDFILE),
        ("audio/wav", wave(0x83), Way.WAV),
        ("audio/wav", b"RIFF", Way.BROWSER),
        ("audio/wav", b"RIFF\0\0\0\0WAVE" + b"junk\xff\xff\xff\xff", Way.BROWSER),
        ("audio/amr", b"", Way.AMR),
        ("audio/x-ms-wma", b"", Way.WMA),
    ],
)
def test_the_head_says_who_decodes(kind: str, head: bytes, way: Way) -> None:
    assert way_of(kind, head) is way
