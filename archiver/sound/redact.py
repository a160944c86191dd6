"""Writes a copy of audio in which spans are silence or a tone and all other samples are unchanged.

`redact` is meant for a worker process (see `decoding`). Samples keep the depth of the decoder: 16
bits for telephony codecs, floating point for MP3, Opus and Vorbis. FLAC does not support floating
point, so there the decoder's 16-bit samples are used. Tags and pictures are not copied.
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
"""Relative to full scale: -20 dB, as loud as quiet speech."""

_MOST_WAV: Final = 2**32 - 4096
"""The most bytes of samples: the sizes in a WAV file have 32 bits."""

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
    """Write the copy of the file at `path` to `to`, which exists. Anything that cannot be done
    reliably is refused; the content of `to` is then useless."""
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
    except AssertionError:  # raised by soundfile if fewer samples were written than given
        return Refused("unwritten")


def _depth(subtype: str, plan: Plan) -> tuple[str, str] | None:
    """The types of samples for reading and writing; None if FLAC does not support them."""
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
    """Replace the part of the span that is in the block, whose first frame is number 0."""
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
    """Remove the time of writing, which libsndfile stores in WAV files of floating-point samples:
    the same recording must give the same copy."""
    with path.open("r+b") as file:
        for at, name in _chunks(file):
            if name == b"PEAK":
                file.seek(at + 12)
                file.write(bytes(4))
                return


def _chunks(file: Any) -> Iterator[tuple[int, bytes]]:
    """The position and name of each chunk of a RIFF file before the samples."""
    head = file.read(12)
    at = 12 if head[:4] == b"RIFF" else -1
    while at > 0:
        file.seek(at)
        chunk = file.read(8)
        if len(chunk) < 8 or chunk[:4] == b"data":
            return
        yield at, chunk[:4]
        at += 8 + int(struct.unpack("<I", chunk[4:])[0])
