"""Audio -> figures: the level of each channel, its variation, and clipping.

The file is decoded ten seconds at a time and reduced to a few numbers per 20 ms, so memory grows by
about 4 MB per hour of stereo and not with the samples. `measure` is made to run in a worker process
(see `decoding`).
"""

from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from archiver.sound.decoding import (
    MOST_SECONDS,
    CannotDecode,
    Samples,
    Undecoded,
    blocks,
    decoded,
)
from archiver.sound.figures import SILENT_LEVEL, Side, Sound

_Numbers: TypeAlias = npt.NDArray[np.float32]

_STEPS_A_SECOND: Final = 50
"""A step is 20 ms, over which speech is steady."""
_STEPS_AT_ONCE: Final = 500
_STEPS_A_LOOK: Final = 5
"""Variation and talk are looked at a tenth of a second at a time, so that the waves of a low hum
do not look like speech."""
_LOUD_STEPS: Final = 10
"""200 ms: the shortest word that counts. Clicks are shorter."""

_LOUD_WITHIN: Final = 12.0
"""dB: steps this close to the loudest 200 ms of a side are its loud parts."""
_CEILING: Final = 0.985
"""Relative to the greatest sample: samples above this are at the ceiling. Lossy codecs smear by
more, but then samples exceed 1, which counts as well."""

_TONE: Final = 0.003
"""Flatness: the samples of a pure tone are near its peak by nature, and are not clipped."""

_VOICE_BAND: Final = (200.0, 3400.0)
"""Hz, that of the telephone: beyond it a narrow-band recording is empty, whatever it holds."""
_SPECTRA_AT_ONCE: Final = 50
"""Steps per ten seconds for which the spectrum is computed: one in ten."""

_QUIETEST_TALK: Final = -62.0
_TALK_BELOW_LOUDEST: Final = 25.0
"""dB: talk is at most this much quieter than the loudest steps, and louder than the first figure
(dBFS)."""
_LEAST_PAUSE: Final = 10
"""Looks (one second): a shorter pause counts as talk."""


def measure(path: str) -> Sound | Undecoded:
    """Decode the file and measure it. The result is `unknown-codec` if no decoder reads it, and
    `too-long` if it is longer than twelve hours, however small the file is."""
    try:
        with decoded(path) as file:
            steps = [_Steps() for _ in range(file.channels)]
            frames = _take_in(file, steps)
            if frames > MOST_SECONDS * file.samplerate:
                return "too-long"
            seconds = frames / file.samplerate
    except CannotDecode:
        return "unknown-codec"
    if not frames:
        return "unknown-codec"
    return _sound(seconds, [each.whole() for each in steps])


@dataclass(slots=True)
class _Steps:
    """One channel, one value per step; `flatness` is NaN except for about every tenth step."""

    power: list[_Numbers] = field(default_factory=list)
    peak: list[_Numbers] = field(default_factory=list)
    at_peak: list[_Numbers] = field(default_factory=list)
    at_full_scale: list[_Numbers] = field(default_factory=list)
    flatness: list[_Numbers] = field(default_factory=list)

    def whole(self) -> "_Channel":
        """The steps of all parts as one."""
        return _Channel(
            10 * np.log10(np.concatenate(self.power) + 10 ** (SILENT_LEVEL / 10)),
            np.concatenate(self.peak),
            np.concatenate(self.at_peak),
            np.concatenate(self.at_full_scale),
            np.concatenate(self.flatness),
        )


@dataclass(frozen=True, slots=True)
class _Channel:
    """One channel: for every step its level (dBFS), its greatest sample, the share of its samples
    at that value and beyond full scale, and how noise-like it is."""

    level: _Numbers
    peak: _Numbers
    at_peak: _Numbers
    at_full_scale: _Numbers
    flatness: _Numbers


def _take_in(file: Any, steps: list[_Steps]) -> int:
    """Measure every step of the file; returns its number of frames, up to the maximum length."""
    step = max(1, round(file.samplerate / _STEPS_A_SECOND))
    band = _band(step, file.samplerate)
    frames = 0
    for block in blocks(file, step * _STEPS_AT_ONCE):
        frames += len(block)
        missing = -len(block) % step
        padded = np.pad(block, ((0, missing), (0, 0))) if missing else block
        for channel, found in enumerate(steps):
            _measure_steps(padded[:, channel].reshape(-1, step), band, found)
        if frames > MOST_SECONDS * file.samplerate:
            break
    return frames


def _measure_steps(samples: Samples, band: slice, found: _Steps) -> None:
    size = np.abs(samples)
    peak = size.max(axis=1)
    found.power.append(np.mean(np.square(samples), axis=1, dtype=np.float32))
    found.peak.append(peak)
    found.at_peak.append(
        np.mean(size >= _CEILING * np.maximum(peak, 1e-6)[:, None], axis=1, dtype=np.float32)
    )
    found.at_full_scale.append(np.mean(size >= _CEILING, axis=1, dtype=np.float32))
    flatness = np.full(len(samples), np.nan, np.float32)
    chosen = np.arange(0, len(samples), max(1, _STEPS_AT_ONCE // _SPECTRA_AT_ONCE))
    flatness[chosen] = _flatness(samples[chosen], band)
    found.flatness.append(flatness)


def _band(step: int, rate: int) -> slice:
    """The bins of a step's spectrum within the voice band; at least two."""
    low, high = (round(edge * step / rate) for edge in _VOICE_BAND)
    return slice(max(1, low), max(low + 2, high + 1))


def _flatness(samples: Samples, band: slice) -> _Numbers:
    """The geometric divided by the arithmetic mean of the power in the band, for each step."""
    window = np.hanning(samples.shape[1]).astype(np.float32)
    power = np.square(np.abs(np.fft.rfft(samples * window, axis=1)))[:, band] + 1e-12
    flat: _Numbers = np.exp(np.log(power).mean(axis=1)) / power.mean(axis=1)
    return flat


def _sound(seconds: float, channels: list[_Channel]) -> Sound:
    talking = [_talking(channel.level) for channel in channels]
    a_look = _STEPS_A_LOOK / _STEPS_A_SECOND
    anybody = np.logical_or.reduce(talking)
    both = np.logical_and(talking[0], talking[1]) if len(talking) > 1 else np.zeros(1, bool)
    return Sound(
        seconds=seconds,
        sides=tuple(
            _side(channel, float(np.count_nonzero(talk)) * a_look)
            for channel, talk in zip(channels, talking, strict=True)
        ),
        silence=1.0 - float(np.mean(anybody)),
        overtalk=float(np.count_nonzero(both)) * a_look,
    )


def _side(channel: _Channel, talk: float) -> Side:
    loudest, usual = _loudest(channel.level), float(np.median(channel.level))
    loud = channel.level >= loudest - _LOUD_WITHIN
    top = float(channel.peak.max())
    return Side(
        loudest=loudest,
        usual=usual,
        variation=loudest - float(np.quantile(_looks(channel.level), 0.1)),
        flatness=_usual_flatness(channel, channel.level >= usual),
        peak=_decibels(top),
        clipped=_clipped(channel, loud, top),
        talk=talk,
    )


def _clipped(channel: _Channel, loud: npt.NDArray[np.bool_], top: float) -> float:
    """The share of the loud samples at the ceiling: full scale or, below it, the greatest sample,
    so that audio clipped before it was attenuated is recognised, too."""
    if _usual_flatness(channel, loud) < _TONE:
        return 0.0
    if top >= 1.0:
        return float(channel.at_full_scale[loud].mean())
    at_ceiling = np.where(channel.peak >= _CEILING * top, channel.at_peak, 0.0)
    return float(at_ceiling[loud].mean())


def _usual_flatness(channel: _Channel, steps: npt.NDArray[np.bool_]) -> float:
    known = channel.flatness[steps & ~np.isnan(channel.flatness)]
    return float(np.median(known)) if len(known) else 0.0


def _loudest(level: _Numbers) -> float:
    """The level exceeded for 200 ms in total."""
    place = min(_LOUD_STEPS, len(level))
    return float(np.partition(level, len(level) - place)[len(level) - place])


def _looks(level: _Numbers) -> _Numbers:
    """The mean level of every tenth of a second."""
    starts = np.arange(0, len(level), _STEPS_A_LOOK)
    lengths = np.diff(np.append(starts, len(level)))
    sums: _Numbers = np.add.reduceat(10 ** (level / 10), starts)
    return 10 * np.log10(sums / lengths)


def _talking(level: _Numbers) -> npt.NDArray[np.bool_]:
    """The tenths of a second in which sound is heard, including short pauses."""
    looks = _looks(level)
    heard = looks >= max(_QUIETEST_TALK, _loudest(level) - _TALK_BELOW_LOUDEST)
    edges = np.flatnonzero(np.diff(heard.astype(np.int8), prepend=1, append=1))
    talking = np.ones(len(heard), bool)
    for begins, ends in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if ends - begins >= _LEAST_PAUSE:
            talking[begins:ends] = False
    return talking


def _decibels(size: float) -> float:
    return max(SILENT_LEVEL, float(20 * np.log10(size + 1e-9)))
