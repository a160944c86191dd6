"""Audio that cannot be played as it is, decoded once and then served like any other file.

This is for formats that browsers do not support, and for recordings with spans that a listener must
not hear. The decoded file is a WAVE file, named by the digest of the recording and of the replaced
spans. The folder has a maximum size: what was played longest ago is removed first. Decoders read
untrusted data: they run in separate processes, and ffmpeg gets the container to expect, so that no
playlist inside a recording can lead it to other files or to the network.
"""

import os
import shutil
import subprocess
from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Final, Literal, Protocol, TypeAlias

import anyio
import anyio.to_thread
import soundfile

from archiver.desk.media import Media, Sound, Unread, why_unread
from archiver.desk.peak_cache import cache_errors
from archiver.desk.playback import FFMPEG, HEAD_BYTES, Way, is_wave, way_of
from archiver.errors import StorageError
from archiver.sound.redact import redact
from archiver.sound.spans import Plan, Redacted
from archiver.sound.workers import WorkerFailed, work_on_audio, work_on_file
from archiver.storage.base import ByteRange

CACHE_BYTES: Final = 1024 * 1024 * 1024
"""Some 18 hours of telephony in PCM."""
_MOST_SECONDS: Final = 12 * 3600
_PATIENCE: Final = 600.0
"""Seconds that decoding one recording may take."""
_AT_ONCE: Final = 2
_WAYS_KEPT: Final = 10_000
_FRAMES: Final = 65_536

Undecoded: TypeAlias = Literal["no-decoder", "undecodable", "unredacted", "damaged"] | Unread
"""`unredacted`: not everything may be heard, and no copy of the rest can be made."""


class _Work(Protocol):
    """Writes what is made of the audio at `source` to `target`; False where that is impossible. For
    a worker process."""

    def __call__(self, source: str, /, *, target: str) -> bool: ...


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
        return await self._kept(sound, sound.sha256, partial(decode, form=way.value))

    async def redacted(self, sound: Sound, way: Way, plan: Plan) -> Path | Undecoded:
        """The decoded file with spans replaced, or why there is none."""
        source = None
        if way.needs_ffmpeg:
            found = await self.of(sound, way)
            if not isinstance(found, Path):
                return found
            source = found
        work = partial(_redacted, plan=plan)
        found = await self._kept(sound, f"{sound.sha256}-{plan.digest}", work, source)
        return "unredacted" if found == "undecodable" else found

    async def _kept(
        self, sound: Sound, name: str, work: "_Work", source: Path | None = None
    ) -> Path | Undecoded:
        lock = self._at_work.setdefault(name, anyio.Lock())
        async with lock:
            try:
                target = self._path(name)
                if await anyio.to_thread.run_sync(_is_kept, target):
                    return target
                async with self._places:
                    return await self._made(sound, target, work, source)
            finally:
                if not lock.statistics().tasks_waiting:
                    self._at_work.pop(name, None)

    async def forget(self, digests: Iterable[str]) -> None:
        """Remove what was decoded of audio that left the archive."""

        def remove() -> None:
            with cache_errors(self._folder):
                for sha256 in digests:
                    for path in self._folder.glob(f"{sha256}*.wav"):
                        path.unlink(missing_ok=True)

        await anyio.to_thread.run_sync(remove)

    async def _made(
        self, sound: Sound, target: Path, work: "_Work", source: Path | None
    ) -> Path | Undecoded:
        part = target.with_suffix(".part")
        job = partial(work, target=os.fspath(part))
        with cache_errors(self._folder):
            try:
                await anyio.Path(self._folder).mkdir(parents=True, exist_ok=True)
                await anyio.Path(part).touch()
                is_whole = await self._worked(sound, job, source)
                if is_whole is None:
                    return "damaged"
                if not is_whole:
                    return "undecodable"
                await anyio.to_thread.run_sync(part.replace, target)
                await anyio.to_thread.run_sync(self._sweep)
            except StorageError as error:
                return why_unread(error)
            except WorkerFailed:
                return "undecodable"
            finally:
                with anyio.CancelScope(shield=True):
                    await anyio.Path(part).unlink(missing_ok=True)
        return target

    async def _worked(
        self, sound: Sound, job: Callable[[str], bool], source: Path | None
    ) -> bool | None:
        """Whether the job could be done, on the recording or on what was decoded of it; None where
        its bytes are not those of the ledger."""
        if source is not None:
            return await work_on_file(source, job, patience=_PATIENCE)
        async with self._media.open(sound) as chunks:
            return await work_on_audio(
                chunks,
                job,
                size=sound.size,
                sha256=sound.sha256,
                folder=self._folder,
                patience=_PATIENCE,
            )

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.wav"

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


def _redacted(source: str, *, target: str, plan: Plan) -> bool:
    """`redact`, for a worker process."""
    return isinstance(redact(source, to=target, plan=plan), Redacted)


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
