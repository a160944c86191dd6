"""What is drawn of audio: peaks, channels, silences; of anything that can be decoded."""

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from archiver.desk.waveform import Waveform, sketch, trace
from archiver.sandbox.sample_world import samples

SAMPLES = files("archiver.sandbox").joinpath("samples")
RATE = 8000


def traced(path: object) -> Waveform:
    found = trace(str(path))
    assert isinstance(found, Waveform)
    return found


def written(path: Path, samples: npt.NDArray[np.float64], **form: str) -> Path:
    soundfile.write(path, samples, RATE, **form)
    return path


def noise(seconds: float, loudness: float = 0.3) -> npt.NDArray[np.float64]:
    return np.random.default_rng(7).uniform(-loudness, loudness, int(seconds * RATE))


@pytest.mark.parametrize("each", samples(), ids=lambda each: str(each["file"]))
def test_every_sample_is_drawn_whatever_its_codec(each: dict[str, object]) -> None:
    found = traced(SAMPLES.joinpath(str(each["file"])))
    assert found.seconds == pytest.approx(float(str(each["durationSeconds"])), abs=0.15)
    assert {len(one) for one in found.channels} == {1000}
    assert max(found.channels[0]) > 50


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.wav", {"subtype": "ULAW"}),
        ("a.wav", {"subtype": "ALAW"}),
        ("a.wav", {"subtype": "GSM610"}),
        ("a.flac", {}),
        ("a.ogg", {"subtype": "VORBIS"}),
        ("a.ogg", {"subtype": "OPUS"}),
        ("a.mp3", {}),
        ("a.aiff", {}),
    ],
)
def test_the_codecs_of_call_centres_are_decoded(
    tmp_path: Path, name: str, form: dict[str, str]
) -> None:
    found = traced(written(tmp_path / name, noise(3.0), **form))
    assert found.seconds == pytest.approx(3.0, abs=0.1)
    assert 40 < np.median(list(found.channels[0])) < 130


def test_each_channel_is_drawn_by_itself(tmp_path: Path) -> None:
    both = np.stack((noise(10, 1.0), np.zeros(10 * RATE)), axis=1)
    left, right = traced(written(tmp_path / "a.wav", both)).channels
    assert min(left) > 200
    assert max(right) == 0


@pytest.mark.parametrize(("seconds", "points"), [(0.1, 20), (5, 1000), (200, 2000), (900, 4000)])
def test_a_longer_recording_has_more_points_up_to_a_limit(
    tmp_path: Path, seconds: float, points: int
) -> None:
    found = traced(written(tmp_path / "a.wav", noise(seconds)))
    assert len(found.channels[0]) == points


def test_a_point_stands_where_the_sound_is(tmp_path: Path) -> None:
    sound = np.zeros(100 * RATE)
    sound[42 * RATE] = 0.9
    (channel,) = traced(written(tmp_path / "a.wav", sound)).channels
    assert [place for place, peak in enumerate(channel) if peak] == [420]
    assert channel[420] == pytest.approx(0.9 * 255, abs=1.5)


def test_a_span_in_which_nobody_speaks_is_found_but_for_its_margins(tmp_path: Path) -> None:
    hiss = 0.004
    sound = np.concatenate(
        (noise(3), noise(4, hiss), noise(2), noise(0.6, hiss), noise(2), noise(5, hiss))
    )
    found = traced(written(tmp_path / "a.wav", sound))
    assert found.silences == ((3.2, 6.8), (11.8, 16.6))


def test_a_click_does_not_break_a_silence(tmp_path: Path) -> None:
    sound = np.concatenate((noise(2), np.zeros(6 * RATE), noise(2)))
    sound[5 * RATE + 20] = 0.9
    assert traced(written(tmp_path / "a.wav", sound)).silences == ((2.2, 7.8),)


def test_silence_from_end_to_end_is_one_span(tmp_path: Path) -> None:
    assert traced(written(tmp_path / "a.wav", np.zeros(4 * RATE))).silences == ((0.0, 4.0),)


@pytest.mark.parametrize("each", samples(), ids=lambda each: str(each["file"]))
def test_speech_never_counts_as_silence(each: dict[str, object]) -> None:
    """In the samples nobody is quiet for a second."""
    assert traced(SAMPLES.joinpath(str(each["file"]))).silences == ()


@pytest.mark.parametrize(
    "data",
    [b"", b"ID3", b"RIFF\xff\xff\xff\xffWAVE", b"\x00" * 5000, b"<html>", b"OggS" + b"\xff" * 400],
)
def test_what_cannot_be_decoded_is_no_waveform(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(data)
    assert trace(str(path)) == "unknown-codec"


def test_a_cut_recording_is_drawn_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(SAMPLES.joinpath("rec-900101.mp3").read_bytes()[:20_000])
    assert 5 < traced(path).seconds < 8


def test_more_channels_than_any_call_has_are_not_drawn(tmp_path: Path) -> None:
    path = written(tmp_path / "a.wav", np.zeros((RATE, 20)))
    assert trace(str(path)) == "unknown-codec"


def test_what_is_too_long_to_be_a_call_is_given_up(tmp_path: Path) -> None:
    path = str(written(tmp_path / "a.wav", np.zeros(61 * RATE)))
    assert trace(path, most_seconds=60) == "too-long"
    assert isinstance(trace(path, most_seconds=61), Waveform)


_MEASURED = """
import resource, sys
from archiver.desk.waveform import trace
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = trace(sys.argv[1])
print(found.seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.nightly
def test_two_hours_of_stereo_take_no_more_memory_than_their_drawing(tmp_path: Path) -> None:
    path, minute = tmp_path / "a.wav", np.stack((noise(60), noise(60)), axis=1)
    with soundfile.SoundFile(path, "w", RATE, 2, subtype="ULAW") as file:
        for _ in range(120):
            file.write(minute)
    told = subprocess.run(
        [sys.executable, "-c", _MEASURED, path], capture_output=True, text=True, check=True
    ).stdout.split()
    assert float(told[0]) == 7200.0
    assert int(told[1]) < 64


def test_samples_that_are_no_numbers_are_drawn_as_silence(tmp_path: Path) -> None:
    sound = np.concatenate((noise(2), np.full(RATE, np.nan), np.full(RATE, np.inf)))
    (channel,) = traced(written(tmp_path / "a.wav", sound, subtype="FLOAT")).channels
    assert set(channel[410:590]) == {0}
    assert set(channel[610:]) == {255}


def test_a_sketch_of_a_long_file_shows_where_the_loud_parts_are(tmp_path: Path) -> None:
    loud, quiet = noise(30.0), noise(30.0, loudness=0.001)
    path = written(tmp_path / "long.ogg", np.concatenate([loud, quiet, loud]), subtype="OPUS")
    rough = sketch(str(path))
    assert isinstance(rough, Waveform)
    assert rough.seconds == pytest.approx(traced(path).seconds, abs=0.01)
    third = len(rough.channels[0]) // 3
    parts = [rough.channels[0][n * third + 5 : (n + 1) * third - 5] for n in range(3)]
    assert min(parts[0]) > 20 and max(parts[1]) < 5 and min(parts[2]) > 20


def test_a_sketch_of_nonsense_is_none(tmp_path: Path) -> None:
    (tmp_path / "nonsense").write_bytes(bytes(range(256)) * 40)
    assert sketch(str(tmp_path / "nonsense")) == "unknown-codec"
