"""Audio that browsers cannot play, decoded to PCM once and then served like any other file.

The decoded file is a 16-bit WAVE file, named by the digest of the recording. The folder has a
maximum size: what was played longest ago is removed first. Decoders read untrusted data: they run
in separate processes, and ffmpeg is told which container to expect, so that no playlist inside a
recording can lead it to other files or to the network.
"""

import os
import shutil
import subprocess
from collections import OrderedDict
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Final, Literal, TypeAlias

import anyio
import anyio.to_thread
import soundfile

from archiver.desk.media import Media, Sound, Unread, why_unread
from archiver.desk.peak_cache import cache_errors
from archiver.desk.playback import FFMPEG, HEAD_BYTES, Way, is_wave, way_of
from archiver.errors import StorageError
from archiver.sound.workers import WorkerFailed, work_on_audio
from archiver.storage.base import ByteRange

CACHE_BYTES: Final = 1024 * 1024 * 1024
"""Some 18 hours of telephony in PCM."""
_MOST_SECONDS: Final = 12 * 3600
_PATIENCE: Final = 600.0
"""Seconds that decoding one recording may take."""
_AT_ONCE: Final = 2
_WAYS_KEPT: Final = 10_000
_FRAMES: Final = 65_536

Undecoded: TypeAlias = Literal["no-decoder", "undecodable", "damaged"] | Unread


class Pcm:
    """Decoded audio of one archive, kept in `folder`."""

    def __init__(self, media: Media, folder: Path, *, most_bytes: int = CACHE_BYTES) -> None:
        self._media = media
        self._folder = folder
        self._most_bytes = most_bytes
        self._ways: OrderedDict[str, Way] = OrderedDict()
        self._places = anyio.CapacityLimiter(_AT_ONCE)
        self._at_work: dict[str, anyio.Lock] = {}

    async def way(self, sound: Sound) -> Way:
        """How the sound is played. Raises StorageError where its head cannot be read."""
        if not is_wave(sound.content_type):
            return way_of(sound.content_type)
        if sound.sha256 not in self._ways:
            head = b""
            async with self._media.open(sound, ByteRange(0, min(HEAD_BYTES, sound.size))) as chunks:
                async for chunk in chunks:
                    head += chunk
            self._ways[sound.sha256] = way_of(sound.content_type, head)
            if len(self._ways) > _WAYS_KEPT:
                self._ways.popitem(last=False)
        return self._ways[sound.sha256]

    async def of(self, sound: Sound, way: Way) -> Path | Undecoded:
        """The decoded file, or why there is none. The first time this takes seconds."""
        if way.needs_ffmpeg and await anyio.to_thread.run_sync(shutil.which, FFMPEG) is None:
            return "no-decoder"
        lock = self._at_work.setdefault(sound.sha256, anyio.Lock())
        async with lock:
            try:
                target = self._path(sound.sha256)
                if await anyio.to_thread.run_sync(_is_kept, target):
                    return target
                async with self._places:
                    return await self._decoded(sound, way, target)
            finally:
                if not lock.statistics().tasks_waiting:
                    self._at_work.pop(sound.sha256, None)

    async def forget(self, digests: Iterable[str]) -> None:
        """Remove what was decoded of audio that left the archive."""

        def remove() -> None:
            with cache_errors(self._folder):
                for sha256 in digests:
                    self._path(sha256).unlink(missing_ok=True)

        await anyio.to_thread.run_sync(remove)

    async def _decoded(self, sound: Sound, way: Way, target: Path) -> Path | Undecoded:
        partial_ = target.with_suffix(".part")
        work = partial(decode, target=os.fspath(partial_), form=way.value)
        with cache_errors(self._folder):
            try:
                await anyio.Path(self._folder).mkdir(parents=True, exist_ok=True)
                async with self._media.open(sound) as chunks:
                    is_whole = await work_on_audio(
                        chunks,
                        work,
                        size=sound.size,
                        sha256=sound.sha256,
                        folder=self._folder,
                        patience=_PATIENCE,
                    )
                if is_whole is None:
                    return "damaged"
                if not is_whole:
                    return "undecodable"
                await anyio.to_thread.run_sync(partial_.replace, target)
                await anyio.to_thread.run_sync(self._sweep)
            except StorageError as error:
                return why_unread(error)
            except WorkerFailed:
                return "undecodable"
            finally:
                with anyio.CancelScope(shield=True):
                    await anyio.Path(partial_).unlink(missing_ok=True)
        return target

    def _path(self, sha256: str) -> Path:
        return self._folder / f"{sha256}.wav"

    def _sweep(self) -> None:
        kept = sorted(
            (one.stat().st_mtime, one.stat().st_size, one) for one in self._folder.glob("*.wav")
        )
        size = sum(one[1] for one in kept)
        for _, length, path in kept[:-1]:
            if size <= self._most_bytes:
                break
            path.unlink(missing_ok=True)
            size -= length


def _is_kept(path: Path) -> bool:
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def decode(source: str, *, target: str, form: str) -> bool:
    """Write the audio as PCM; False for what cannot be decoded. For a worker process."""
    if form == Way.SNDFILE.value:
        return _by_sndfile(source, target)
    command = [
        FFMPEG, "-nostdin", "-v", "quiet", "-y", "-protocol_whitelist", "file,pipe",
        "-f", form, "-i", f"file:{source}", "-vn", "-t", str(_MOST_SECONDS),
        "-map_metadata", "-1", "-fflags", "+bitexact", "-c:a", "pcm_s16le", "-f", "wav",
        f"file:{target}",
    ]  # fmt: skip
    done = subprocess.run(  # noqa: S603 - the paths are our own
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=_PATIENCE,
        check=False,
    )
    return done.returncode == 0


def _by_sndfile(source: str, target: str) -> bool:
    try:
        with soundfile.SoundFile(source) as read:
            form = {"samplerate": read.samplerate, "channels": read.channels}
            with soundfile.SoundFile(
                target, "w", format="WAV", subtype="PCM_16", **form
            ) as written:
                for _ in range(_MOST_SECONDS * read.samplerate // _FRAMES + 1):
                    block = read.read(_FRAMES, dtype="int16", always_2d=True)
                    if not len(block):
                        break
                    written.write(block)
                return bool(written.frames)
    except (soundfile.SoundFileError, ValueError, TypeError, OverflowError, MemoryError):
        return False
