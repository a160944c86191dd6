"""A length is what the format promises, exactly, or nothing is said; and it costs little."""

import struct
from pathlib import Path
from typing import Any

import pytest

from archiver.recordings.audio import findings_of, identify, measure
from archiver.recordings.lengths.facts import Facts
from archiver.sandbox.audio import sample, wav

CASES = Path(__file__).parents[1] / "cases"
SECONDS = {
    "vorbis-half-silent.ogg": 40,
    "mp3-glued.mp3": 30.2,
    "aac.aac": 10.24,
    "vbr-without-header.mp3": 12.1,
    "tone.flac": 2,
    "piped.flac": 2,
    "tone.m4a": 2,
    "gsm.wav": 2,
}


def case(name: str) -> bytes:
    return (CASES / name).read_bytes()


@pytest.mark.parametrize(("name", "seconds"), SECONDS.items())
def test_a_length_is_right_where_a_header_would_have_misled(name: str, seconds: float) -> None:
    data = case(name)
    facts = measure(data)
    assert facts.seconds == pytest.approx(seconds, abs=0.1)
    assert findings_of(identify(data[:1024], None, "/x"), facts, round(seconds)) == []
    assert measure(CASES / name) == facts


@pytest.mark.parametrize("name", ["vorbis-half-silent.ogg", "mp3-glued.mp3", "aac.aac"])
def test_two_files_glued_together_are_as_long_as_both(name: str) -> None:
    one, both = measure(case(name)).seconds, measure(case(name) * 2).seconds
    assert one is not None
    assert both == pytest.approx(2 * one, abs=0.1)


def test_mp3s_glued_together_without_tags_are_as_long_as_all() -> None:
    data = sample("rec-900106.mp3").data
    bare = data[45:] if data[45:47] == b"\xff\xf3" else data[data.index(b"\xff\xf3") :]
    one, all_three = measure(bare).seconds, measure(bare * 3).seconds
    assert one is not None
    assert all_three == pytest.approx(3 * one, abs=0.2)


@pytest.mark.parametrize("name", ["tone.flac", "tone.m4a", "gsm.wav"])
def test_a_file_that_was_cut_is_never_said_to_be_whole(name: str) -> None:
    data = case(name)
    facts = measure(data[: len(data) * 2 // 3])
    assert facts.cut
    assert facts.seconds is None or facts.seconds < 1.7


@pytest.mark.parametrize(
    "size", [0, 0x7FFF_FFFF, 0x7FFF_F000, 0x8000_0000, 0xFFFF_FFFF, 0xFFFF_FFDB]
)
def test_a_wav_written_to_a_pipe_sounds_to_its_end(size: int) -> None:
    data = wav(80_044).data
    piped = data[:4] + struct.pack("<I", size) + data[8:40] + struct.pack("<I", size) + data[44:]
    assert measure(piped) == Facts(10.0, 1, 8000)


def test_a_wav_is_measured_by_its_blocks_and_not_by_the_rate_that_it_claims() -> None:
    data = wav(80_044).data
    assert measure(data[:28] + struct.pack("<I", 1) + data[32:]).seconds == 10.0


def test_an_ogg_that_was_recorded_from_its_middle_on_says_no_length() -> None:
    data = sample("rec-900117.ogg", "audio/ogg").data
    starts = [at for at in range(len(data)) if data.startswith(b"OggS", at)]
    late = bytearray(data)
    for at in starts[2:]:
        granule = struct.unpack_from("<q", data, at + 6)[0]
        struct.pack_into("<q", late, at + 6, granule + 48_000 * 3600)
    assert measure(bytes(late)).seconds is None


def test_sound_behind_a_tag_of_any_size_is_measured() -> None:
    bare = case("vbr-without-header.mp3")
    tag = b"ID3\x04\0\0" + bytes([0, 8, 0, 0]) + bytes(8 << 14)
    assert measure(tag + bare).seconds == measure(bare).seconds
    assert measure(bare + b"TAG" + bytes(125)).seconds == measure(bare).seconds


@pytest.mark.parametrize("name", ["vbr-without-header.mp3", "aac.aac"])
def test_noise_between_frames_leaves_nothing_to_say(name: str) -> None:
    data = case(name)
    half = len(data) // 2
    assert measure(data[:half] + b"\x55" * 4000 + data[half:]).seconds is None


class Counted(bytes):
    """Bytes that count how often, and how much, they are looked at."""

    looks = 0
    taken = 0

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        self.looks += 1
        self.taken += len(found) if isinstance(found, bytes) else 1
        return found


MIB = 2**20
HEADER = case("vbr-without-header.mp3")[:400]
ADTS = bytes([0xFF, 0xF1, 0x6C, 0x40, 0x00, 0xFF, 0xFC])
HOSTILE = {
    "noise behind an MP3 header": HEADER[-40:] + b"\x13\x37\xc0\xde" * (MIB // 4),
    "one frame of MP3 and noise": HEADER + bytes(range(256)) * (MIB // 256),
    "0xFF": b"\xff" * MIB,
    "the shortest frames of MP3": (b"\xff\xf3\x14\xc0" + bytes(20)) * (MIB // 24),
    "frames of MP3 whose rate changes": (
        (b"\xff\xf3\x14\xc0" + bytes(20)) + (b"\xff\xf3\x24\xc0" + bytes(44))
    )
    * (MIB // 72),
    "the shortest frames of AAC": ADTS * (MIB // 7),
    "empty chunks of WAV": b"RIFF\0\0\0\0WAVE" + b"LIST\0\0\0\0" * (MIB // 8),
    "a huge ID3": b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + b"\xff" * MIB,
    "many empty ID3": b"ID3\x04\0\0\0\0\0\0" * (MIB // 10),
    "ID3 between frames": (b"\xff\xf3\x14\xc0" + bytes(20) + b"ID3\x04\0\0\0\0\0\0" * 3)
    * (MIB // 54),
    "the beginnings of Ogg": b"OggS\0\2" + bytes(21) * (MIB // 21),
    "pages of Ogg without sound": (b"OggS\0\2" + bytes(21)) * (MIB // 27),
    "streams of Ogg": case("vorbis-half-silent.ogg")[:5000] * (MIB // 5000),
    "syncs of FLAC": case("piped.flac")[:8300] + b"\xff\xf8" * (MIB // 2),
    "empty boxes of MP4": b"\0\0\0\x08ftyp" * (MIB // 8),
    "deep boxes of MP4": b"\0\0\0\x08ftypM4A " + b"\0\x10\0\0moov" * (MIB // 8),
    "chunks of AIFF": b"FORM\0\x10\0\0AIFF" + b"ANNO\0\0\0\0" * (MIB // 8),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_body_costs_much_however_odd_it_is(kind: str) -> None:
    data = Counted(HOSTILE[kind])
    facts = measure(data)
    frames = 1000 + len(data) // 64
    assert data.looks <= 3 * frames
    assert data.taken <= len(data)
    assert facts.seconds is None or "frames of" in kind or "ID3 between" in kind


def adts(length: int) -> bytes:
    """A frame of AAC of that many bytes, at 16 kHz."""
    fields = (0xFFF1 << 40) | (0x60 << 32) | (0x40 << 24) | (length << 13) | 0x1FFC
    return fields.to_bytes(7, "big") + bytes(length - 7)


def test_the_oddest_aac_costs_at_most_twice_what_good_speech_of_its_size_costs() -> None:
    """Good speech is AAC of 16 kbit/s at 16 kHz: 128 bytes a frame."""
    good = Counted(adts(128) * (8 * MIB // 128))
    assert measure(good).seconds == 8 * MIB / 128 * 1024 / 16000
    for odd in (adts(7), adts(64), adts(63) + adts(66), adts(7) * 9 + adts(3000)):
        data = Counted((odd * (8 * MIB // len(odd)))[: 8 * MIB])
        measure(data)
        assert data.looks <= 2 * good.looks + 1000, len(odd)


def test_frames_shorter_than_their_header_are_no_sound() -> None:
    short = bytearray(adts(128) * 20)
    short[128 * 10 + 4] = 0
    short[128 * 10 + 5] = 0x1F
    assert measure(bytes(short)).seconds is None


def test_good_recordings_take_a_handful_of_looks_at_any_length() -> None:
    for name in ("rec-900106.mp3", "rec-900102.mp3", "rec-900117.ogg", "rec-900116.wav"):
        data = Counted(sample(name).data)
        assert measure(data).seconds
        assert data.looks <= 120
