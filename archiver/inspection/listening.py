"""The work of a worker process on one file: decode it, and measure its duration again."""

from pathlib import Path

from archiver.recordings.audio import measure as measure_length
from archiver.sound.decoding import Undecoded
from archiver.sound.figures import Sound
from archiver.sound.measure import measure


def listen(path: str) -> tuple[Sound | Undecoded, float | None]:
    """The figures of the sound, and the length in seconds that the format promises, if any."""
    return measure(path), measure_length(Path(path)).seconds
