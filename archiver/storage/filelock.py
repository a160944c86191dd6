"""A lock that is a file: held by flock, there only while it is held.

The kernel releases the flock of a killed process at once, so a file that was left behind blocks
nobody. Because the holder removes the file at the end, a waiter may get the flock of a file that
has no name any more, while somebody else locks a new file of that name; so whoever got the flock
compares what it locked with what the name stands for, and starts over if they differ.

A file is locked and not a folder, since NFS grants an exclusive lock only on what is open for
writing.
"""

import errno
import fcntl
import os
from contextlib import suppress

from archiver.errors import StorageRefused

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


class FileLock:
    """One attempt to hold the lock at `path`; not shared between threads. Errors are OSErrors."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: int | None = None

    def acquire(self, content: bytes = b"") -> bool:
        """Take the lock and write `content` into its file; False when somebody else holds it.

        Makes the folder of the file and the one above it, but never the archive's own. Raises
        StorageRefused where the file system knows no locks.
        """
        while self._file is None:
            file = self._open()
            try:
                if not _lock(file):
                    return False
                if self._names(file):
                    os.ftruncate(file, 0)
                    os.write(file, content)
                    self._file = file
            finally:
                if self._file is None:
                    os.close(file)
        return True

    def release(self) -> None:
        """Remove the file while it is still locked, then let go of it."""
        if self._file is None:
            return
        with suppress(FileNotFoundError):
            os.unlink(self._path)  # noqa: PTH108 - plain strings, as in the driver
        os.close(self._file)
        self._file = None

    def holder(self) -> bytes:
        """What the present holder wrote into the file; empty if there is none any more."""
        with suppress(FileNotFoundError):
            file = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                return os.read(file, 4096)
            finally:
                os.close(file)
        return b""

    def _open(self) -> int:
        while True:
            try:
                return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
            except FileNotFoundError:
                # Another holder may remove the empty folder before the next attempt.
                self._make_folders()

    def _make_folders(self) -> None:
        folder = os.path.dirname(self._path)  # noqa: PTH120
        for each in (os.path.dirname(folder), folder):  # noqa: PTH120
            try:
                os.mkdir(each)  # noqa: PTH102
            except FileExistsError:
                continue
            except FileNotFoundError:
                raise StorageRefused(
                    f"the folder of {folder} is gone", hint="check that its disk is mounted"
                ) from None

    def _names(self, file: int) -> bool:
        with suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(file), os.lstat(self._path))
        return False


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _NO_LOCKS:
            raise StorageRefused(
                "the file system of the archive knows no file locks",
                hint="mount it with locks, or keep the archive on another file system or on S3",
            ) from error
        raise
    return True
