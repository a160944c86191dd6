"""The few steps that make a file durable, and the border where errors of the disk become ours.

Every function here blocks and belongs in a worker thread.
"""

import ctypes
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from archiver.errors import (
    KeyMissing,
    ObjectRefused,
    StorageError,
    StorageForbidden,
    StorageFull,
    StorageRefused,
    StorageUnreachable,
)

COPY_CHUNK = 1 << 20
_RIGHTS = "check the owner and permissions of the archive's folder"
_FORBIDDEN = {errno.EACCES: _RIGHTS, errno.EPERM: _RIGHTS}
_NO_SPACE = dict.fromkeys(
    (errno.ENOSPC, errno.EDQUOT), "free some disk space, or increase the quota"
)
_REFUSALS = {
    errno.EEXIST: "a file exists where the archive needs a folder",
    errno.EROFS: "the file system is mounted read-only",
    errno.ELOOP: "a symbolic link exists where the archive needs a file or folder",
    errno.ENOTDIR: "a file exists where the archive needs a folder",
    errno.EISDIR: "a folder exists where the archive needs a file",
    errno.EMLINK: "the file system allows no more entries in this folder",
}
# Not so of every object: the next one may be smaller, or have a shorter name.
_OF_ONE_OBJECT = {
    errno.EFBIG: "the file system, or a limit of this process, does not allow files of that size",
    errno.ENAMETOOLONG: "use a shorter path for storage.url",
    errno.EINVAL: "the file system does not support this name or size",
}
# A disk or network share that may be back in a moment. A failed sync is among them: the part file
# is thrown away and the next attempt writes all bytes again, so nothing relies on dropped pages.
_PASSING = dict.fromkeys(
    (
        errno.EIO,
        errno.ESTALE,
        errno.ETIMEDOUT,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENOTCONN,
        errno.EAGAIN,
        errno.EBUSY,
        errno.EINTR,
    ),
    "check the disk or the network share",
) | {
    errno.EMFILE: "allow more open files, or lower download.workers",
    errno.ENFILE: "allow more open files on this machine",
    errno.ENOMEM: "free some memory",
}
_KINDS: tuple[tuple[type[StorageError], dict[int, str]], ...] = (
    (StorageForbidden, _FORBIDDEN),
    (StorageFull, _NO_SPACE),
    (ObjectRefused, _OF_ONE_OBJECT),
    (StorageRefused, _REFUSALS),
    (StorageUnreachable, _PASSING),
)
# Errors of file systems without hard links (exFAT, some FUSE and SMB mounts).
_NO_HARD_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL}


def storage_error(error: OSError, key: str) -> StorageError:
    """Convert an OSError of an operation on `key` to our error."""
    number = error.errno or 0
    # The system says "Too many levels of symbolic links" of the first one, since none is followed.
    said = "a symbolic link, not a file" if number == errno.ELOOP else error.strerror
    what = f"{key or 'the archive'}: {said or type(error).__name__}"
    if number == errno.ENOENT:
        return KeyMissing(f"{key} does not exist", key=key)
    kind, hint = kind_of(number)
    return kind(what, key=key, hint=hint)


def kind_of(number: int) -> tuple[type[StorageError], str]:
    """What an error of the disk means, and what to do about it."""
    for kind, hints in _KINDS:
        if number in hints:
            return kind, hints[number]
    return StorageError, ""


@contextmanager
def disk_errors(key: str) -> Iterator[None]:
    """Turn every OSError of the block into an error of ours."""
    try:
        yield
    except OSError as error:
        raise storage_error(error, key) from error


def write_part(path: str, source: bytes | Path) -> int:
    """Write a new read-only file; it is returned open, to be synced, or gone again on a failure."""
    part = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o444)
    try:
        if isinstance(source, bytes):
            _write_all(part, source)
        else:
            _copy_into(part, source)
    except BaseException:
        discard(path)
        os.close(part)
        raise
    return part


def open_part(path: str, *, rights: int) -> int:
    """Open a file that another hand wrote, to be synced; EISDIR or ELOOP unless it is regular.

    It gets the mode `rights`: temporary files are born readable for their owner only.
    """
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise IsADirectoryError(errno.EISDIR, "not a regular file")
        os.fchmod(file, rights)
    except BaseException:
        os.close(file)
        raise
    return file


def drop_from_cache(file: int) -> None:
    """Have the system drop a synced file from its page cache, if it can.

    Otherwise a run would displace what other programs need there. And the next file gets the same
    memory again: in a virtual machine, memory that was not in use lately is slow to get.
    """
    if hasattr(os, "posix_fadvise"):
        with suppress(OSError):
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)


def sync_folder(path: str) -> None:
    """Make the names in a folder durable."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def publish(part: str, final: str) -> None:
    """Give a finished file its final name; FileExistsError, and no change, if that is taken.

    A hard link is atomic and refuses a name that is taken, on every file system that has them, NFS
    included. Where there are none, Linux can rename without replacing. There is no third way: to
    reserve the name with O_EXCL first would show an empty file under a final name, and leave it
    there after a crash; so a file system that has neither is refused.
    """
    try:
        os.link(part, final, follow_symlinks=False)
    except FileExistsError:
        # NFS may lose the answer to a link that succeeded and report the second attempt.
        if not _same_file(part, final):
            raise
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        _rename_without_replacing(part, final)
        return
    discard(part)  # a second name that stays does no harm, and the next run removes it


def discard(path: str) -> None:
    """Remove a part file, if it is there, whatever else is going wrong."""
    with suppress(OSError):
        os.unlink(path)  # noqa: PTH108


def _write_all(file: int, data: bytes) -> None:
    written = os.write(file, data)
    if written == len(data):
        return
    rest = memoryview(data)[written:]
    while rest:
        rest = rest[os.write(file, rest) :]


def _copy_into(file: int, source: Path) -> None:
    with source.open("rb", buffering=0) as reader:
        while chunk := reader.read(COPY_CHUNK):
            _write_all(file, chunk)


def _same_file(one: str, other: str) -> bool:
    return os.path.samestat(os.lstat(one), os.lstat(other))


def _rename_without_replacing(part: str, final: str) -> None:
    at_working_directory, no_replace = -100, 1
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    number = errno.ENOSYS
    if renameat2 is not None:
        names = os.fsencode(part), os.fsencode(final)
        arguments = at_working_directory, names[0], at_working_directory, names[1], no_replace
        if renameat2(*arguments) == 0:
            return
        number = ctypes.get_errno()
    if number == errno.EEXIST:
        raise FileExistsError(number, os.strerror(number))
    if number in {errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP}:
        raise StorageRefused(
            "this file system supports neither hard links nor renaming without overwriting",
            hint="keep the archive on another file system, or on S3",
        )
    raise OSError(number, os.strerror(number))
