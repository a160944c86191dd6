"""WAVE, in RIFF and RF64.

The size of the `data` chunk is reliable only if it was known when it was written. A program that
writes to a pipe cannot go back to fill it in and leaves 0, or the largest possible number; then the
audio continues to the end of the file. Bytes are converted to seconds with the block size, exactly;
the average bit rate of the header is ignored.
"""

import struct
from typing import Final

from msgspec import Struct

from archiver.recordings.lengths.facts import Bytes, Facts

_MOST_CHUNKS: Final = 100
"""Of a good file, a dozen."""
_PLACEHOLDER: Final = 0x7FF0_0000
"""Sizes from here on (2 GiB) mean an unknown size: 0x7FFFFFFF, 0xFFFFFFFF and the like, rounded
down to blocks."""
_WHOLE: Final = 0.98
"""A file with less than this share of the bytes that its header promises was cut."""

_ONE_SAMPLE_A_BLOCK: Final = {1, 3, 6, 7}
"""PCM, float, A-law, mu-law."""
_COUNTED_BLOCKS: Final = {2, 0x11, 0x31}
"""ADPCM, IMA ADPCM, GSM 6.10: the header has the number of samples in a block."""
_EXTENSIBLE: Final = 0xFFFE


class _Layout(Struct, frozen=True):
    """The `fmt ` chunk. `samples` are those of a block; None where blocks do not count them."""

    channels: int
    rate: int
    block: int
    samples: int | None


def measure_wave(data: Bytes) -> Facts:
    """The facts of a WAVE file."""
    at, layout, counted, wide = 12, None, None, None
    for _ in range(_MOST_CHUNKS):
        head = data[at : at + 8]
        if len(head) < 8:
            break
        name, size = head[:4], struct.unpack_from("<I", head, 4)[0]
        at += 8
        if name == b"fmt ":
            layout = _layout(data[at : at + min(size, 40)])
        elif name == b"fact" and size >= 4:
            counted = _number(data[at : at + 4])
        elif name == b"ds64" and size >= 16:
            wide = int.from_bytes(data[at + 8 : at + 16], "little")
        elif name == b"data":
            promised = wide if size == 0xFFFF_FFFF and wide else size
            return _facts(layout, counted, promised, len(data) - at)
        at += size + size % 2
    return Facts() if layout is None else Facts(None, layout.channels, layout.rate)


def _facts(layout: _Layout | None, counted: int | None, promised: int, there: int) -> Facts:
    if layout is None:
        return Facts()
    is_open = promised == 0 or promised >= max(_PLACEHOLDER, there + _PLACEHOLDER)
    cut = not is_open and there < promised * _WHOLE
    size = there if is_open else min(promised, there)
    seconds: float | None = None
    if layout.samples is not None and layout.block:
        seconds = size / layout.block * layout.samples / layout.rate
    elif counted is not None and not is_open:
        seconds = counted * (size / promised) / layout.rate if not cut else None
    return Facts(round(seconds, 3) if seconds else None, layout.channels, layout.rate, cut)


def _layout(chunk: bytes) -> _Layout | None:
    if len(chunk) < 16:
        return None
    kind, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", chunk)
    if kind == _EXTENSIBLE and len(chunk) >= 26:
        kind = struct.unpack_from("<H", chunk, 24)[0]
    if not channels or not rate:
        return None
    samples = None
    if kind in _ONE_SAMPLE_A_BLOCK:
        samples, block = 1, channels * -(-bits // 8) if bits else block
    elif kind in _COUNTED_BLOCKS and len(chunk) >= 20:
        samples = struct.unpack_from("<H", chunk, 18)[0] or None
    return _Layout(channels, rate, block, samples)


def _number(field: bytes) -> int | None:
    """A count of samples that was known when it was written."""
    value = int.from_bytes(field, "little")
    return value if 0 < value < _PLACEHOLDER and len(field) == 4 else None
