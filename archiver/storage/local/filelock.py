"""A lock file: locked by flock, and existing only while it is locked.

The kernel releases the flock of a killed process at once, so a file that was left behind blocks
nobody. Because the owner removes the file at the end, a waiter may get the flock of a file that has
no name any more, while another process locks a new file of that name; so after getting the flock,
the locked file is compared with the one of that name, and the attempt is repeated if they differ.

A file is locked and not a folder, since NFS grants an exclusive lock only on files open for
writing.
"""

import errno
import fcntl
import os
from contextlib import suppress

from archiver.errors import StorageRefused

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


class FileLock:
    """One attempt to acquire the lock at `path`; not shared between threads. Errors are OSErrors.

    `found_left` is true if an acquired lock's file existed already: its last owner was killed, or
    left it on purpose.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._file: int | None = None
        self.found_left = False

    def acquire(self, content: bytes = b"") -> bool:
        """Acquire the lock and write `content` to its file; False if another process has it.

        Creates the folder of the file and the one above it, but never the archive's own. Raises
        StorageRefused if the file system does not support locks.
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

    def release(self, *, leave: bool = False) -> None:
        """Remove the file while it is still locked, unless it is to be left; release it."""
        if self._file is None:
            return
        file, self._file = self._file, None
        try:
            if not leave:
                with suppress(FileNotFoundError):
                    os.unlink(self.path)  # noqa: PTH108 - plain strings, as in the driver
        finally:
            os.close(file)

    def owner(self) -> bytes:
        """What the present owner wrote into the file; empty if there is none any more."""
        with suppress(FileNotFoundError):
            file = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                return os.read(file, 4096)
            finally:
                os.close(file)
        return b""

    def is_locked(self) -> bool:
        """Whether another process has the lock now.

        An unlocked file, left by a killed process, is locked for a moment to find out.
        """
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW)
        except (FileNotFoundError, NotADirectoryError):
            return False
        try:
            return not _lock(file, fcntl.LOCK_SH)
        finally:
            os.close(file)

    def _open(self) -> int:
        while True:
            try:
                flags = os.O_RDWR | os.O_NOFOLLOW
                with suppress(FileExistsError):
                    self.found_left = False
                    return os.open(self.path, flags | os.O_CREAT | os.O_EXCL, 0o666)
                self.found_left = True
                return os.open(self.path, flags)
            except FileNotFoundError:
                # Another owner may remove the empty folder before the next attempt.
                self._make_folders()

    def _make_folders(self) -> None:
        folder = os.path.dirname(self.path)  # noqa: PTH120
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
            return os.path.samestat(os.fstat(file), os.lstat(self.path))
        return False


def _lock(file: int, kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _NO_LOCKS:
            raise StorageRefused(
                "the archive's file system does not support file locking",
                hint="mount it with file locking, or move the archive to another file system or "
                "to S3",
            ) from error
        raise
    return True
