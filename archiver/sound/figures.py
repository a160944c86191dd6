"""The figures of a recording's sound, and the names of the findings (pure)."""

from typing import Final

from msgspec import Struct

SILENT: Final = "silent"
DEAD_SIDE: Final = "dead-side"
CLIPPED: Final = "clipped"
NOISE: Final = "noise"
SHORT_TALK: Final = "short-talk"

SOUND_FINDINGS: Final = (SILENT, DEAD_SIDE, CLIPPED, NOISE, SHORT_TALK)
"""In the order in which they are listed."""

SILENT_LEVEL: Final = -120.0
"""dBFS: the level given to digital silence, whose logarithm is infinite."""


class Side(Struct, frozen=True):
    """One channel. Levels are in dBFS: 0 is the maximum of the format.

    `loudest` is the level that 200 ms of it reach, `usual` the median level. `variation` is how far
    the quietest tenth is below the loudest, in dB: 20 and more for speech, nearly zero for hiss and
    hum. `flatness` is how noise-like the louder half is: 1 would be perfectly white noise, a pure
    tone is close to 0, speech is below 0.2. `clipped` is the share of the loud samples at or beyond
    the ceiling of the scale; 0 if the loud part is a pure tone. `talk` is for how many seconds
    sound is heard.
    """

    loudest: float
    usual: float
    variation: float
    flatness: float
    peak: float
    clipped: float
    talk: float


class Sound(Struct, frozen=True):
    """What was measured of a recording: its decoded length in seconds, and each side.

    `silence` is the share of the length (0 to 1) in pauses of a second and more, on all sides at
    once. `overtalk` is for how many seconds both sides of a stereo recording are heard at once.
    """

    seconds: float
    sides: tuple[Side, ...]
    silence: float
    overtalk: float
