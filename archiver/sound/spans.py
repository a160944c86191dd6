"""Confidential spans of recordings, and their replacement in copies (pure)."""

import hashlib
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
"""The longest margin, in seconds."""

MARGIN: Final = 0.2
"""Default margin around each span in seconds: positions in an MP3 differ by up to 0.15 s between
players."""

SLACK: Final = 0.5
"""Seconds by which a span may exceed the end: players disagree on the length of an MP3."""


@dataclass(frozen=True, slots=True)
class Span:
    """From the first second to the second, counted from the beginning, on one channel or both. The
    left side is the first channel, the right side the second."""

    start: float
    end: float
    side: Side = "both"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is replaced in a copy of a recording, with a margin in seconds around each span."""

    spans: tuple[Span, ...]
    margin: float
    fill: Fill
    form: Form

    @property
    def digest(self) -> str:
        """A name for copies: two plans have the same only if they are equal."""
        return hashlib.sha256(repr(self).encode()).hexdigest()

    def frames(self, span: Span, rate: int) -> tuple[int, int]:
        """The first replaced frame, and the first one after the span; the latter may be beyond the
        end of the recording."""
        first = math.floor(max(0.0, span.start - self.margin) * rate)
        return first, math.ceil((span.end + self.margin) * rate)


Refusal: TypeAlias = Literal[
    "unknown-codec", "too-long", "outside", "one-channel", "not-flac", "too-large", "unwritten"
]
"""Why there is no redacted copy."""


@dataclass(frozen=True, slots=True)
class Refused:
    """There is no copy. `seconds` is the duration of the recording, if that is the reason."""

    why: Refusal
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Redacted:
    """A written copy: its format, duration, and the library that decoded and wrote it."""

    format: str
    subtype: str
    rate: int
    channels: int
    seconds: float
    library: str
