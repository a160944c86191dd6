"""The figures of a recording's sound, as frozen values (pure)."""

from dataclasses import dataclass
from typing import Any, Final

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

    def as_json(self) -> dict[str, Any]:
        """The member `audio.sound` of a sidecar."""
        return {
            "seconds": round(self.seconds, 2),
            "silence": round(self.silence, 3),
            "overtalk": round(self.overtalk, 1),
            "sides": [
                {
                    "level": round(side.loudest, 1),
                    "peak": round(side.peak, 1),
                    "clipped": round(side.clipped, 4),
                    "talk": round(side.talk, 1),
                }
                for side in self.sides
            ],
        }
