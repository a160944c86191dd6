"""Targets for the files of a package: a folder or a zip file, one file after another.

Every method blocks and must be called in a worker thread. A zip is written from front to back and
depends only on its input, including the times of its files, so the same input gives the same bytes.
"""

import io
import os
import zipfile
from datetime import datetime
from pathlib import Path
from typing import IO, Final, Protocol

from archiver.export.encryption import AgeOutlet, Lock, Recipients, opened

_EARLIEST, _LATEST = (1980, 1, 1, 0, 0, 0), (2107, 12, 31, 23, 59, 58)
"""The years that a zip can store."""

_PACKED: Final = frozenset({".csv", ".html", ".json", ".txt"})
"""Extensions of text files, which are compressed. Audio is compressed already."""


class Sink(Protocol):
    """Receives files. One file is open at a time."""

    def create(self, path: str, size: int, moment: datetime | None) -> IO[bytes]:
        """Create a file that will have `size` bytes; the caller closes it."""

    def finish(self) -> None:
        """Make all files durable."""

    def abandon(self) -> None:
        """Close everything; the files are not needed. May be called after `finish`."""


class FolderSink:
    """Writes to a folder, which must not exist yet."""

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
    """A file that is durable once it is closed, with the time of its content."""

    def __init__(self, path: Path, moment: datetime | None) -> None:
        super().__init__(path, "xb")
        self._path = path
        self._moment = moment

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Write all of it; a raw file may write less at a time."""
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
    """Writes to a zip, below one folder; the file must not exist yet. With a lock, no readable data
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
        entry.file_size = size  # so that only files beyond 4 GiB require Zip64
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
    """The file behind a zip. After `abandon` it discards what the zip still writes, which would
    fail a second time on a full disk."""

    is_abandoned = False

    def __init__(self, path: Path) -> None:
        super().__init__(path, "xb")

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Write all of it; discard it after `abandon`."""
        if not self.is_abandoned:
            rest = memoryview(data)
            while rest:
                rest = rest[super().write(rest) or 0 :]
        return len(data)

    def settle(self) -> None:
        """Make the file durable."""
        os.fsync(self.fileno())
        self.close()

    def abandon(self) -> None:
        """Discard further data."""
        self.is_abandoned = True


def _when(moment: datetime | None) -> tuple[int, int, int, int, int, int]:
    if moment is None:
        return _EARLIEST
    told = (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
    return min(max(told, _EARLIEST), _LATEST)
