"""Audio that strangers sent, decoded a few seconds at a time.

Decoders are libraries in C, so whatever decodes runs in a worker process (see `workers`); this
module is what such a process begins with.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import soundfile

Samples: TypeAlias = npt.NDArray[np.float32]

Undecoded: TypeAlias = Literal["unknown-codec", "too-long"]
"""Why there are no figures: no decoder reads it, or it is too long."""

MOST_SECONDS: Final = 12 * 3600
MOST_CHANNELS: Final = 8

_ERRORS: Final = (soundfile.SoundFileError, ValueError, TypeError, OverflowError, MemoryError)


class CannotDecode(Exception):
    """The decoder does not read this file, or it is nonsense."""


@contextmanager
def decoded(path: str) -> Iterator[Any]:
    """The file, open for decoding. Raises CannotDecode, also from reading within the block."""
    with _undisturbed():
        try:
            with soundfile.SoundFile(path) as file:
                if not 1 <= file.channels <= MOST_CHANNELS or file.samplerate <= 0:
                    raise CannotDecode
                yield file
        except _ERRORS as error:
            raise CannotDecode from error


def in_one_go(file: Any) -> None:
    """Let the samples come as from one reading of the whole file, however many at a time.

    soundfile seeks after each reading, upon which the decoder of MP3 starts anew: some samples
    before it then differ from those of any other player.
    """
    if file.seekable():
        file.seek(0)
        file.seekable = lambda: False


def blocks(file: Any, frames: int) -> Iterator[Samples]:
    """The samples, at most `frames` of them at a time, as (frames, channels); NaN reads as 0."""
    while len(block := file.read(frames, dtype="float32", always_2d=True)):
        yield np.nan_to_num(block, copy=False, nan=0.0, posinf=1.0, neginf=-1.0)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let no ^C interrupt a worker, whose parent decides when to end, nor decoders print to the
    terminal: they write straight to the descriptor."""
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
        signal.signal(signal.SIGINT, former)
