"""Audio -> a waveform: the peaks of each channel, and silent spans.

A file is decoded a few seconds at a time, so memory does not grow with its length. `trace` is made
to run in a worker process (see `archiver.sound.decoding`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from archiver.sound.decoding import MOST_SECONDS, CannotDecode, Undecoded, blocks, decoded

Levels: TypeAlias = npt.NDArray[np.float32]

POINTS_A_SECOND: Final = 10
LEAST_POINTS: Final = 1000
MOST_POINTS: Final = 4000

LONG_SECONDS: Final = 1200
"""From this length on the whole takes seconds to decode, and a sketch comes first."""
_LOOKS: Final = 60
_A_LOOK: Final = 0.1
"""A sketch looks at so many places, for so many seconds each. A seek costs 4 to 16 ms of processor
time in Opus, more than all else until the first waveform of two hours is seen."""
_STEPS_A_SECOND: Final = 200
"""A step is 5 ms: the finest that is looked at, and so many points even a short file can have."""
_STEPS_AT_ONCE: Final = 2000
_STEPS_A_LOOK: Final = 10
"""Silence is looked for 50 ms at a time."""

_QUIETEST: Final = 0.006
_LOUDEST_SILENCE: Final = 0.05
_SHARE_OF_SPEECH: Final = 0.08
"""Below this share of the loudness of speech in the recording, nobody speaks (about -22 dB)."""
_LEAST_SILENCE: Final = 1.0
_MARGIN: Final = 0.2
"""Seconds: shorter pauses are speech, and some of the silence is kept at both ends."""


@dataclass(frozen=True, slots=True)
class Waveform:
    """What is drawn. `channels` hold one byte (0 to 255) a point: the greatest absolute sample.

    `seconds` is the decoded length; `silences` are spans of it in which nobody speaks.
    """

    seconds: float
    channels: tuple[bytes, ...]
    silences: tuple[tuple[float, float], ...]


def trace(path: str, most_seconds: float = MOST_SECONDS) -> Waveform | Undecoded:
    """Decode the file. A codec that nothing here can read, or nonsense, is `unknown-codec`, and one
    longer than `most_seconds` is `too-long`."""
    try:
        with decoded(path) as file:
            levels, seconds = _decode(file, most_seconds)
    except CannotDecode:
        return "unknown-codec"
    if seconds > most_seconds:
        return "too-long"
    if not len(levels):
        return "unknown-codec"
    return Waveform(round(seconds, 3), _points(levels, seconds), tuple(_silences(levels)))


def sketch(path: str) -> Waveform | Undecoded:
    """A rough waveform of a long file, from a short look at each of some hundred places: what is
    there to see until `trace` has decoded the whole. It knows of no silences."""
    try:
        with decoded(path) as file:
            seconds = file.frames / file.samplerate
            if seconds > MOST_SECONDS:
                return "too-long"
            look = max(1, round(file.samplerate * _A_LOOK))
            found = []
            for number in range(_LOOKS):
                file.seek(number * max(file.frames - look, 0) // _LOOKS)
                block = file.read(look, dtype="float32", always_2d=True)
                found.append(np.abs(block).max(axis=0, initial=0.0))
    except CannotDecode:
        return "unknown-codec"
    levels = np.nan_to_num(np.asarray(found, np.float32), nan=0.0, posinf=1.0)
    drawn = np.ceil(np.clip(levels, 0.0, 1.0) * 255).astype(np.uint8)
    return Waveform(round(seconds, 3), tuple(one.tobytes() for one in drawn.T), ())


def _decode(file: Any, most_seconds: float) -> tuple[Levels, float]:
    """The peak of every step in every channel, and the length; of no more than is too long."""
    step = max(1, round(file.samplerate / _STEPS_A_SECOND))
    found, frames = [], 0
    for block in blocks(file, step * _STEPS_AT_ONCE):
        frames += len(block)
        np.abs(block, out=block)
        found.append(np.maximum.reduceat(block, np.arange(0, len(block), step), axis=0))
        if frames > most_seconds * file.samplerate:
            break
    levels = np.concatenate(found) if found else np.empty((0, file.channels), np.float32)
    return levels, frames / file.samplerate


def _points(levels: Levels, seconds: float) -> tuple[bytes, ...]:
    wanted = min(MOST_POINTS, max(LEAST_POINTS, int(seconds * POINTS_A_SECOND)), len(levels))
    starts = np.arange(wanted) * len(levels) // wanted
    peaks = np.maximum.reduceat(levels, starts, axis=0)
    drawn = np.ceil(np.clip(peaks, 0.0, 1.0) * 255).astype(np.uint8)
    return tuple(drawn[:, channel].tobytes() for channel in range(drawn.shape[1]))


def _silences(levels: Levels) -> Iterator[tuple[float, float]]:
    """Spans in which every channel is quiet. A click of one look's length does not break a span."""
    loudest = levels.max(axis=1)
    looks = np.maximum.reduceat(loudest, np.arange(0, len(loudest), _STEPS_A_LOOK))
    speech = float(np.quantile(looks, 0.95))
    threshold = min(max(_SHARE_OF_SPEECH * speech, _QUIETEST), _LOUDEST_SILENCE)
    loud = np.concatenate(([False], looks > threshold, [False]))
    loud = (loud[1:-1] & (loud[:-2] | loud[2:])).astype(np.int8)
    edges = np.flatnonzero(np.diff(loud, prepend=1, append=1))
    a_look = _STEPS_A_LOOK / _STEPS_A_SECOND
    end = len(loudest) / _STEPS_A_SECOND
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        begins = first * a_look + (_MARGIN if first else 0.0)
        ends = min(last * a_look, end) - (_MARGIN if last < len(looks) else 0.0)
        if (last - first) * a_look >= _LEAST_SILENCE:
            yield (round(begins, 2), round(ends, 2))
