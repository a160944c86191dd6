"""The files of a folder tree in the order of their keys.

The order of keys as bytes is not that of a walk by names: `a.b` comes before `a/x` and `ab` after
it, because the slash takes part in the comparison. So a folder is sorted as if its name ended in a
slash, which is what all keys below it go on with.
"""

import os
import stat
from collections.abc import Iterator

from archiver.errors import StorageRefused


def entries(root: str, prefix: str) -> Iterator[tuple[str, os.stat_result]]:
    """Key and facts of every entry below `root` that is no folder and whose key starts so.

    Only the names of the folders on the way down are held. What vanishes meanwhile is left out; a
    folder that may not be read raises OSError, a root that is gone StorageRefused.
    """
    wanted = os.fsencode(prefix)
    start = wanted[: wanted.rfind(b"/") + 1]
    for key, facts in _below(os.fsencode(root) + b"/", start, wanted):
        yield os.fsdecode(key), facts


def _below(root: bytes, at: bytes, wanted: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
    for name in _names(root, at):
        key = at + name
        if name.endswith(b"/"):
            if key.startswith(wanted) or wanted.startswith(key):
                yield from _below(root, key, wanted)
        elif key.startswith(wanted):
            try:
                facts = os.lstat(root + key)
            except FileNotFoundError:
                continue
            if not stat.S_ISDIR(facts.st_mode):
                yield key, facts


def _names(root: bytes, at: bytes) -> list[bytes]:
    try:
        with os.scandir(root + at) as found:
            return sorted(
                entry.name + b"/" if entry.is_dir(follow_symlinks=False) else entry.name
                for entry in found
            )
    except (FileNotFoundError, NotADirectoryError):
        if not os.path.isdir(root):  # noqa: PTH112 - bytes, to keep names that are not UTF-8
            raise StorageRefused(
                f"the archive's folder {os.fsdecode(root)} is gone",
                hint="check that its disk or network share is mounted",
            ) from None
        return []
