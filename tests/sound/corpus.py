"""Recordings made for the purpose: good ones of every kind, and the same ones spoiled.

The speech is that of the sandbox's samples; faults and codecs are added here, so that what is
wrong with a recording, and that nothing else is, is known and not guessed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import soundfile

Samples: TypeAlias = npt.NDArray[np.float64]

RATE: Final = 8000


@dataclass(frozen=True, slots=True)
class Codec:
    """How a recording is written: as telephony, archives and browsers know it."""

    name: str
    format: str
    subtype: str
    extension: str
    sides: int = 2
    is_lossy: bool = False


CODECS: Final = (
    Codec("pcm", "WAV", "PCM_16", "wav"),
    Codec("ulaw", "WAV", "ULAW", "wav"),
    Codec("alaw", "WAV", "ALAW", "wav"),
    Codec("gsm", "WAV", "GSM610", "wav", sides=1, is_lossy=True),
    Codec("ima", "WAV", "IMA_ADPCM", "wav", is_lossy=True),
    Codec("mp3", "MP3", "MPEG_LAYER_III", "mp3", is_lossy=True),
    Codec("opus", "OGG", "OPUS", "ogg", is_lossy=True),
    Codec("vorbis", "OGG", "VORBIS", "ogg", is_lossy=True),
    Codec("flac", "FLAC", "PCM_16", "flac"),
)


def speech(name: str = "rec-900116.wav") -> Samples:
    """A sample call at 8 kHz, as (frames, sides), its greatest sample at full scale."""
    data = files("archiver.sandbox").joinpath("samples", name).read_bytes()
    samples, rate = soundfile.read(BytesIO(data), always_2d=True)
    seconds = len(samples) / rate
    moments = np.arange(int(seconds * RATE)) / RATE
    at = np.arange(len(samples)) / rate
    sides = [np.interp(moments, at, samples[:, side]) for side in range(samples.shape[1])]
    resampled = np.column_stack(sides)
    loudest: float = np.abs(resampled).max()
    return np.asarray(resampled / loudest * 0.999)


def noise(seconds: float, level: float, sides: int = 1) -> Samples:
    """White noise of a level in dBFS."""
    random = np.random.default_rng(seed=7)
    return random.normal(0.0, 10 ** (level / 20), (int(seconds * RATE), sides))


def tone(seconds: float, *frequencies: float, level: float = -6.0) -> Samples:
    """Steady tones, as a dial tone is made of."""
    moments = np.arange(int(seconds * RATE)) / RATE
    mixed = np.sum([np.sin(2 * np.pi * each * moments) for each in frequencies], axis=0)
    scaled: Samples = (mixed / len(frequencies) * 10 ** (level / 20))[:, None]
    return scaled


def louder(samples: Samples, decibels: float) -> Samples:
    """The same at another level; what goes beyond full scale is cut off there."""
    return np.clip(samples * 10 ** (decibels / 20), -1.0, 1.0)


def music(seconds: float, *, drive: float = 1.0) -> Samples:
    """Chords that are struck and fade, driven into soft limiting as music on hold often is."""
    moments = np.arange(int(seconds * RATE)) / RATE
    notes = [220 * 2 ** (step / 12) for step in (0, 4, 7, 12)]
    chord = np.sum([np.sin(2 * np.pi * each * moments) for each in notes], axis=0) / len(notes)
    struck = chord * np.exp(-2 * (2 * moments % 1))
    limited: Samples = (np.tanh(drive * struck) / np.tanh(drive) * 0.9)[:, None]
    return limited


def one_word(samples: Samples) -> Samples:
    """Half a second of speech in half a minute of an open line."""
    line = noise(15, -80, samples.shape[1])
    return np.concatenate([line, samples[RATE : RATE + RATE // 2], line])


def beside(left: Samples, right: Samples) -> Samples:
    """Two sides as one stereo recording."""
    length = min(len(left), len(right))
    return np.column_stack([left[:length, 0], right[:length, 0]])


def written(folder: Path, samples: Samples, codec: Codec) -> str | None:
    """The path of the recording in a codec; None when the codec has not so many sides."""
    if samples.shape[1] > codec.sides:
        return None
    path = folder / f"{codec.name}.{codec.extension}"
    soundfile.write(path, np.clip(samples, -1, 1), RATE, format=codec.format, subtype=codec.subtype)
    return str(path)


def on_a_noisy_line(samples: Samples, level: float) -> Samples:
    """The same with white noise of a level (dBFS) on every side."""
    return samples + noise(len(samples) / RATE, level, samples.shape[1])[: len(samples)]


SAMPLES: Final = ("rec-900116.wav", "rec-900101.mp3", "rec-900113.mp3", "rec-900117.ogg")

Maker: TypeAlias = Callable[[], Samples]

GOOD: Final[Mapping[str, Maker]] = {
    **{name: partial(speech, name) for name in SAMPLES},
    "quieter by 30 dB": lambda: louder(speech(), -30),
    "stereo, quieter by 30 dB": lambda: louder(speech("rec-900113.mp3"), -30),
    "on a noisy line": lambda: on_a_noisy_line(speech(), -38),
    "one word": lambda: one_word(speech()),
    "a short call with one side quiet": lambda: beside(speech()[: 4 * RATE], noise(4, -80)),
    "music on hold": lambda: music(20),
    "loud music on hold": lambda: music(20, drive=3),
    "a ring tone": lambda: np.concatenate([tone(1, 425), noise(4, -90)] * 4),
    "a full-scale beep": lambda: np.concatenate([tone(2, 440, level=0), noise(2, -70)] * 4),
}
"""What must give no finding."""

SPOILED: Final[Mapping[str, tuple[Maker, tuple[str, ...]]]] = {
    "digital silence": (lambda: np.zeros((10 * RATE, 1)), ("silent",)),
    "digital silence on both sides": (lambda: np.zeros((10 * RATE, 2)), ("silent",)),
    "dither": (lambda: noise(10, -75), ("silent",)),
    "an open line": (lambda: noise(10, -52), ("silent",)),
    "right side dead": (lambda: beside(speech(), 0 * speech()), ("dead-side",)),
    "left side an open line": (lambda: beside(noise(10.5, -60), speech()), ("dead-side",)),
    "clipped by 12 dB": (lambda: louder(speech(), 12), ("clipped",)),
    "clipped by 18 dB": (lambda: louder(speech(), 18), ("clipped",)),
    "clipped by 30 dB": (lambda: louder(speech(), 30), ("clipped",)),
    "clipped, then made quieter": (lambda: louder(louder(speech(), 18), -10), ("clipped",)),
    "one side clipped": (lambda: beside(louder(speech(), 18), speech(SAMPLES[1])), ("clipped",)),
    "white noise": (lambda: noise(10, -20), ("noise",)),
    "drowned in noise": (lambda: on_a_noisy_line(speech() * 0.1, -20), ("noise",)),
    "a dial tone without end": (lambda: tone(20, 350, 440), ("noise",)),
}
"""What must give exactly these findings."""
