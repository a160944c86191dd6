"""The facts in the audio itself, and the bytes that they are read from."""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct

Bytes: TypeAlias = bytes | mmap.mmap
"""A whole recording: sliced, searched and measured with `len`, never read as a whole."""


class Facts(Struct, frozen=True):
    """The facts in the audio itself; None if unknown. `seconds` is the duration that is really
    there; `cut` is true if the header promised more."""

    seconds: float | None = None
    channels: int | None = None
    sample_rate: int | None = None
    cut: bool = False


@contextmanager
def bytes_of(source: bytes | Path) -> Iterator[Bytes]:
    """The bytes of a body; those of a file are mapped, so that only what is looked at is read."""
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb") as file:
        if source.stat().st_size == 0:  # which cannot be mapped
            yield b""
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            yield mapped
