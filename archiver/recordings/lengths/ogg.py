"""Ogg: Vorbis, Opus, Speex and FLAC.

Every page has the sample at which its last packet ends, so the last page of a stream gives the
duration, exactly and for the cost of a search from the end. Bit rates in these headers are nominal
and are ignored. Streams can follow one another (concatenated files): their durations are added. A
stream that was recorded from its middle begins at an unknown sample; then the duration is unknown.
"""

import struct
from typing import Final

from msgspec import Struct

from archiver.recordings.lengths.facts import Bytes, Facts

_MAGIC: Final = b"OggS"
_FIRST_PAGE: Final = b"OggS\x00\x02"
_MOST_STREAMS: Final = 64
"""The maximum number of streams of a file; and of pages read for one answer about a stream."""


class _Codec(Struct, frozen=True):
    """The facts of the first packet. `skip` samples are not played; `packet` is the most samples in
    one."""

    channels: int
    rate: int
    packet: int
    skip: int = 0


class _Page(Struct, frozen=True):
    """The header of a page. `packets` end on it; `end` is where the next page begins."""

    granule: int
    serial: int
    packets: int
    body: int
    end: int
    is_first: bool


def measure_ogg(data: Bytes) -> Facts:
    """The facts of an Ogg file."""
    seconds, first, at = 0.0, None, 0
    for _ in range(_MOST_STREAMS):
        begun = _begin(data, at)
        if begun is None:
            break
        codec, serial, after = begun
        first = first or codec
        end = data.find(_FIRST_PAGE, after)
        length = _length(data, codec, serial, after, len(data) if end < 0 else end)
        if length is None:
            return Facts(None, first.channels, first.rate)
        seconds += length
        if end < 0:
            return Facts(round(seconds, 3) or None, first.channels, first.rate, _is_cut(data))
        at = end
    return Facts() if first is None else Facts(None, first.channels, first.rate)


def _begin(data: Bytes, at: int) -> tuple[_Codec, int, int] | None:
    """Codec and serial number of the sound that begins at `at`, and where its first pages end."""
    found = None
    for _ in range(_MOST_STREAMS):
        page = _page(data, at)
        if page is None or not page.is_first:
            break
        if found is None and (codec := _codec(data[page.body : page.body + 80])) is not None:
            found = codec, page.serial
        at = page.end
    return None if found is None else (*found, at)


def _length(data: Bytes, codec: _Codec, serial: int, start: int, end: int) -> float | None:
    """Seconds of a stream between `start` and `end`; None where it does not begin at its start."""
    at = start
    for _ in range(_MOST_STREAMS):
        page = _page(data, at)
        if page is None:
            return None
        if page.serial == serial and page.granule > 0:
            if page.granule > page.packets * codec.packet + codec.skip:
                return None
            break
        at = page.end
    else:
        return None
    for _ in range(_MOST_STREAMS):
        end = data.rfind(_MAGIC, at, end)
        if end < 0:
            break
        page = _page(data, end)
        if page is not None and page.serial == serial and page.granule > 0:
            return max(page.granule - codec.skip, 0) / codec.rate
    return None


def _is_cut(data: Bytes) -> bool:
    """Whether the file ends within a page."""
    last = data.rfind(_MAGIC)
    return _page(data, last) is None


def _page(data: Bytes, at: int) -> _Page | None:
    """The page at `at`, where all of it is there."""
    head = data[at : at + 27]
    if len(head) < 27 or head[:5] != b"OggS\x00":
        return None
    flags, granule, serial = struct.unpack_from("<BqI", head, 5)
    lacing = data[at + 27 : at + 27 + head[26]]
    body = at + 27 + head[26]
    end = body + sum(lacing)
    if end > len(data):
        return None
    packets = len(lacing) - lacing.count(255)
    return _Page(granule, serial, packets, body, end, bool(flags & 2))


def _codec(packet: bytes) -> _Codec | None:
    codec = None
    if packet.startswith(b"\x01vorbis") and len(packet) >= 29:
        channels, rate = struct.unpack_from("<BI", packet, 11)
        codec = _Codec(channels, rate, 1 << (packet[28] >> 4))
    elif packet.startswith(b"OpusHead") and len(packet) >= 19:
        channels, skip = struct.unpack_from("<BH", packet, 9)
        codec = _Codec(channels, 48_000, 5760, skip)
    elif packet.startswith(b"Speex   ") and len(packet) >= 68:
        rate, _, _, channels, _, size, _, frames = struct.unpack_from("<8I", packet, 36)
        codec = _Codec(channels, rate, max(size * frames, 1))
    elif packet.startswith(b"\x7fFLAC") and len(packet) >= 30:
        rate = packet[27] << 12 | packet[28] << 4 | packet[29] >> 4
        codec = _Codec((packet[29] >> 1 & 7) + 1, rate, 65_536)
    return codec if codec is not None and codec.channels and codec.rate else None
