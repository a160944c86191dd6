"""Recordings that the samples do not have: a long pause, a kind of sound that no browser plays."""

import math
import struct

from archiver.sandbox.audio import Audio
from archiver.sandbox.world import World

_RATE = 8000

PAUSED, FOREIGN, DAMAGED, WAITING, DOOMED = 900_201, 900_202, 900_203, 900_204, 900_205
PAUSE = (2.0, 22.0)
"""Seconds of silence in the recording PAUSED, which is two seconds longer."""
DOOMED_LEAD = 120_205
"""Whose only recording is DOOMED: what is erased where a test wants something erased."""
RECORDINGS = 22
"""Those of the samples and of the strange calls together."""
FORMULA = '=HYPERLINK("http://evil.example")'
"""What a spreadsheet would take for more than a text."""


def strange_calls(world: World) -> World:
    """The world with one call more for each recording that has something special."""
    for number, (record_id, audio) in enumerate(
        (
            (PAUSED, _paused()),
            (FOREIGN, _foreign()),
            (DAMAGED, _paused(3)),
            (WAITING, None),
            (DOOMED, _paused(1)),
        )
    ):
        world.call(70_201 + number, at="2026-11-02T20:00:00Z", user_id=101, talk=24)
        if audio is None:
            world.recording(record_id, file_url=None, duration=5)
        else:
            world.recording(record_id, audio=audio, duration=audio.seconds)
    return world


def _paused(pause: float = PAUSE[1] - PAUSE[0]) -> Audio:
    """A tone, a pause, a tone."""
    tone = [round(9000 * math.sin(n * 0.5) * (n % 800 < 500)) for n in range(2 * _RATE)]
    samples = [*tone, *([0] * round(pause * _RATE)), *tone]
    data = struct.pack(f"<{len(samples)}h", *samples)
    fmt = struct.pack("<IHHIIHH", 16, 1, 1, _RATE, 2 * _RATE, 2, 16)
    head = b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + fmt
    head += b"data" + struct.pack("<I", len(data))
    return Audio(head + data, "audio/wav", "wav", len(samples) / _RATE)


def _foreign() -> Audio:
    """A kind of sound that nothing here and no browser knows."""
    return Audio(b"\x7fG723" + (b"\x3c" + bytes(range(31))) * 200, "audio/g723", "g723", 4.0)
