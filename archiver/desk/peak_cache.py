"""Waveforms on disk, one small JSON file each, named by the digest of the audio, and by what of it
is replaced.

The folder has a maximum size: what was requested longest ago is removed first. If a file is
invalid, its waveform is computed again.
"""

import base64
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeAlias, get_args

from archiver.desk.waveform import Waveform
from archiver.errors import StorageError
from archiver.sound.decoding import Undecoded

Cached: TypeAlias = Waveform | Undecoded

_VERSION: Final = 1
"""Of the files, and of how waveforms are computed."""
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_PUTS_A_SWEEP: Final = 100


class PeakCache:
    """Waveforms by name, which begins with the digest of the audio. They take at most `most_bytes`
    together (give or take the newest hundred)."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._puts = 0

    def get(self, name: str) -> Cached | None:
        """The waveform, or why there is none; None when it was not computed yet."""
        path = self._path(name)
        try:
            found = _decode(path.read_bytes())
            os.utime(path)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found

    def put(self, name: str, found: Cached) -> None:
        """Keep what was computed. Raises StorageError when the folder cannot be written."""
        path = self._path(name)
        with cache_errors(self._folder):
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
                file.write(_encode(found))
            Path(file.name).replace(path)
            if self._puts % _PUTS_A_SWEEP == 0:
                self._sweep()
        self._puts += 1

    def forget(self, digests: Iterable[str]) -> None:
        """Remove these waveforms, whether they are there or not."""
        with cache_errors(self._folder):
            for sha256 in digests:
                if _DIGEST.fullmatch(sha256):
                    for path in (self._folder / sha256[:2]).glob(f"{sha256}*.json"):
                        path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / f"{name}.json"

    def _sweep(self) -> None:
        """Remove the least recently requested ones until the rest fits, and remains of a crash."""
        kept = []
        for path in self._folder.glob("??/*"):
            with suppress(FileNotFoundError):
                facts = path.stat()
                kept.append((facts.st_mtime, facts.st_size, path))
        size = sum(one[1] for one in kept)
        for _, length, path in sorted(kept):
            if size <= self._most_bytes:
                break
            path.unlink(missing_ok=True)
            size -= length


class CacheUnusable(StorageError):
    """The folder of the cache cannot be read or written."""


@contextmanager
def cache_errors(folder: Path) -> Iterator[None]:
    """Turn every error of the file system in the block into CacheUnusable."""
    try:
        yield
    except OSError as error:
        raise CacheUnusable(
            f"cannot use the waveform cache {folder}: {error.strerror}",
            hint="check its permissions and the free space; it can be deleted at any time",
        ) from error


def _encode(found: Cached) -> bytes:
    told: dict[str, Any] = {"version": _VERSION}
    if isinstance(found, Waveform):
        told |= {
            "seconds": found.seconds,
            "channels": [base64.b64encode(one).decode() for one in found.channels],
            "silences": found.silences,
        }
    else:
        told["untraced"] = found
    return json.dumps(told).encode()


def _decode(data: bytes) -> Cached:
    """What `_encode` wrote; an error for anything else."""
    told = json.loads(data)
    if told["version"] != _VERSION:
        raise ValueError("written by another version")
    if "untraced" in told:
        if told["untraced"] not in get_args(Undecoded):
            raise ValueError("unknown reason")
        untraced: Undecoded = told["untraced"]
        return untraced
    return Waveform(
        float(told["seconds"]),
        tuple(base64.b64decode(one, validate=True) for one in told["channels"]),
        tuple((float(begins), float(ends)) for begins, ends in told["silences"]),
    )
