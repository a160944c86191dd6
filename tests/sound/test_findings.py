"""A bad recording is found whatever it was coded with, and a good one never is."""

from pathlib import Path

import numpy
import pytest
import soundfile

from archiver.sound.decoding import Undecoded
from archiver.sound.figures import Sound
from archiver.sound.measure import measure
from archiver.sound.rules import findings_of, is_short_talk
from tests.sound.corpus import (
    CODECS,
    GOOD,
    SPOILED,
    Codec,
    Samples,
    beside,
    louder,
    noise,
    speech,
    written,
)

LOSSLESS = CODECS[0]
LOST_IN_LOSSY = ("clipped, then made quieter",)
"""Below full scale nothing but the flat tops shows that it was clipped, and lossy codecs smear
those."""
FINE_AT_MINUS_40 = ("pcm", "mp3", "opus", "vorbis", "flac")


def heard(path: str) -> Sound:
    sound = measure(path)
    assert isinstance(sound, Sound)
    return sound


def found(folder: Path, samples: Samples, codec: Codec) -> tuple[str, ...] | None:
    path = written(folder, samples, codec)
    return None if path is None else findings_of(heard(path))


@pytest.mark.parametrize("what", GOOD)
def test_good_recordings_give_no_finding(tmp_path: Path, what: str) -> None:
    assert found(tmp_path, GOOD[what](), LOSSLESS) == ()


@pytest.mark.parametrize("what", SPOILED)
def test_planted_faults_are_found_and_nothing_else(tmp_path: Path, what: str) -> None:
    spoil, wrong = SPOILED[what]
    assert found(tmp_path, spoil(), LOSSLESS) == wrong


@pytest.mark.nightly
@pytest.mark.parametrize("codec", CODECS[1:], ids=lambda codec: codec.name)
def test_no_codec_hides_a_fault_or_makes_one_up(tmp_path: Path, codec: Codec) -> None:
    for what, make in GOOD.items():
        assert found(tmp_path, make(), codec) in ((), None), what
    for what, (spoil, wrong) in SPOILED.items():
        if not (codec.is_lossy and what in LOST_IN_LOSSY):
            assert found(tmp_path, spoil(), codec) in (wrong, None), what


@pytest.mark.nightly
@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
def test_a_call_quieter_by_40_dB_is_a_call_where_the_codec_keeps_it(  # noqa: N802
    tmp_path: Path, codec: Codec
) -> None:
    quiet = found(tmp_path, louder(speech(), -40), codec)
    assert quiet == () if codec.name in FINE_AT_MINUS_40 else quiet in ((), ("silent",))


def test_the_figures_say_who_is_heard_for_how_long(tmp_path: Path) -> None:
    said = speech()
    path = written(tmp_path, beside(said, noise(10, -80)), LOSSLESS)
    assert path is not None
    sound = heard(path)
    assert sound.seconds == pytest.approx(10, abs=0.1)
    left, right = sound.sides
    assert left.talk > 8
    assert right.talk == 0
    assert sound.overtalk == 0


def test_both_at_once_is_overtalk(tmp_path: Path) -> None:
    said = speech()
    path = written(tmp_path, beside(said, said), LOSSLESS)
    assert path is not None
    sound = heard(path)
    assert sound.overtalk == pytest.approx(sound.sides[0].talk, abs=0.1)


@pytest.mark.parametrize(
    ("talk", "lengths", "heard", "short"),
    [
        (300, 290, 150, False),
        (300, 140, 140, True),
        (300, 290, 20, True),
        (12, 5, 5, False),
        (20, 9, 9, True),
        (25, 24, 1, False),
        (0, 0, 0, False),
        (None, 5, 5, False),
    ],
)
def test_talk_is_short_only_when_much_of_it_is_missing(
    talk: float | None, lengths: float, heard: float, short: bool
) -> None:
    assert is_short_talk(talk, lengths, heard) is short


@pytest.mark.parametrize("data", [b"", b"ID3\x04", b"RIFF\xff\xff\xff\xffWAVEfmt ", b"\x00" * 5000])
def test_what_no_decoder_reads_is_said_so(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "odd.mp3"
    path.write_bytes(data)
    said: Sound | Undecoded = measure(str(path))
    assert said == "unknown-codec"


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # there is no voice at 50 Hz
def test_a_few_kilobytes_that_decode_to_more_than_twelve_hours_are_too_long(tmp_path: Path) -> None:
    path, step = tmp_path / "long.flac", numpy.zeros(3600 * 50, "int16")
    with soundfile.SoundFile(path, "w", 50, 1, format="FLAC") as file:
        for _ in range(13):
            file.write(step)
    assert path.stat().st_size < 20_000
    assert measure(str(path)) == "too-long"
