"""The figures of a recording's sound, and the names of what may be wrong with it (pure)."""

from dataclasses import dataclass
from typing import Final

SILENT: Final = "silent"
DEAD_SIDE: Final = "dead-side"
CLIPPED: Final = "clipped"
NOISE: Final = "noise"
SHORT_TALK: Final = "short-talk"

SOUND_FINDINGS: Final = (SILENT, DEAD_SIDE, CLIPPED, NOISE, SHORT_TALK)
"""In the order in which they are named."""

SILENT_LEVEL: Final = -120.0
"""dBFS: what digital silence is written as, since its logarithm has no end."""


@dataclass(frozen=True, slots=True)
class Side:
    """One channel. Levels are in dBFS: 0 is the loudest that the format can say.

    `loudest` is the level that 200 ms of it reach, `usual` the median level. `variation` is how far
    the quietest tenth lies below the loudest, in dB: 20 and more in speech, next to nothing in hiss
    and hum. `flatness` says how much the louder half is like noise: 1 would be perfectly white
    noise, a pure tone is close to 0, speech stays below 0.2.
    `clipped` is the share of the loud samples that stand at the ceiling of the scale or beyond; 0
    when what is loud is a pure tone.
    `talk` is for how many seconds somebody or something is heard.
    """

    loudest: float
    usual: float
    variation: float
    flatness: float
    peak: float
    clipped: float
    talk: float


@dataclass(frozen=True, slots=True)
class Sound:
    """What was measured of a recording: its decoded length in seconds, and each side.

    `silence` is the share of the length (0 to 1) in pauses of a second and more, on all sides at
    once. `overtalk` is for how many seconds both sides of a stereo recording are heard at once.
    """

    seconds: float
    sides: tuple[Side, ...]
    silence: float
    overtalk: float
