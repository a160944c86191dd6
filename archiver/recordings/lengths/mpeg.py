"""MPEG audio: MP3 and related formats, and AAC in ADTS.

A stream of frames has no header of its own. Its duration is taken from, in this order:

1. A Xing or VBRI header, which counts the frames and the bytes of the stream *that it begins*. If
   the file has that many bytes, it has that many frames. Otherwise the stream was truncated, or
   another one follows (concatenated files), and the frames are counted.
2. A constant bit rate, which puts every frame at a calculable offset. If frames with that header
   are found at a few offsets spread over the whole file, its size gives the duration.
3. Otherwise the frames are counted, from header to header. Anything other than a frame or a tag
   ends the count; if more than a sliver of the file follows, the duration is unknown.

The count is limited by the size of the file, since frames of a few bytes could make it expensive.
"""

import struct
from functools import lru_cache
from typing import Final

from msgspec import Struct

from archiver.recordings.lengths.facts import Bytes, Facts

_SLIVER: Final = 0.01
"""The share of a file that may be neither frame nor tag, or missing: lengths agree within it."""
_BYTES_A_FRAME: Final = 64
"""Frames of speech are larger on average; a constant rate, which may be lower, is not counted."""
_FEW_FRAMES: Final = 1000
"""So many are counted in any file."""
_PLACES: Final = 16
"""Offsets at which frames of a constant bit rate are checked: one byte more or less before any of
them changes all that follow."""
_LONGEST_TAG: Final = 2**28

_RATES: Final = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_BIT_RATES: Final = {
    (True, 3): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 1): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 3): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 1): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""kbit/s by version 1 or not, and by the layer as the header spells it (3 is Layer I)."""
_AAC_RATES: Final = (
    96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
)  # fmt: skip


_ADTS_KIND: Final = 0xFF_FE_3C_00_00_00_00
"""The bits that all headers of a stream have in common: sync word, version, layer, rate."""


class _Frame(Struct, frozen=True):
    """A frame from its header: `kind` and `rate` are those of the whole stream."""

    kind: int
    rate: int
    samples: int
    bit_rate: int
    slot: int
    padding: int

    @property
    def mean_length(self) -> float:
        """Bytes of a frame at this bit rate, padding included as it falls on average."""
        return self.samples / 8 * self.bit_rate / self.rate

    @property
    def length(self) -> int:
        """Bytes of this frame."""
        return int(self.mean_length / self.slot + self.padding) * self.slot


def measure_mpeg(data: Bytes, start: int) -> Facts:
    """The facts of the MPEG audio that begins at `start`, behind any tag."""
    head = data[start : start + 4]
    first = _frame(head)
    if first is None:
        return Facts()
    end = _end_of_frames(data)
    after = start + _length(head)
    if after < end and not _goes_on(first, data[after : after + 4]):
        return Facts()  # two headers at the expected offsets make a stream; one may be noise
    channels = 1 if head[3] >> 6 == 3 else 2
    promised = _promise(data[start : start + 64], _length(head))
    if promised is not None:
        frames, size = promised
        if abs(end - start - size) <= max(_SLIVER * size, 2 * first.mean_length):
            return Facts(_rounded(frames * first.samples / first.rate), channels, first.rate)
        counted = _count(data, after)
        samples = frames * first.samples
        cut = counted is not None and counted < samples * (1 - 2 * _SLIVER)
    elif _is_constant(data, start, end, first, head):
        counted, cut = round((end - start) / first.mean_length) * first.samples, False
    else:
        counted, cut = _count(data, start), False
    seconds = None if counted is None else _rounded(counted / first.rate)
    return Facts(seconds, channels, first.rate, cut)


def measure_adts(data: Bytes) -> Facts:
    """The facts of AAC in ADTS frames, each of which has its own length."""
    at = past_tags(data, 0)
    head = data[at : at + 7]
    if len(head) < 7 or (kind := _adts_kind(head)) is None:
        return Facts()
    rate, channels = _AAC_RATES[kind], (head[2] & 1) << 2 | head[3] >> 6
    blocks, size = 0, len(data)
    # A header is looked at as one number of 56 bits, which costs half of taking bytes apart.
    header = int.from_bytes(head, "big")
    same = header & _ADTS_KIND
    for _ in range(_most_frames(data)):
        length = header >> 13 & 0x1FFF
        if at + length > size:  # cut within a frame
            at = size
            break
        if length < 7:  # less than its header
            break
        blocks += (header & 3) + 1
        at += length
        header = int.from_bytes(data[at : at + 7], "big")
        if header & _ADTS_KIND != same:
            at = past_tags(data, at)
            break
    is_whole = size - at <= _SLIVER * size
    return Facts(_rounded(1024 * blocks / rate) if is_whole else None, channels or None, rate)


def past_tags(data: Bytes, at: int) -> int:
    """The end of the tags at `at`: ID3v2, ID3v1 and APE, one after the other."""
    for _ in range(4):
        head = data[at : at + 10]
        if head[:3] == b"ID3" and len(head) == 10:
            size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
            at += 10 + size + (10 if head[5] & 0x10 else 0)
        elif head[:3] == b"TAG":
            at += 128
        elif head[:8] == b"APETAGEX":
            at += _ape_length(data[at : at + 32])
        else:
            break
    return at


def _ape_length(head: bytes) -> int:
    if len(head) < 32:
        return len(head)
    size, _, flags = struct.unpack_from("<III", head, 12)
    is_header = bool(flags & 0x2000_0000)
    return 32 + (size if is_header and size < _LONGEST_TAG else 0)


def _end_of_frames(data: Bytes) -> int:
    """Where the tags at the end begin."""
    end = len(data)
    if data[end - 128 : end - 125] == b"TAG":
        end -= 128
    foot = data[end - 32 : end] if end >= 32 else b""
    if foot[:8] == b"APETAGEX":
        size, _, flags = struct.unpack_from("<III", foot, 12)
        end -= size + (32 if flags & 0x8000_0000 else 0)
    return max(end, 0)


def _frame(head: bytes) -> _Frame | None:
    return _frame_of(head[1], head[2]) if len(head) == 4 and head[0] == 0xFF else None


@lru_cache(maxsize=4096)
def _frame_of(second: int, third: int) -> _Frame | None:
    version, layer = second >> 3 & 3, second >> 1 & 3
    bits, rate = third >> 4, third >> 2 & 3
    if second < 0xE0 or version == 1 or layer == 0 or bits in (0, 15) or rate == 3:
        return None
    samples = {3: 384, 2: 1152, 1: 1152 if version == 3 else 576}[layer]
    bit_rate = _BIT_RATES[version == 3, layer][bits - 1] * 1000
    slot = 4 if layer == 3 else 1
    kind = second & 0x1E
    return _Frame(kind, _RATES[version][rate], samples, bit_rate, slot, third >> 1 & 1)


@lru_cache(maxsize=4096)
def _length_of(second: int, third: int) -> int:
    frame = _frame_of(second, third)
    return 0 if frame is None else frame.length


def _length(head: bytes) -> int:
    return _length_of(head[1], head[2])


def _goes_on(first: _Frame, head: bytes) -> bool:
    frame = _frame(head)
    return frame is not None and (frame.kind, frame.rate) == (first.kind, first.rate)


def _promise(frame: bytes, length: int) -> tuple[int, int] | None:
    """Frames and bytes, both with sound, that a first frame without sound counts."""
    for name in (b"Xing", b"Info"):
        at = frame.find(name)
        if at > 0 and len(frame) >= at + 16:
            flags, frames, size = struct.unpack_from(">III", frame, at + 4)
            return (frames, size) if flags & 3 == 3 and frames and size > length else None
    at = frame.find(b"VBRI")
    if at > 0 and len(frame) >= at + 18:
        size, frames = struct.unpack_from(">II", frame, at + 10)
        return (frames, size) if frames and size else None
    return None


def _is_constant(data: Bytes, start: int, end: int, first: _Frame, head: bytes) -> bool:
    """Whether frames of the first one's bit rate are at the calculated offsets, all over the
    file."""
    step = first.mean_length
    total = int((end - start) / step)
    if total < 4 * _PLACES or abs(total * step - (end - start)) > step:
        return False
    slot = first.slot
    for place in range(1, _PLACES + 1):
        at = start + int((total - 1) * place // _PLACES * step / slot) * slot
        if not _has_header(data[at - slot : at + slot + 3], head):
            return False
    return True


def _has_header(near: bytes, head: bytes) -> bool:
    """Whether the header of the first frame is in these bytes, but for padding and private bit."""
    at = near.find(head[:2])
    while 0 <= at < len(near) - 2:
        if near[at + 2] & 0xFC == head[2] & 0xFC:
            return True
        at = near.find(head[:2], at + 1)
    return False


def _count(data: Bytes, at: int) -> int | None:
    """The samples of all frames; None if anything else is between them, or there are too many."""
    first = _frame(data[at : at + 4])
    if first is None:
        return None
    samples, size = 0, len(data)
    for _ in range(_most_frames(data)):
        head = data[at : at + 4]
        frame = _frame(head)
        if frame is not None and (frame.kind, frame.rate) == (first.kind, first.rate):
            length = _length_of(head[1], head[2])
            if at + length > size:
                return samples
            samples += frame.samples
            at += length
            continue
        behind = past_tags(data, at)
        if behind == at:
            return samples if size - at <= max(_SLIVER * size, 3) else None
        at = behind
        if _promise(data[at : at + 64], 0) is not None:
            at += _length(data[at : at + 4])
    return None


def _most_frames(data: Bytes) -> int:
    return _FEW_FRAMES + len(data) // _BYTES_A_FRAME


def _adts_kind(head: bytes) -> int | None:
    """Which of the sampling rates an ADTS header names; None for what is none."""
    rate = head[2] >> 2 & 15
    if head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or rate >= len(_AAC_RATES):
        return None
    return rate


def _rounded(seconds: float) -> float | None:
    return round(seconds, 3) if seconds > 0 else None
