"""FLAC: the header has the number of samples, and the last frame shows whether they are all there.

Every frame has its number, or the sample at which it begins. A program that writes to a pipe leaves
the number in the header at 0; then the last frame alone gives the duration.
"""

from typing import Final

from archiver.recordings.lengths.facts import Bytes, Facts

_MOST_BLOCKS: Final = 100
"""Blocks of metadata; and places in the tail that may look like the beginning of a frame."""
_TAIL: Final = 2**18
"""The last frame begins within this many bytes from the end: frames have about 10 KiB."""
_WHOLE: Final = 0.98


def measure_flac(data: Bytes, start: int) -> Facts:
    """The facts of the FLAC stream that begins at `start`."""
    info = data[start + 8 : start + 42]
    if len(info) < 34 or data[start + 4 : start + 5][0] & 0x7F != 0:
        return Facts()
    fields = int.from_bytes(info[10:18], "big")
    rate, channels, total = fields >> 44, (fields >> 41 & 7) + 1, fields & 0xF_FFFF_FFFF
    first = _first_frame(data, start + 4)
    if not rate or first is None:
        return Facts(None, channels, rate or None)
    there = _samples_there(data, first, int.from_bytes(info[2:4], "big"))
    cut = there is not None and there < total * _WHOLE
    samples = there if cut or not total or there is None else total
    return Facts(round(samples / rate, 3) if samples else None, channels, rate, cut)


def _first_frame(data: Bytes, at: int) -> int | None:
    """Where the first frame begins, behind the blocks of metadata."""
    for _ in range(_MOST_BLOCKS):
        head = data[at : at + 4]
        if len(head) < 4:
            return None
        at += 4 + int.from_bytes(head[1:], "big")
        if head[0] & 0x80:
            return at
    return None


def _samples_there(data: Bytes, first: int, block: int) -> int | None:
    """Samples up to the end of the last frame; None where none is found."""
    sync = data[first : first + 2]
    if sync not in (b"\xff\xf8", b"\xff\xf9"):
        return None
    end, least = len(data), max(first, len(data) - _TAIL)
    for _ in range(_MOST_BLOCKS):
        end = data.rfind(sync, least, end + 1)
        if end < 0:
            return None
        samples = _end_of(data[end : end + 16], block)
        if samples is not None:
            return samples
    return None


def _end_of(head: bytes, block: int) -> int | None:
    """The sample at which the frame with this header ends; None where it is no such header."""
    numbered = _number(head, 4)
    if numbered is None:
        return None
    number, at = numbered
    code, rate_code = head[2] >> 4, head[2] & 15
    if code == 0 or rate_code == 15:
        return None
    extra = {6: 1, 7: 2}.get(code, 0)
    if extra:
        length = int.from_bytes(head[at : at + extra], "big") + 1
    else:
        length = 192 if code == 1 else 576 << code - 2 if code < 6 else 256 << code - 8
    at += extra + {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    if at >= len(head) or _crc8(head[:at]) != head[at]:
        return None
    return (number if head[1] & 1 else number * block) + length


def _number(head: bytes, at: int) -> tuple[int, int] | None:
    """The number in the header, coded like a character of UTF-8, and where it ends."""
    first = head[at] if at < len(head) else 0xFF
    if first < 0x80:
        return first, at + 1
    more = 7 - (first ^ 0xFF).bit_length()
    if not 1 <= more <= 6:
        return None
    number = first & 0x3F >> more
    for byte in head[at + 1 : at + 1 + more]:
        if byte & 0xC0 != 0x80:
            return None
        number = number << 6 | byte & 0x3F
    return number, at + 1 + more


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc << 1 ^ 0x07 if crc & 0x80 else crc << 1
        crc &= 0xFF
    return crc
