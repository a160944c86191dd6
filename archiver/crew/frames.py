"""Messages between a process and its child, on the child's standard input and output.

A frame has a kind (1 byte), a number (8 bytes), the length of the payload (4 bytes), all in network
byte order, and the payload. A stream that ends, even within a frame, means that the other side has
ended.
"""

import struct
from typing import TYPE_CHECKING, BinaryIO, Final

from msgspec import Struct

if TYPE_CHECKING:
    import asyncio  # not for children that need no event loop

_HEAD: Final = struct.Struct("!cQI")
_MOST_BYTES: Final = 256 * 1024 * 1024
"""No batch is this large: a frame with a larger length is not ours."""

READ_AHEAD: Final = 1024 * 1024
"""The size that messages may have together until their sender has to wait for the reader."""

START: Final = b"S"
BATCH: Final = b"B"
DROP: Final = b"D"
READY: Final = b"R"
FAILED: Final = b"F"
ANSWER: Final = b"A"
PROGRESS: Final = b"P"
ALIVE: Final = b"L"


class Frame(Struct, frozen=True):
    """One message; `number` identifies the batch that it is about."""

    kind: bytes
    number: int = 0
    body: bytes = b""

    def encode(self) -> bytes:
        """The bytes to send."""
        return _HEAD.pack(self.kind, self.number, len(self.body)) + self.body


async def read_frame(reader: "asyncio.StreamReader") -> Frame | None:
    """The next message; None at the end of the stream, or if it is not a valid frame."""
    try:
        kind, number, length = _HEAD.unpack(await reader.readexactly(_HEAD.size))
        if length > _MOST_BYTES:
            return None
        return Frame(kind, number, await reader.readexactly(length))
    except (EOFError, OSError):
        return None


def take_frame(stream: BinaryIO) -> Frame | None:
    """The next message from a blocking stream; None as in `read_frame`."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    kind, number, length = _HEAD.unpack(head)
    if length > _MOST_BYTES:
        return None
    body = stream.read(length)
    return Frame(kind, number, body) if len(body) == length else None
