"""A folder or a zip file, as a place that files are written into, one after the other.

Every method blocks and belongs in a worker thread. A zip is written front to back and holds only
what is given to it: moments are those of the files, so the same input makes the same bytes.
"""

import io
import os
import zipfile
from datetime import datetime
from pathlib import Path
from typing import IO, Final, Protocol

from archiver.export.encryption import AgeOutlet, Lock, Recipients, opened

_EARLIEST, _LATEST = (1980, 1, 1, 0, 0, 0), (2107, 12, 31, 23, 59, 58)
"""What a zip can say."""

_PACKED: Final = frozenset({".csv", ".html", ".json", ".txt"})
"""Extensions of text, which is worth compressing. Audio is compressed already."""


class Sink(Protocol):
    """Where files go. One file is open at a time."""

    def create(self, path: str, size: int, moment: datetime | None) -> IO[bytes]:
        """A new file, `size` bytes long in the end; the caller closes it."""

    def finish(self) -> None:
        """Everything is written: make it durable."""

    def abandon(self) -> None:
        """Let go of what is open; what was written is of no use. May be called after `finish`."""


class FolderSink:
    """Files in a folder, which must not exist yet."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders = {root}
        self._file: IO[bytes] | None = None
        root.mkdir()

    def create(self, path: str, size: int, moment: datetime | None) -> IO[bytes]:
        """See `Sink.create`."""
        place = self._root / path
        if place.parent not in self._folders:
            place.parent.mkdir(parents=True, exist_ok=True)
            self._folders.add(place.parent)
        self._file = _SyncedFile(place, moment)
        return self._file

    def finish(self) -> None:
        """See `Sink.finish`: files are synced when they are closed, folders now."""
        for folder in sorted(self._folders, reverse=True):
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def abandon(self) -> None:
        """See `Sink.abandon`."""
        if self._file is not None:
            io.FileIO.close(self._file)  # type: ignore[arg-type]


class _SyncedFile(io.FileIO):
    """A file that is durable once it is closed, and bears the moment of what it holds."""

    def __init__(self, path: Path, moment: datetime | None) -> None:
        super().__init__(path, "xb")
        self._path = path
        self._moment = moment

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Write all of it; a raw file may take less at a time."""
        rest = memoryview(data)
        while rest:
            rest = rest[super().write(rest) or 0 :]
        return len(data)

    def close(self) -> None:
        """Sync, then close."""
        if self.closed:
            return
        try:
            os.fsync(self.fileno())
        finally:
            super().close()
        if self._moment is not None:
            seconds = self._moment.timestamp()
            os.utime(self._path, (seconds, seconds))


class ZipSink:
    """Files in a zip, below one folder; the file must not exist yet. With a lock nothing readable
    is written."""

    def __init__(self, path: Path, base: str, lock: Lock | None = None) -> None:
        self._base = base
        self._outlet: AgeOutlet | _Outlet
        self._outlet = AgeOutlet(path, lock) if isinstance(lock, Recipients) else _Outlet(path)
        self._zip, self._entry_of = opened(self._outlet, lock)
        self._entry: IO[bytes] | None = None

    def create(self, path: str, size: int, moment: datetime | None) -> IO[bytes]:
        """See `Sink.create`."""
        entry = self._entry_of(f"{self._base}/{path}", _when(moment))
        entry.file_size = size  # so that only files beyond 4 GiB need an unzip that knows Zip64
        entry.create_system, entry.external_attr = 3, 0o100644 << 16
        is_text = Path(path).suffix in _PACKED
        entry.compress_type = zipfile.ZIP_DEFLATED if is_text else zipfile.ZIP_STORED
        self._entry = self._zip.open(entry, "w")
        return self._entry

    def finish(self) -> None:
        """See `Sink.finish`."""
        self._zip.close()
        self._outlet.settle()

    def abandon(self) -> None:
        """See `Sink.abandon`."""
        self._outlet.abandon()
        if self._entry is not None:
            self._entry.close()
        self._zip.close()
        self._outlet.close()


class _Outlet(io.FileIO):
    """The file behind a zip. Once abandoned it swallows what the zip still wants to write, which
    on a full disk would fail a second time."""

    is_abandoned = False

    def __init__(self, path: Path) -> None:
        super().__init__(path, "xb")

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Write all of it, or nothing any more."""
        if not self.is_abandoned:
            rest = memoryview(data)
            while rest:
                rest = rest[super().write(rest) or 0 :]
        return len(data)

    def settle(self) -> None:
        """Everything is written: make it durable."""
        os.fsync(self.fileno())
        self.close()

    def abandon(self) -> None:
        """Take nothing any more."""
        self.is_abandoned = True


def _when(moment: datetime | None) -> tuple[int, int, int, int, int, int]:
    if moment is None:
        return _EARLIEST
    told = (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
    return min(max(told, _EARLIEST), _LATEST)
