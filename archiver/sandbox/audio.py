"""Audio that the sandbox serves: the samples it ships with, and WAV files made on the spot."""

import struct
import zlib
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files

_RATE = 8000
_HEADER_BYTES = 44
_SYLLABLE = (4, 12, 20, 24, 24, 20, 14, 8, 3, 1, 1)
"""The amplitude of each 20 ms, of 127."""
_PAUSE = (1,) * 25


@dataclass(frozen=True)
class Audio:
    """A file behind a recording."""

    data: bytes
    content_type: str = "audio/mpeg"
    extension: str = "mp3"
    seconds: float = 1.0

    @cached_property
    def tag(self) -> str:
        """The entity tag, quotes included: the same for the same bytes."""
        return f'"{zlib.crc32(self.data):08x}-{len(self.data):x}"'


def wav(size: int, stamp: int = 0) -> Audio:
    """A mono 8-bit WAV file of exactly `size` bytes (45 or more), different for each `stamp`.

    It sounds for (size - 44) / 8000 seconds.
    """
    if size <= _HEADER_BYTES:
        raise ValueError(f"a WAV file needs more than {_HEADER_BYTES} bytes, not {size}")
    length = size - _HEADER_BYTES
    fmt = struct.pack("<IHHIIHH", 16, 1, 1, _RATE, _RATE, 1, 8)
    head = b"RIFF" + struct.pack("<I", size - 8) + b"WAVEfmt " + fmt
    head += b"data" + struct.pack("<I", length)
    samples = stamp.to_bytes(8, "big")[-length:]
    return Audio(head + samples + _wave(length - len(samples)), "audio/wav", "wav", length / _RATE)


@cache
def _wave(length: int) -> bytes:
    """A saw-tooth of 100 Hz that swells and fades like syllables, with pauses between phrases: the
    sound check finds nothing wrong with it."""
    phrase = b"".join(2 * _period(amplitude) for amplitude in 5 * _SYLLABLE + _PAUSE)
    return (phrase * (length // len(phrase) + 1))[:length]


def _period(amplitude: int) -> bytes:
    """10 ms of the saw-tooth."""
    return bytes(128 + amplitude * (2 * step - 79) // 79 for step in range(80))


@cache
def sample(name: str, content_type: str = "audio/mpeg") -> Audio:
    """One of the recordings that ship with the sandbox, by file name."""
    data = files("archiver.sandbox").joinpath("samples", name).read_bytes()
    return Audio(data, content_type, name.rpartition(".")[2])
