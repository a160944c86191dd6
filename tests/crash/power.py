"""A power cut: what a process did to a folder, and what a cut after any of it may leave.

`power.c` journals the calls of a real process. A `Disk` plays the journal: it knows what the
process saw, and what had been made durable by then. Bytes are durable once their file was synced, a
name once its folder was, as POSIX promises; nothing becomes so by itself. Of all else a cut takes
everything, or what chance decides.
"""

import os
import random
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Final

_HEAD: Final = struct.Struct("=cQQQII")
_SECTOR: Final = 512


class Cut(Enum):
    """What becomes of what was not synced."""

    NOTHING = "all of it is lost"
    NAMES = "names survive, and lengths: their bytes are zero"
    CHANCE = "some names survive, and some bytes, down to a sector"


@dataclass(frozen=True, slots=True)
class Record:
    """One call. `what` is `C`reate, `L`ink, `R`ename, `U`nlink, `M`kdir, `W`rite, set the length
    (`Z`), `S`ync a file or folder, or sync `A`ll."""

    what: str
    inode: int
    offset: int
    path: str
    other: str
    data: bytes


def library(folder: Path) -> Path:
    """Compile `power.c`, with the warnings of gcc as errors."""
    built = folder / "power.so"
    source = Path(__file__).with_name("power.c")
    flags = ("-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror")
    subprocess.run(["gcc", *flags, "-o", str(built), str(source)], check=True)
    return built


def records(journal: Path) -> Iterator[Record]:
    """The calls in their order. AssertionError for one that the journal does not understand."""
    data = journal.read_bytes()
    at = 0
    while at < len(data):
        what, inode, offset, length, one, two = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        path, other = data[at : at + one], data[at + one : at + one + two]
        at += one + two
        assert what != b"!", f"{other!r} of {path!r} is not understood"
        content = b""
        if what == b"W":
            content, at = data[at : at + length], at + length
        yield Record(what.decode(), inode, offset, os.fsdecode(path), os.fsdecode(other), content)


@dataclass(slots=True)
class _File:
    """`now` is what the process sees, `synced` what is durable. `since` are the writes, and the
    lengths set, that no sync has covered."""

    now: bytearray = field(default_factory=bytearray)
    synced: bytes = b""
    since: list[tuple[int, bytes | None]] = field(default_factory=list)

    def write(self, offset: int, data: bytes | None) -> None:
        """Put the data there; None cuts or lengthens the file to the offset."""
        _change(self.now, offset, data)
        self.since.append((offset, data))

    def sync(self) -> None:
        self.synced = bytes(self.now)
        self.since.clear()

    def survives(self, cut: Cut, chance: random.Random) -> bytes:
        left = bytearray(self.synced)
        if cut is Cut.NAMES:
            left[len(self.now) :] = b""
            left.extend(bytes(len(self.now) - len(left)))
        if cut is Cut.CHANCE:
            for offset, data in self.since:
                if chance.random() < 0.5:
                    _change(left, offset, data and _torn(data, chance))
        return bytes(left)


def _change(content: bytearray, offset: int, data: bytes | None) -> None:
    end = offset + len(data or b"")
    content.extend(bytes(max(0, end - len(content))))
    if data is None:
        del content[offset:]
    else:
        content[offset:end] = data


def _torn(data: bytes, chance: random.Random) -> bytes:
    """All of it, or its first sectors."""
    if chance.random() < 0.5:
        return data
    return data[: chance.randrange(0, len(data) + 1, _SECTOR)]


_Node = _File | None
"""A file, or None for a folder."""


class Disk:
    """The folder `root` as it is now is durable; from here on `play` what a process did to it."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._inodes: dict[int, _File] = {}
        self._now: dict[str, _Node] = {self._root: None}
        for folder, folders, files in os.walk(root):
            for name in folders:
                self._now[f"{folder}/{name}"] = None
            for name in files:
                data = Path(folder, name).read_bytes()
                one = _File(bytearray(data), data)
                self._inodes[os.lstat(f"{folder}/{name}").st_ino] = one
                self._now[f"{folder}/{name}"] = one
        self._synced = {path: node for path, node in self._now.items() if path != self._root}
        self._since: list[dict[str, _Node | str]] = []

    def play(self, one: Record) -> None:
        """Do what the process did."""
        match one.what:
            case "C" | "M" | "U" | "L" | "R":
                self._name(self._changes(one))
            case "W" | "Z":
                data = one.data if one.what == "W" else None
                self._inodes[one.inode].write(one.offset, data)
            case "A":
                for file in self._inodes.values():
                    file.sync()
                self._sync_names(None)
            case "S" if one.path in self._now and self._now[one.path] is None:
                self._sync_names(one.path)
            case "S":
                self._inodes[one.inode].sync()

    def _changes(self, one: Record) -> dict[str, "_Node | str"]:
        """The names that are another's, or nobody's, after the call."""
        if one.what == "C":
            self._inodes[one.inode] = made = _File()
            return {one.path: made}
        if one.what == "M":
            return {one.path: None}
        if one.what == "U":
            return {one.path: _GONE}
        node = self._now[one.path]
        assert node is not None, "a folder was renamed, which is not understood"
        return {one.other: node} if one.what == "L" else {one.path: _GONE, one.other: node}

    def survivors(self, target: Path, cut: Cut, chance: random.Random) -> None:
        """Make the folder `target` what may be found when the power is back."""
        names = dict(self._synced)
        for changes in self._since:
            if cut is Cut.NAMES or (cut is Cut.CHANCE and chance.random() < 0.5):
                _apply(names, changes)
        target.mkdir(parents=True)
        for path in sorted(names):
            where = target / os.path.relpath(path, self._root)
            if not where.parent.is_dir():
                continue  # the name of its folder is lost, and all below it
            one = names[path]
            if one is None:
                where.mkdir()
            else:
                where.write_bytes(one.survives(cut, chance))

    def _name(self, changes: dict[str, "_Node | str"]) -> None:
        _apply(self._now, changes)
        self._since.append(changes)

    def _sync_names(self, folder: str | None) -> None:
        """Make the names in one folder durable, or all of them."""
        rest: list[dict[str, _Node | str]] = []
        for changes in self._since:
            covered = {
                path: node
                for path, node in changes.items()
                if folder in (None, os.path.dirname(path))  # noqa: PTH120
            }
            _apply(self._synced, covered)
            rest.append({path: node for path, node in changes.items() if path not in covered})
        self._since = [changes for changes in rest if changes]


_GONE: Final = "gone"


def _apply(names: dict[str, _Node], changes: dict[str, "_Node | str"]) -> None:
    for path, node in changes.items():
        if isinstance(node, str):
            names.pop(path, None)
        else:
            names[path] = node
