"""The files of a folder tree in the order of their keys.

The order of keys as bytes is not that of a walk by names: `a.b` comes before `a/x` and `ab` after
it, because the slash takes part in the comparison. So a folder is sorted as if its name ended in a
slash, which is what all keys below it go on with.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TypeAlias, TypeVar

from msgspec import Struct

from archiver.errors import StorageRefused

_Found = TypeVar("_Found")


OnGap: TypeAlias = Callable[[str, OSError], None]


def entries(
    root: str, prefix: str, on_gap: OnGap | None = None
) -> Iterator[tuple[str, os.stat_result]]:
    """Key and facts of every entry below `root` that is not a folder and whose key has the prefix.

    Only the names of the folders on the way down are held. Entries that vanish meanwhile are left
    out. A folder that cannot be read (its key ends in a slash), or an entry, is passed to `on_gap`
    and skipped; without `on_gap`, OSError is raised. A missing root raises StorageRefused.
    """
    wanted = os.fsencode(prefix)
    start = wanted[: wanted.rfind(b"/") + 1]
    for key, facts in _Walk(os.fsencode(root) + b"/", wanted, on_gap).below(start):
        yield os.fsdecode(key), facts


class _Walk(Struct, frozen=True):
    root: bytes
    wanted: bytes
    on_gap: OnGap | None

    def below(self, at: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
        for name in self._try(at, names_in, self.root, at) or ():
            key = at + name
            if name.endswith(b"/"):
                if key.startswith(self.wanted) or self.wanted.startswith(key):
                    yield from self.below(key)
            elif key.startswith(self.wanted):
                facts = self._try(key, _facts, self.root + key)
                if facts is not None and not stat.S_ISDIR(facts.st_mode):
                    yield key, facts

    def _try(self, key: bytes, look: Callable[..., _Found], *at: bytes) -> _Found | None:
        try:
            return look(*at)
        except OSError as error:
            if self.on_gap is None:
                raise
            self.on_gap(os.fsdecode(key), error)
            return None


def _facts(path: bytes) -> os.stat_result | None:
    with suppress(FileNotFoundError):
        return os.lstat(path)
    return None


def names_in(root: bytes, at: bytes) -> list[bytes]:
    """The names in a folder, in the order of keys: those of folders end in a slash.

    None are in one that does not exist. Raises OSError, and StorageRefused without a root.
    """
    try:
        with os.scandir(root + at) as found:
            names = [
                entry.name + b"/" if entry.is_dir(follow_symlinks=False) else entry.name
                for entry in found
            ]
    except (FileNotFoundError, NotADirectoryError):
        if not os.path.isdir(root):  # noqa: PTH112 - bytes, to keep names that are not UTF-8
            raise StorageRefused(
                f"the archive's folder {os.fsdecode(root)} is gone",
                hint="check that its disk or network share is mounted",
            ) from None
        return []
    names.sort()
    return names
