"""A redacted copy: nothing of the span, and of everything else each sample as it was."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from archiver.sandbox.audio import sample
from archiver.sound.redact import redact
from archiver.sound.spans import Plan, Redacted, Refused, Side, Span
from tests.sound.corpus import CODECS, RATE, Codec, Samples, speech

EXACT = {"MPEG_LAYER_III", "VORBIS", "OPUS"}


def written(codec: Codec, folder: Path) -> Path:
    """Eight seconds of a call in that codec."""
    one = speech()[: 8 * RATE, :1]
    samples = np.column_stack([one, one[::-1]])[:, : codec.sides] * 0.9
    path = folder / f"call.{codec.extension}"
    soundfile.write(path, samples, RATE, format=codec.format, subtype=codec.subtype)
    return path


def copied(path: Path, plan: Plan) -> tuple[Redacted | Refused, Path]:
    to = path.with_name("copy.spool")
    to.touch()
    return redact(str(path), to=str(to), plan=plan), to


def plan_of(*spans: Span, margin: float = 0.0, fill: str = "silence", form: str = "wav") -> Plan:
    return Plan(spans, margin, fill, form)  # type: ignore[arg-type]


def read(path: Path, kind: str = "float32") -> Samples:
    samples, _ = soundfile.read(path, dtype=kind, always_2d=True)
    return np.asarray(samples)


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
@pytest.mark.parametrize("form", ["wav", "flac"])
def test_samples_outside_the_span_are_those_of_the_decoder_and_none_inside_are(
    codec: Codec, form: str, tmp_path: Path
) -> None:
    path = written(codec, tmp_path)
    done, copy = copied(path, plan_of(Span(1.5, 3.25), form=form))
    assert isinstance(done, Redacted)
    kind = "int16" if form == "flac" and codec.subtype in EXACT else "float32"
    before, after = read(path, kind), read(copy, kind)
    rate = done.rate
    first, end = int(1.5 * rate), int(3.25 * rate)
    assert len(before) == len(after)
    assert np.array_equal(before[:first], after[:first])
    assert np.array_equal(before[end:], after[end:])
    assert not after[first:end].any()
    assert before[first:end].any()


@pytest.mark.parametrize(("side", "channel"), [("left", 0), ("right", 1)])
def test_one_side_is_replaced_and_the_other_stays(side: Side, channel: int, tmp_path: Path) -> None:
    path = written(CODECS[0], tmp_path)
    done, copy = copied(path, plan_of(Span(1, 2, side)))
    before, after = read(path, "int16"), read(copy, "int16")
    assert isinstance(done, Redacted)
    assert np.array_equal(before[:, 1 - channel], after[:, 1 - channel])
    assert not after[RATE : 2 * RATE, channel].any()


def test_the_margin_is_replaced_too_and_a_tone_is_as_loud_as_quiet_speech(tmp_path: Path) -> None:
    path = written(CODECS[0], tmp_path)
    done, copy = copied(path, plan_of(Span(2, 3), margin=0.5, fill="tone"))
    assert isinstance(done, Redacted)
    before, after = read(path), read(copy)
    first, end = int(1.5 * RATE), int(3.5 * RATE)
    assert np.array_equal(before[:first], after[:first])
    assert np.array_equal(before[end:], after[end:])
    assert abs(float(np.abs(after[first:end]).max()) - 0.1) < 0.001
    assert np.array_equal(after[first:end, 0], after[first:end, 1])
    assert np.argmax(np.abs(np.fft.rfft(after[first:end, 0]))) == 1000 * 2


def test_a_long_mp3_is_decoded_as_in_one_go(tmp_path: Path) -> None:
    data = sample("rec-900114.mp3", "audio/mpeg").data
    path = tmp_path / "call.mp3"
    path.write_bytes(data)
    done, copy = copied(path, plan_of(Span(0, 0.5)))
    assert isinstance(done, Redacted)
    first = int(0.5 * done.rate)
    assert np.array_equal(read(path)[first:], read(copy)[first:])


@pytest.mark.parametrize(
    ("spans", "form", "subtype", "why"),
    [
        ([Span(7, 9)], "wav", "PCM_16", "outside"),
        ([Span(8.1, 8.2)], "wav", "PCM_16", "outside"),
        ([Span(1, 2, "left")], "wav", "PCM_16", "one-channel"),
        ([Span(1, 2)], "flac", "FLOAT", "not-flac"),
    ],
)
def test_what_cannot_be_redacted_for_sure_is_refused(
    spans: list[Span], form: str, subtype: str, why: str, tmp_path: Path
) -> None:
    path = tmp_path / "call.wav"
    soundfile.write(path, speech()[: 8 * RATE, :1], RATE, subtype=subtype)
    done, _ = copied(path, plan_of(*spans, form=form))
    assert isinstance(done, Refused)
    assert done.why == why


def test_noise_and_emptiness_are_refused(tmp_path: Path) -> None:
    for data in (b"", b"RIFF", bytes(range(256)) * 100):
        path = tmp_path / "call.mp3"
        path.write_bytes(data)
        done, _ = copied(path, plan_of(Span(0, 1)))
        assert done == Refused("unknown-codec")


def test_the_same_recording_makes_the_same_copy_without_its_tags(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    with soundfile.SoundFile(path, "w", RATE, 1, "FLOAT") as file:
        file.title = "Secret"
        file.write(speech()[: 2 * RATE, 0])
    copies = []
    for _ in range(2):
        done, copy = copied(path, plan_of(Span(0, 1)))
        assert isinstance(done, Redacted)
        copies.append(copy.read_bytes())
    assert copies[0] == copies[1]
    assert b"Secret" not in copies[0]
    at = copies[0].index(b"PEAK")
    assert copies[0][at + 12 : at + 16] == bytes(4)
