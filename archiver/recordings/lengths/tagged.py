"""MP4, WMA and AIFF, whose headers tinytag reads; and whether the file is as long as they say.

A duration in a header survives truncation. These containers also have their size in bytes, so a
shorter file was truncated; then its remaining duration is unknown.
"""

import io
import struct
from typing import BinaryIO, Final, cast

from archiver.recordings.lengths.facts import Bytes, Facts

_MOST_READS: Final = 2000
"""Of a good file, some hundred."""
_MOST_BYTES: Final = 2**20
"""The maximum for one read; headers are smaller."""
_MOST_BOXES: Final = 1000
_ASF_FILE_PROPERTIES: Final = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")


class _Bounded(io.RawIOBase):
    """The bytes as a file that raises ValueError if too much is read."""

    def __init__(self, data: Bytes) -> None:
        self._data = data
        self._at = 0
        self._reads = 0

    def read(self, size: int = -1, /) -> bytes:
        self._reads += 1
        if size < 0:
            size = len(self._data) - self._at
        size = min(size, len(self._data) - self._at)
        if self._reads > _MOST_READS or size > _MOST_BYTES:
            raise ValueError("more reading than headers take")
        found = self._data[self._at : self._at + size] if size > 0 else b""
        self._at += len(found)
        return found

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._data)}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def tell(self) -> int:
        return self._at

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


def measure_tagged(data: Bytes) -> Facts:
    """The facts of one of these formats; none for any other."""
    from tinytag import TinyTag, TinyTagException  # most sources have none of them

    try:
        tag = TinyTag.get(file_obj=cast(BinaryIO, _Bounded(data)), tags=False)
    except (TinyTagException, struct.error, ArithmeticError, LookupError, ValueError, TypeError):
        return Facts()
    cut = _is_cut(data)
    seconds = tag.duration if tag.duration and tag.duration > 0 and not cut else None
    return Facts(round(seconds, 3) if seconds else None, tag.channels, tag.samplerate, cut)


def _is_cut(data: Bytes) -> bool:
    head = data[:64]
    if head[4:8] == b"ftyp":
        return _boxes_end(data) > len(data)
    if head[:4] == b"FORM":
        return int.from_bytes(head[4:8], "big") + 8 > len(data)
    at = data.find(_ASF_FILE_PROPERTIES, 0, 4096)
    return at >= 0 and int.from_bytes(data[at + 40 : at + 48], "little") > len(data)


def _boxes_end(data: Bytes) -> int:
    """Where the boxes of an MP4 file end, by their own sizes."""
    at = 0
    for _ in range(_MOST_BOXES):
        head = data[at : at + 16]
        if len(head) < 8:
            break
        size = int.from_bytes(head[:4], "big")
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        if size < 8:  # 0: to the end of the file
            break
        at += size
    return at
