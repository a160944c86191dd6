"""Decodes untrusted audio, a few seconds at a time.

Decoders are libraries in C, so decoding is only done in worker processes (see `workers`); this
module is the first that such a process imports.
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
"""Why there are no figures: no decoder for the format, or the recording is too long."""

MOST_SECONDS: Final = 12 * 3600
MOST_CHANNELS: Final = 8

_ERRORS: Final = (soundfile.SoundFileError, ValueError, TypeError, OverflowError, MemoryError)


class CannotDecode(Exception):
    """The decoder cannot read this file."""


@contextmanager
def decoded(path: str) -> Iterator[Any]:
    """The file, open for decoding. Raises CannotDecode, also for reads within the context."""
    with _undisturbed():
        try:
            with soundfile.SoundFile(path) as file:
                if not 1 <= file.channels <= MOST_CHANNELS or file.samplerate <= 0:
                    raise CannotDecode
                yield file
        except _ERRORS as error:
            raise CannotDecode from error


def in_one_go(file: Any) -> None:
    """Make the samples independent of the size of reads.

    soundfile seeks after each read, and the MP3 decoder then starts anew: some samples before the
    position would differ from those of other players.
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
    """Keep Ctrl-C from interrupting a worker, whose parent decides when to end, and decoders from
    writing to the terminal: they write directly to the descriptor."""
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
