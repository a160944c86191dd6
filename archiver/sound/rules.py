"""Derives findings from figures: silent, dead-side, clipped, noise, short-talk (pure).

The thresholds were determined with recordings made for this purpose (tests/sound): real calls, also
quieter by 40 dB, in narrow-band codecs, with music on hold or a single word, have no findings; the
same calls silenced, with a dead channel, clipped by 12 dB and more, or replaced by noise have.
docs/sound.md has the figures of both.
"""

from typing import Final

from archiver.sound.figures import CLIPPED, DEAD_SIDE, NOISE, SILENT, Side, Sound

RULES: Final = 1
"""Increased when a rule or a figure changes: every recording is then examined again."""

_NOTHING_HEARD: Final = -65.0
"""dBFS: a call attenuated by 40 dB is still louder than this by 8 dB."""
_FAINT: Final = -45.0
"""dBFS: below it, a channel without variation is the noise of an open line."""
_OPEN_LINE: Final = 12.0
"""dB: an open line varies by less than 10 in every codec, faint speech by more than 17."""

_DEAD_AFTER: Final = 8.0
_OTHER_TALKS: Final = 2.0
"""Seconds: in a shorter call, one side may not have spoken."""

_CLIPPED_SHARE: Final = 0.02
_CLIPPED_SHARE_BEYOND: Final = 0.01
"""Share of the loud samples. Speech that just reaches full scale: 0.0001; through a hard limiter:
0.013; 12 dB too loud: 0.08 and more. A lossy codec spreads the ceiling, so fewer samples are at it
and some exceed full scale (12 dB too loud: 0.016 and more)."""
_BEYOND: Final = 0.2
"""dBFS."""

_NOISY: Final = 0.35
_DROWNED: Final = 10.0
"""Flatness of the louder half; and dB by which anything may exceed the noise."""
_ENDLESS_TONE: Final = 3.0
"""dB: with less variation than this it is a tone or a hum, whatever its spectrum."""

_SHORT_LENGTH, _LEAST_MISSING = 0.5, 10.0
_SHORT_SOUND, _LEAST_TALK = 0.1, 30.0
"""Shares of the call's talk time, and seconds. Calls on hold may be quiet for long, so only very
little sound is a finding; and recordings may leave out the ringing and a few seconds."""


def findings_of(sound: Sound) -> tuple[str, ...]:
    """The findings for one recording, in a fixed order; empty for a good one."""
    dead = [_is_silent(side) for side in sound.sides]
    if all(dead):
        return (SILENT,)
    alive = [side for side, is_dead in zip(sound.sides, dead, strict=True) if not is_dead]
    found = []
    if len(alive) < len(dead) and _should_have_two_sides(sound, alive):
        found.append(DEAD_SIDE)
    if any(_is_clipped(side) for side in alive):
        found.append(CLIPPED)
    if all(_is_noise(side) for side in alive):
        found.append(NOISE)
    return tuple(found)


def is_short_talk(talk_seconds: float | None, lengths: float, heard: float) -> bool:
    """Whether the recordings of a call are much shorter than its talk time.

    `lengths` and `heard` are sums over all recordings of the call, in seconds: of their decoded
    durations, and of the time in which sound is heard.
    """
    if talk_seconds is None or talk_seconds <= 0:
        return False
    is_short = lengths < _SHORT_LENGTH * talk_seconds and talk_seconds - lengths >= _LEAST_MISSING
    is_empty = talk_seconds >= _LEAST_TALK and heard < _SHORT_SOUND * talk_seconds
    return is_short or is_empty


def _is_silent(side: Side) -> bool:
    return side.loudest < _NOTHING_HEARD or (side.loudest < _FAINT and side.variation < _OPEN_LINE)


def _should_have_two_sides(sound: Sound, alive: list[Side]) -> bool:
    return sound.seconds >= _DEAD_AFTER and any(side.talk >= _OTHER_TALKS for side in alive)


def _is_clipped(side: Side) -> bool:
    return side.clipped >= (_CLIPPED_SHARE_BEYOND if side.peak > _BEYOND else _CLIPPED_SHARE)


def _is_noise(side: Side) -> bool:
    if side.variation < _ENDLESS_TONE:
        return True
    return side.flatness >= _NOISY and side.loudest - side.usual < _DROWNED
