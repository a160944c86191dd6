"""Audio -> a copy in which spans are silence or a tone, and every other sample is the same.

`redact` is made to run in a worker process (see `decoding`). Samples keep the depth in which the
decoder gives them: those of telephony codecs have 16 bits, those of MP3, Opus and Vorbis are
floating-point numbers. FLAC has no such numbers, so there those are the 16 bits that the decoder
makes of them. Tags and pictures of the file are not copied.
"""

import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import soundfile

from archiver.sound.decoding import MOST_SECONDS, CannotDecode, decoded, in_one_go
from archiver.sound.spans import SLACK, Plan, Redacted, Refused

_Block = npt.NDArray[Any]

_FRAMES: Final = 65_536
_TONE_HERTZ: Final = 1000
_TONE_LEVEL: Final = 0.1
"""Of full scale: -20 dB, as loud as quiet speech."""

_MOST_WAV: Final = 2**32 - 4096
"""Bytes of samples; the sizes in a WAV file have 32 bits."""

_DEPTHS: Final = {
    "PCM_24": ("int32", "PCM_24"),
    "ALAC_20": ("int32", "PCM_24"),
    "ALAC_24": ("int32", "PCM_24"),
    "PCM_32": ("int32", "PCM_32"),
    "ALAC_32": ("int32", "PCM_32"),
    "FLOAT": ("float32", "FLOAT"),
    "DOUBLE": ("float64", "DOUBLE"),
}
_LOSSY: Final = frozenset({"MPEG_LAYER_I", "MPEG_LAYER_II", "MPEG_LAYER_III", "VORBIS", "OPUS"})
_BYTES: Final = {"PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4, "DOUBLE": 8}
_IN_FLAC: Final = frozenset({"PCM_16", "PCM_24"})


def redact(path: str, *, to: str, plan: Plan) -> Redacted | Refused:
    """Write the copy of the file at `path` to `to`, which exists. What cannot be done for sure is
    refused, and what then lies at `to` is of no use."""
    try:
        with decoded(path) as file:
            if file.channels == 1 and any(one.side != "both" for one in plan.spans):
                return Refused("one-channel")
            depth = _depth(file.subtype, plan)
            if depth is None:
                return Refused("not-flac")
            return _copy(file, to, plan, *depth)
    except CannotDecode:
        return Refused("unknown-codec")
    except AssertionError:  # how soundfile tells that fewer samples were written than it was given
        return Refused("unwritten")


def _depth(subtype: str, plan: Plan) -> tuple[str, str] | None:
    """As what samples are read and written; None where FLAC does not hold them."""
    if subtype in _LOSSY:
        return ("int16", "PCM_16") if plan.form == "flac" else ("float32", "FLOAT")
    read, written = _DEPTHS.get(subtype, ("int16", "PCM_16"))
    return None if plan.form == "flac" and written not in _IN_FLAC else (read, written)


def _copy(file: Any, to: str, plan: Plan, read: str, subtype: str) -> Redacted | Refused:
    rate, channels, form = file.samplerate, file.channels, plan.form.upper()
    spans = [(*plan.frames(one, rate), one.side) for one in plan.spans]
    a_frame, frames = channels * _BYTES[subtype], 0
    in_one_go(file)
    with soundfile.SoundFile(
        to, "w", samplerate=rate, channels=channels, format=form, subtype=subtype
    ) as copy:
        while len(block := file.read(_FRAMES, dtype=read, always_2d=True)):
            for first, end, side in spans:
                _replace(block, first - frames, end - frames, _channels(side), plan, rate)
            frames += len(block)
            if frames > MOST_SECONDS * rate:
                return Refused("too-long")
            if form == "WAV" and frames * a_frame > _MOST_WAV:
                return Refused("too-large")
            copy.write(block)
    if not frames:
        return Refused("unknown-codec")
    seconds = frames / rate
    if any(one.start >= seconds or one.end > seconds + SLACK for one in plan.spans):
        return Refused("outside", seconds)
    if soundfile.info(to).frames != frames:
        return Refused("unwritten")
    _forget_moment(Path(to))
    library = f"libsndfile {soundfile.__libsndfile_version__}"
    return Redacted(form, subtype, rate, channels, seconds, library)


def _channels(side: str) -> slice:
    return {"left": slice(0, 1), "right": slice(1, 2)}.get(side, slice(None))


def _replace(block: _Block, first: int, end: int, channels: slice, plan: Plan, rate: int) -> None:
    """Replace what of the span lies in the block, of which frame 0 is the first."""
    here = slice(max(first, 0), min(end, len(block)))
    if here.start >= here.stop:
        return
    if plan.fill == "silence":
        block[here, channels] = 0
        return
    moments = np.arange(here.start - first, here.stop - first) / rate
    tone = _TONE_LEVEL * np.sin(2 * math.pi * _TONE_HERTZ * moments)
    if block.dtype.kind == "i":
        tone = np.rint(tone * np.iinfo(block.dtype).max)
    block[here, channels] = tone.astype(block.dtype)[:, None]


def _forget_moment(path: Path) -> None:
    """Take out when the file was written, which libsndfile notes in a WAV file of floating-point
    samples: the same recording makes the same copy."""
    with path.open("r+b") as file:
        for at, name in _chunks(file):
            if name == b"PEAK":
                file.seek(at + 12)
                file.write(bytes(4))
                return


def _chunks(file: Any) -> Iterator[tuple[int, bytes]]:
    """Where each chunk of a RIFF file begins that comes before the samples, and its name."""
    head = file.read(12)
    at = 12 if head[:4] == b"RIFF" else -1
    while at > 0:
        file.seek(at)
        chunk = file.read(8)
        if len(chunk) < 8 or chunk[:4] == b"data":
            return
        yield at, chunk[:4]
        at += 8 + int(struct.unpack("<I", chunk[4:])[0])
