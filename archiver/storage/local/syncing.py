"""Making files and folders durable, many at a time.

A sync costs a journal commit, whatever it syncs, so a group of files is best synced as a whole: by
`syncfs`, which covers everything on the file system. It promises as much as syncing each only on
Linux 5.8 and later (which report what could not be written) and on file systems of this machine: a
network or user-space one may leave the server out. Everywhere else each is synced on its own.
"""

import ctypes
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias

Target: TypeAlias = int | str
"""An open file by its number, or the path of a folder."""

_LOCAL = frozenset({"ext4", "xfs", "f2fs", "tmpfs"})
_REPORTS_ERRORS = (5, 8)
_WORTH_IT = 4
"""Files, or folders only, that are synced as a group; fewer are synced each, which leaves other
writers alone."""


class Syncing:
    """Syncs files and folders on the file system of `root`."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._whole = _whole_sync(root)

    def sync(self, targets: Iterable[Target]) -> dict[Target, OSError]:
        """Sync all of them; what could not be synced, and why."""
        distinct = dict.fromkeys(targets)
        files = sum(isinstance(one, int) for one in distinct)
        if self._whole is not None and (files or len(distinct)) >= _WORTH_IT:
            return self._sync_whole(self._whole, distinct)
        failed: dict[Target, OSError] = {}
        for target in distinct:
            try:
                self.sync_one(target)
            except OSError as error:
                failed[target] = error
        return failed

    def sync_one(self, target: Target) -> None:
        """Sync a file or a folder by itself. Raises OSError."""
        if isinstance(target, int):
            os.fsync(target)
            return
        folder = os.open(target, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _sync_whole(
        self, sync: Callable[[int], int], targets: Iterable[Target]
    ) -> dict[Target, OSError]:
        try:
            folder = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
            try:
                if sync(folder) != 0:
                    number = ctypes.get_errno()
                    raise OSError(number, os.strerror(number))
            finally:
                os.close(folder)
        except OSError as error:
            return dict.fromkeys(targets, error)
        return {}


def _whole_sync(root: str) -> Callable[[int], int] | None:
    version = re.match(r"(\d+)\.(\d+)", os.uname().release)
    if os.uname().sysname != "Linux" or version is None:
        return None
    if (int(version[1]), int(version[2])) < _REPORTS_ERRORS or _file_system(root) not in _LOCAL:
        return None
    sync: Callable[[int], int] | None = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    return sync


def _file_system(path: str) -> str | None:
    """The type of the path's file system, from the kernel."""
    try:
        device = os.stat(path).st_dev  # noqa: PTH116
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in mounts.splitlines():
        fields, _, rest = line.partition(" - ")
        if fields.split()[2:3] == [number]:
            return rest.split(" ", 1)[0]
    return None
