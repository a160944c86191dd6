"""Processes of this machine, as the kernel sees them."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

from tests.cli.commands import PATIENCE


def children(parent: int | None = None) -> set[int]:
    """The processes whose parent it is."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[1]) == (parent or os.getpid()) and fields[0] != "Z":
                found.add(int(path.parent.name))
    return found


def told_of(process: int, name: str) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{process}/{name}").read_bytes()
    return b""


def until(condition: Callable[[], bool]) -> None:
    """Wait for it, as long as a busy machine may take."""
    deadline = monotonic() + PATIENCE
    while not condition():
        assert monotonic() < deadline, "it never came"
        sleep(0.01)
