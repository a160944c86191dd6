"""A part of a file as a separate file object, so that no part of an upload is held in memory."""

import io
import os
from collections.abc import Iterator
from typing import IO, Final, NamedTuple

MEBIBYTE: Final = 1 << 20
PART_SIZE: Final = 16 * MEBIBYTE
# API documentation of S3: an upload has at most 10,000 parts.
MOST_PARTS: Final = 10_000


class Stretch(NamedTuple):
    """Where in a file a part begins, and how many bytes it has."""

    start: int
    size: int


def parts_of(size: int) -> Iterator[Stretch]:
    """Parts of equal size but for the last: 16 MiB, or larger where there would be too many."""
    least = -(-size // MOST_PARTS)
    part = max(PART_SIZE, -(-least // MEBIBYTE) * MEBIBYTE)
    for start in range(0, size, part):
        yield Stretch(start, min(part, size - start))


class Window(io.RawIOBase):
    """Reads one stretch of a seekable file, which it does not own."""

    def __init__(self, file: IO[bytes], stretch: Stretch) -> None:
        self._file = file
        self._stretch = stretch
        self._position = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always: a request may be sent again from its start."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read what fits into the buffer and is left of the stretch."""
        wanted = min(len(buffer), self._stretch.size - self._position)
        self._file.seek(self._stretch.start + self._position)
        data = self._file.read(max(0, wanted))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move within the stretch; positions count from its beginning."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._stretch.size}
        self._position = max(0, base[whence] + offset)
        return self._position

    def tell(self) -> int:
        """The position within the stretch."""
        return self._position
