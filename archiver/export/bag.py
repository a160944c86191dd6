"""A BagIt bag (RFC 8493, SHA-256), written to a `Sink` in one pass.

The library `bagit` creates a bag from an existing folder by moving its files, and reads everything
a second time to hash it. Here each file is hashed while it is written, even into a zip, and no byte
is read twice. The price is this module, whose bags the tests validate with the library.

Payload files are written in the order in which they are added, so the same input gives the same
manifest, byte for byte. What differs between exports (who, when) is in tag files.
"""

import hashlib
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import IO, Final

from anyio import to_thread

from archiver.export.sinks import Sink
from archiver.export.target import Target, writing

PAYLOAD: Final = "data/"
MANIFEST: Final = "manifest-sha256.txt"
TAG_MANIFEST: Final = "tagmanifest-sha256.txt"

_DECLARATION: Final = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_CHUNK: Final = 1024 * 1024
_IN_MEMORY: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Written:
    """A file of the bag, after it was written."""

    path: str
    size: int
    sha256: str


class Scratch:
    """Text that grows while the package is packed, and is added to it at the end.

    It is kept in memory while short, else in an unnamed file in the target's scratch folder.
    Methods that are not coroutines block. Raises StorageFull and other storage errors.
    """

    def __init__(self, target: Target) -> None:
        self._target = target.path
        self._file = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - `close` closes it
            _IN_MEMORY, dir=str(target.scratch)
        )
        self.size = 0

    def append(self, text: str) -> None:
        """Append text, encoded as UTF-8."""
        with writing(self._target):
            self.size += self._file.write(_encoded(text))

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The whole text, in chunks of bytes."""
        await to_thread.run_sync(self._file.seek, 0)
        while chunk := await to_thread.run_sync(self._file.read, _CHUNK):
            yield chunk

    def close(self) -> None:
        """Discard it."""
        with suppress(OSError):  # on a full disk: unwritten data is not needed any more
            self._file.close()


class Bag:
    """A bag being written. Use it as a context manager (which blocks): an unfinished bag is
    discarded.

    `moment` is the time of the export, which its tag files get as their time.

    Raises StorageFull and other storage errors of the sink.
    """

    def __init__(self, sink: Sink, target: Target, moment: datetime) -> None:
        self._sink = sink
        self._moment = moment
        self._target = target.path
        self._manifest = Scratch(target)
        self._tags: list[Written] = []
        self._files = self._bytes = 0

    def __enter__(self) -> "Bag":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._manifest.close()
        self._sink.abandon()

    async def add(
        self, path: str, chunks: AsyncGenerator[bytes, None], size: int, moment: datetime | None
    ) -> Written:
        """Write a payload file and return its size and digest. `size` is what the caller expects;
        comparing it with the result is up to the caller."""
        written = await self._write(PAYLOAD + path, chunks, size, moment)
        self._files += 1
        self._bytes += written.size
        await to_thread.run_sync(self._manifest.append, _line(written))
        return written

    async def add_text(self, path: str, moment: datetime | None, *parts: "str | Scratch") -> None:
        """Write a payload file from texts."""
        chunks, size = _text(parts)
        await self.add(path, chunks, size, moment)

    async def seal(self) -> Written:
        """Write the manifest of the payload, which is complete now."""
        written = await self._write(
            MANIFEST, self._manifest.chunks(), self._manifest.size, self._moment
        )
        self._tags.append(written)
        return written

    async def tag(self, path: str, *parts: "str | Scratch") -> None:
        """Write a tag file, which may differ between exports."""
        chunks, size = _text(parts)
        self._tags.append(await self._write(path, chunks, size, self._moment))

    async def tag_bytes(self, path: str, data: bytes) -> None:
        """Write a tag file that is not text."""
        self._tags.append(await self._write(path, _joined([data]), len(data), self._moment))

    async def finish(self, info: "list[tuple[str, str]]") -> None:
        """Write the last files of the bag, and make everything durable."""
        await self.tag("bagit.txt", _DECLARATION.decode())
        oxum = ("Payload-Oxum", f"{self._bytes}.{self._files}")
        await self.tag("bag-info.txt", "".join(f"{name}: {said}\n" for name, said in (*info, oxum)))
        chunks, size = _text(["".join(map(_line, self._tags))])
        await self._write(TAG_MANIFEST, chunks, size, self._moment)
        with writing(self._target):
            await to_thread.run_sync(self._sink.finish)

    async def _write(
        self, path: str, chunks: AsyncGenerator[bytes, None], size: int, moment: datetime | None
    ) -> Written:
        digest, written = hashlib.sha256(), 0

        def write(file: IO[bytes], chunk: bytes) -> None:
            file.write(chunk)
            digest.update(chunk)

        with writing(self._target):
            file = await to_thread.run_sync(self._sink.create, path, size, moment)
            async with aclosing(chunks):
                async for chunk in chunks:
                    await to_thread.run_sync(write, file, chunk)
                    written += len(chunk)
            await to_thread.run_sync(file.close)
        return Written(path, written, digest.hexdigest())


def _line(written: Written) -> str:
    return f"{written.sha256}  {written.path}\n"


def _text(parts: "Sequence[str | Scratch]") -> tuple[AsyncGenerator[bytes, None], int]:
    """The parts as bytes, and their total size."""
    ready = [part if isinstance(part, Scratch) else _encoded(part) for part in parts]
    sizes = (part.size if isinstance(part, Scratch) else len(part) for part in ready)
    return _joined(ready), sum(sizes)


async def _joined(parts: "Sequence[bytes | Scratch]") -> AsyncGenerator[bytes, None]:
    for part in parts:
        if isinstance(part, bytes):
            yield part
            continue
        async for chunk in part.chunks():
            yield chunk


def _encoded(text: str) -> bytes:
    """UTF-8; a lone surrogate, which JSON can contain, becomes a question mark."""
    return text.encode("utf-8", "replace")
