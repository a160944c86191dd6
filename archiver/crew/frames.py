"""Messages between a run and a child process, over its standard input and output.

A frame is a kind (one byte), a number (eight) and the length of what follows (four), in network
order. A stream that ends between two frames, or within one, is the end of the other side.
"""

import asyncio
import struct
from dataclasses import dataclass
from typing import Final

_HEAD: Final = struct.Struct("!cQI")
_MOST_BYTES: Final = 256 * 1024 * 1024
"""No batch is as large: a frame that claims more is none of ours."""

START: Final = b"S"
BATCH: Final = b"B"
DROP: Final = b"D"
READY: Final = b"R"
FAILED: Final = b"F"
ANSWER: Final = b"A"
PROGRESS: Final = b"P"


@dataclass(frozen=True, slots=True)
class Frame:
    """One message; `number` says which batch it is about."""

    kind: bytes
    number: int = 0
    body: bytes = b""

    def encode(self) -> bytes:
        """As it goes out."""
        return _HEAD.pack(self.kind, self.number, len(self.body)) + self.body


async def read_frame(reader: asyncio.StreamReader) -> Frame | None:
    """The next message; None at the end of the stream, or where something else is written."""
    try:
        kind, number, length = _HEAD.unpack(await reader.readexactly(_HEAD.size))
        if length > _MOST_BYTES:
            return None
        return Frame(kind, number, await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError, OSError):
        return None
