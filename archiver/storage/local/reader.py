"""A folder, read without an event loop: by worker threads, and by other processes.

One file costs what it must: open, look, read, hash, close. A stretch of the folder costs its names:
nothing is asked of a file that is going to be read anyway.
"""

import hashlib
import os
import stat
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec import Struct

from archiver.errors import KeyMissing, StorageError
from archiver.storage.base import Reader, Reading
from archiver.storage.keys import check_key
from archiver.storage.local.disk import storage_error
from archiver.storage.local.walk import names_in

READ_CHUNK = 1 << 20

_HOW = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


@dataclass(slots=True)
class FolderReader(Reader):
    """The folder `root`. Links are never followed, except on the way to it.

    The names in the folders that contain the end of a stretch are kept for the next stretch, so
    stretches are best read in ascending order.
    """

    root: str
    _kept: dict[bytes, list[bytes]] = field(default_factory=dict, init=False, repr=False)

    def keys(
        self, after: str, upto: str | None, on_gap: Callable[[str, StorageError], None]
    ) -> list[bytes]:
        """See `Reader.keys`."""
        start, stop = os.fsencode(after), None if upto is None else os.fsencode(upto)
        found: list[bytes] = []
        walk = _Stretch(os.fsencode(self.root) + b"/", start, stop, self._kept, found, on_gap)
        for folder in list(self._kept):
            if not start.startswith(folder):
                self._kept.pop(folder, None)
        walk.gather(b"")
        return found

    def size(self, key: str) -> int | StorageError:
        """See `Reader.size`."""
        try:
            facts = os.lstat(f"{self.root}/{key}")
        except NotADirectoryError:
            return missing(key)
        except OSError as error:
            return storage_error(error, key)
        return missing(key) if stat.S_ISDIR(facts.st_mode) else facts.st_size

    def read(self, key: str, *, keep: int = 0) -> Reading | StorageError:
        """See `Reader.read`."""
        try:
            file = os.open(f"{self.root}/{check_key(key)}", _HOW)
            try:
                facts = os.fstat(file)
                if not stat.S_ISREG(facts.st_mode):
                    return missing(key)
                return _read(key, file, facts.st_size, keep)
            finally:
                os.close(file)
        except NotADirectoryError:
            return missing(key)
        except OSError as error:
            return storage_error(error, key)


class _Stretch(Struct, frozen=True):
    """One listing: `found` receives the keys after `after`, up to `upto`."""

    root: bytes
    after: bytes
    upto: bytes | None
    kept: dict[bytes, list[bytes]]
    found: list[bytes]
    on_gap: Callable[[str, StorageError], None]

    def gather(self, at: bytes) -> None:
        begins_before = self.after.startswith(at)
        ends_after = self.upto is not None and self.upto.startswith(at)
        names = self._names(at, keep=ends_after)
        first, end = 0, len(names)
        if begins_before:
            rest = self.after[len(at) :]
            first = bisect_right(names, rest)
            # The folder that contains `after` comes before it.
            if first and names[first - 1].endswith(b"/") and rest.startswith(names[first - 1]):
                first -= 1
        if self.upto is not None and ends_after:
            end = bisect_right(names, self.upto[len(at) :])
        for name in names[first:end]:
            if name.endswith(b"/"):
                self.gather(at + name)
            else:
                self.found.append(at + name)

    def _names(self, at: bytes, *, keep: bool) -> list[bytes]:
        names = self.kept.get(at)
        if names is None:
            try:
                names = names_in(self.root, at)
            except OSError as error:
                key = os.fsdecode(at)
                self.on_gap(key, storage_error(error, key))
                names = []
            if keep:
                self.kept[at] = names
        return names


def missing(key: str) -> KeyMissing:
    """The error that there is no such object."""
    return KeyMissing(f"{key} does not exist", key=key)


def _read(key: str, file: int, left: int, keep: int) -> Reading:
    chunk = os.read(file, min(left, READ_CHUNK))
    digest, size = hashlib.sha256(chunk), len(chunk)
    kept = [chunk]
    while (left := left - len(chunk)) > 0 and (chunk := os.read(file, min(left, READ_CHUNK))):
        digest.update(chunk)
        size += len(chunk)
        kept = [*kept, chunk] if size <= keep else []
    return Reading(key, size, digest.hexdigest(), b"".join(kept) if size <= keep else None)
