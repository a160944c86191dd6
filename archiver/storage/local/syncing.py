"""Making files and folders durable, many at a time.

A sync costs a journal commit, whatever it syncs, so a group of files is best synced as a whole: by
`syncfs`, which covers everything on the file system. It promises as much as syncing each only on
Linux 5.8 and later (which report what could not be written) and on file systems of this machine: a
network or user-space one may leave the server out. Everywhere else each is synced on its own.

The kernel reports bytes that it could not write only once: to each file that was open before, and
to the first that is opened later. After that, a sync of the same bytes succeeds, although they are
on no disk. So a group is synced through a file that was open before its first byte was written.
"""

import ctypes
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
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
        self._watching: int | None = None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Have `sync` report everything that the system cannot write from now on, even if it has
        reported that to another process meanwhile. Used by one thread at a time."""
        root: int | None = None
        if self._whole is not None:
            with suppress(OSError):  # then each is synced by itself, or there is nothing to sync
                root = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        self._watching = root
        try:
            yield
        finally:
            self._watching = None
            if root is not None:
                os.close(root)

    def sync(self, targets: Iterable[Target]) -> dict[Target, OSError]:
        """Sync all of them; what could not be synced, and why."""
        distinct = dict.fromkeys(targets)
        files = sum(isinstance(one, int) for one in distinct)
        whole, root = self._whole, self._watching
        if whole and root is not None and (files or len(distinct)) >= _WORTH_IT:
            return self._sync_whole(whole, root, distinct)
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
        self, whole: Callable[[int], int], root: int, targets: Iterable[Target]
    ) -> dict[Target, OSError]:
        if whole(root) == 0:
            return {}
        number = ctypes.get_errno()
        return dict.fromkeys(targets, OSError(number, os.strerror(number)))


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
