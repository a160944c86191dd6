"""What of a recording is not for everybody: spans of it, and what stands there instead (pure)."""

import math
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Side: TypeAlias = Literal["left", "right", "both"]
Fill: TypeAlias = Literal["silence", "tone"]
Form: TypeAlias = Literal["wav", "flac"]

SIDES: Final[tuple[Side, ...]] = ("left", "right", "both")
FILLS: Final[tuple[Fill, ...]] = ("silence", "tone")
FORMS: Final[tuple[Form, ...]] = ("wav", "flac")

MOST_MARGIN: Final = 1.0
"""Seconds."""

SLACK: Final = 0.5
"""Seconds by which a span may go beyond the end: players do not agree on the length of an MP3."""


@dataclass(frozen=True, slots=True)
class Span:
    """From the first second to the second, 0 being the beginning, on one side or on both. The
    left side is the first channel, the right one the second."""

    start: float
    end: float
    side: Side = "both"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is replaced in a copy of a recording, with a margin (seconds) around each span."""

    spans: tuple[Span, ...]
    margin: float
    fill: Fill
    form: Form

    def frames(self, span: Span, rate: int) -> tuple[int, int]:
        """The first frame that is replaced, and the first one after it that is not; the end may
        lie beyond that of the recording."""
        first = math.floor(max(0.0, span.start - self.margin) * rate)
        return first, math.ceil((span.end + self.margin) * rate)


Refusal: TypeAlias = Literal[
    "unknown-codec", "too-long", "outside", "one-channel", "not-flac", "too-large", "unwritten"
]
"""Why there is no redacted copy."""


@dataclass(frozen=True, slots=True)
class Refused:
    """There is no copy. `seconds` is how long the recording is, where that is why."""

    why: Refusal
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Redacted:
    """A copy that was written: its format, length, and the library that decoded and wrote it."""

    format: str
    subtype: str
    rate: int
    channels: int
    seconds: float
    library: str
