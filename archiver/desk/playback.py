"""How a recording reaches a browser: as it is, or decoded to PCM here (pure).

Browsers play MP3, AAC, Opus, Vorbis, FLAC and plain PCM. Telephony also records with codecs that
none or few of them know; those are decoded by libsndfile, or by ffmpeg where it is installed.
"""

import struct
from enum import Enum
from typing import Final

FFMPEG: Final = "ffmpeg"
HEAD_BYTES: Final = 4096
"""How much of the beginning shows the codec: the format chunk is near the start."""


class Way(Enum):
    """Who decodes. The value is ffmpeg's name of the container where ffmpeg does."""

    BROWSER = "browser"
    SNDFILE = "sndfile"
    AMR = "amr"
    WMA = "asf"
    G722 = "g722"
    G729 = "g729"
    WAV = "wav"

    @property
    def needs_ffmpeg(self) -> bool:
        """Whether only ffmpeg decodes it."""
        return self not in (Way.BROWSER, Way.SNDFILE)


_BY_TYPE: Final = {
    "audio/aiff": Way.SNDFILE,
    "audio/x-aiff": Way.SNDFILE,
    "audio/basic": Way.SNDFILE,
    "audio/amr": Way.AMR,
    "audio/amr-wb": Way.AMR,
    "audio/x-ms-wma": Way.WMA,
    "audio/g722": Way.G722,
    "audio/g729": Way.G729,
}
_PLAYED: Final = frozenset({0x0001, 0x0003, 0x0055, 0x00FF, 0xFFFE})
"""WAVE codecs of browsers: PCM, float, MP3, AAC, and the extensible form of PCM."""
_DECODED: Final = frozenset({0x0002, 0x0006, 0x0007, 0x0011, 0x0031})
"""MS ADPCM, A-law and µ-law (not every browser plays them), IMA ADPCM, GSM 6.10."""


def is_wave(content_type: str) -> bool:
    """Whether the codec is known from the head of the file alone."""
    return content_type in ("audio/wav", "audio/x-wav", "audio/wave")


def way_of(content_type: str, head: bytes = b"") -> Way:
    """How audio of that type is played; of a WAVE file its first bytes decide."""
    if not is_wave(content_type):
        return _BY_TYPE.get(content_type, Way.BROWSER)
    codec = _wave_codec(head)
    if codec is None or codec in _PLAYED:
        return Way.BROWSER
    return Way.SNDFILE if codec in _DECODED else Way.WAV


def _wave_codec(head: bytes) -> int | None:
    """The number in the format chunk of a WAVE file; None where there is no such chunk."""
    at = 12
    while at + 10 <= len(head):
        name, length = struct.unpack_from("<4sI", head, at)
        if name == b"fmt ":
            return int.from_bytes(head[at + 8 : at + 10], "little")
        at += 8 + length + length % 2
    return None
