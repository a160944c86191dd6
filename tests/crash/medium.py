"""A disk between the code and the real one: it fails at a call of one's choosing, or loses what was
never synced.

Stands in for the functions of `os` by which an archive is written and read; calls for other folders
go through. Nothing is preloaded, so it works wherever Python does.
"""

import os
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from archiver.storage.local.syncing import Syncing

CALLS = ("open", "write", "fsync", "link", "replace", "unlink", "mkdir", "scandir")
"""What a fault is tried in: every function that takes a path or a file of the archive."""


class OneByOne(Syncing):
    """Syncs files and folders each by itself, so that it is known what was synced."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self._whole = None


@dataclass
class Faults:
    """Counts the calls of one function that concern the folder, and fails number `at` of them.

    With `lasting` every later call fails as well.
    """

    root: str
    name: str
    number: int
    at: int | None = None
    lasting: bool = False
    count: int = 0

    def install(self, patch: pytest.MonkeyPatch) -> None:
        real: Callable[..., Any] = getattr(os, self.name)

        def wrapped(target: Any, *others: Any, **named: Any) -> Any:
            if self._is_ours(target):
                self.count += 1
                if self.at is not None and (
                    self.count == self.at or (self.lasting and self.count > self.at)
                ):
                    raise OSError(self.number, os.strerror(self.number), str(target))
            return real(target, *others, **named)

        patch.setattr(os, self.name, wrapped)

    def _is_ours(self, target: Any) -> bool:
        return path_of(target).startswith(self.root)


def path_of(target: Any) -> str:
    """The path of a file that is named, or open under a number."""
    if isinstance(target, int):
        try:
            return str(Path(f"/proc/self/fd/{target}").readlink())
        except OSError:
            return ""
    return os.fsdecode(target)


@dataclass
class Unsynced:
    """Remembers what of a folder would survive a power cut, and cuts the power where it is told to.

    A name is durable when its folder was synced since; bytes are when their file was. Everything
    else may be there or not, a file may be there with a part of its bytes: chance decides, as it
    does on a real disk. `cut` is called after every step with its number, while all stands still.
    """

    root: str
    cut: Callable[[int], None] = field(default=lambda number: None)
    steps: int = 0
    names: dict[str, int | None] = field(default_factory=dict)
    synced: dict[int, bytes] = field(default_factory=dict)
    kept: list[int] = field(default_factory=list)
    _lock: Any = field(default_factory=threading.RLock)

    @contextmanager
    def watch(self, patch: pytest.MonkeyPatch) -> Iterator[None]:
        """While this goes on every sync is remembered, and every change is a step."""
        self._take_all()
        for name in ("link", "replace", "unlink", "mkdir", "fsync", "open"):
            patch.setattr(os, name, self._stepping(name, getattr(os, name)))
        try:
            yield
        finally:
            for file in self.kept:
                os.close(file)

    def survivors(self, target: Path, chance: random.Random) -> None:
        """The folder as it may be found when the power is back."""
        now = _tree(self.root)
        target.mkdir()
        lost: set[str] = set()
        for path in sorted(self.names.keys() | now.keys()):
            candidates = [self.names.get(path, -1), now.get(path, -1)]
            chosen = chance.choice(candidates)
            if str(Path(path).parent) in lost or chosen == -1:
                lost.add(path)
                continue
            where = target / os.path.relpath(path, self.root)
            if chosen is None:
                where.mkdir()
            else:
                where.write_bytes(self._survived(chosen, path, chance))

    def _stepping(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(target: Any, *others: Any, **named: Any) -> Any:
            with self._lock:
                result = real(target, *others, **named)
                path = path_of(target)
                if not path.startswith(self.root):
                    return result
                if name == "open":
                    self._opened(result, others)
                    return result
                if name == "fsync":
                    self._sync(path)
                self.steps += 1
                self.cut(self.steps)
                return result

        return wrapped

    def _opened(self, file: int, others: Sequence[Any]) -> None:
        """A new file may have the number of one that is gone: nothing of it is durable."""
        if others and others[0] & os.O_CREAT and os.fstat(file).st_size == 0:
            self.synced.pop(os.fstat(file).st_ino, None)

    def _sync(self, path: str) -> None:
        if Path(path).is_dir():
            self._sync_folder(path)
        elif Path(path).exists():
            self.synced[os.lstat(path).st_ino] = Path(path).read_bytes()

    def _take_all(self) -> None:
        """What is there at the beginning is durable."""
        for path, inode in _tree(self.root).items():
            if inode is None:
                self.names[path] = None
            else:
                self._keep(path)
                self.synced[inode] = Path(path).read_bytes()

    def _sync_folder(self, folder: str) -> None:
        for path in [one for one in self.names if str(Path(one).parent) == folder]:
            if not os.path.lexists(path):
                del self.names[path]
        for one in list(Path(folder).iterdir()):
            if one.is_dir():
                self.names[str(one)] = None
            else:
                self._keep(str(one))

    def _keep(self, path: str) -> None:
        """The name is durable; its file is kept open, so that no other gets its number."""
        file = _OPEN(path, os.O_RDONLY)
        self.kept.append(file)
        self.names[path] = os.fstat(file).st_ino

    def _survived(self, inode: int, path: str, chance: random.Random) -> bytes:
        if inode in self.synced:
            return self.synced[inode]
        data = Path(path).read_bytes() if Path(path).exists() else b""
        return data[: chance.randrange(len(data) + 1)]


_OPEN = os.open


def _tree(root: str) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    for folder, folders, files in os.walk(root):
        found.update({f"{folder}/{name}": None for name in folders})
        found.update({f"{folder}/{name}": os.lstat(f"{folder}/{name}").st_ino for name in files})
    return found
