"""The waveform of a recording: computed once, from bytes that are proved on the way, then cached.

The audio is spooled to a file beside the cache while its SHA-256 is taken, then decoded in a worker
process. Few are at work at a time, and two listeners of one recording wait for the same work. What
comes out depends on the bytes alone, so it is cached by their digest.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

import anyio
import anyio.to_thread

from archiver.desk.media import Absent, Media, Sound, Why, why_unread
from archiver.desk.pcm import Pcm, Undecoded
from archiver.desk.peak_cache import Cached, CacheUnusable, PeakCache, cache_errors
from archiver.desk.waveform import Waveform, sketch, trace
from archiver.errors import StorageError
from archiver.sound.spans import Plan
from archiver.sound.workers import WorkerFailed, work_on_audio, work_on_file

Reason: TypeAlias = Literal[
    "unknown-codec",
    "too-long",
    "absent",
    "damaged",
    "forbidden",
    "unreachable",
    "unredacted",
    "failed",
]

_AT_ONCE: Final = 2
_PATIENCE: Final = 900.0
"""Seconds that reading and decoding one recording may take."""
CACHE_BYTES: Final = 256 * 1024 * 1024
"""Some 20,000 recordings."""


@dataclass(frozen=True, slots=True)
class NoPeaks:
    """Why there is no waveform. Except for `absent`, the recording may still be playable.

    `unknown-codec`: no decoder here, though browsers may have one. `too-long`: more than 12 hours.
    `damaged`: the bytes differ from the ledger. `forbidden`: the desk is not allowed to read them.
    `unreachable`: the storage does not return them. `unredacted`: not everything in it may be
    heard, and no copy of the rest can be made. `failed`: the computation did not finish.
    """

    reason: Reason


class Peaks:
    """Waveforms of the recordings of one archive, cached in `folder`."""

    def __init__(
        self, media: Media, pcm: Pcm, folder: Path, *, most_bytes: int = CACHE_BYTES
    ) -> None:
        self._media = media
        self._pcm = pcm
        self._folder = folder
        self._cache = PeakCache(folder, most_bytes)
        self._places = anyio.CapacityLimiter(_AT_ONCE)
        self._at_work: dict[str, anyio.Lock] = {}

    async def of(self, record_id: int, plan: Plan | None = None) -> Waveform | NoPeaks:
        """The waveform of a recording, or of its copy by that plan, or why there is none. The first
        time this takes seconds."""
        sound = await self._media.look(record_id)
        if isinstance(sound, Absent):
            return NoPeaks(_none(sound.why))
        name = sound.sha256 if plan is None else f"{sound.sha256}-{plan.digest}"
        lock = self._at_work.setdefault(name, anyio.Lock())
        async with lock:
            try:
                known = await anyio.to_thread.run_sync(self._cache.get, name)
                return _told(known) if known is not None else await self._compute(sound, name, plan)
            finally:
                if not lock.statistics().tasks_waiting:
                    self._at_work.pop(name, None)

    async def sketch(self, record_id: int) -> Waveform | NoPeaks | None:
        """A rough waveform immediately, if the exact one is not computed yet; None if it is, or if
        it takes no longer."""
        sound = await self._media.look(record_id)
        if isinstance(sound, Absent):
            return None
        known = await anyio.to_thread.run_sync(self._cache.get, sound.sha256)
        if known is not None:
            return None
        try:
            found = await self._work(sound, None, sketch)
        except (TimeoutError, StorageError, WorkerFailed):
            return None
        return _told(found)

    async def forget(self, digests: Iterable[str]) -> None:
        """Remove the waveforms of audio that left the archive."""
        await anyio.to_thread.run_sync(self._cache.forget, [*digests])

    async def _compute(self, sound: Sound, name: str, plan: Plan | None) -> Waveform | NoPeaks:
        try:
            async with self._places:
                with anyio.fail_after(_PATIENCE):
                    found = await self._work(sound, plan, trace)
            if not isinstance(found, NoPeaks):
                await anyio.to_thread.run_sync(self._cache.put, name, found)
        except (CacheUnusable, TimeoutError, WorkerFailed):
            return NoPeaks("failed")
        except StorageError as error:
            return NoPeaks(_none(why_unread(error)))
        return _told(found)

    async def _work(
        self, sound: Sound, plan: Plan | None, work: Callable[[str], Cached]
    ) -> Cached | NoPeaks:
        """What the audio looks like, of which only the copy is read where there is a plan."""
        with cache_errors(self._folder):
            await anyio.Path(self._folder).mkdir(parents=True, exist_ok=True)
            way = await self._pcm.way(sound)
            if plan is not None:
                copy = await self._pcm.redacted(sound, way, plan)
                if not isinstance(copy, Path):
                    return NoPeaks(_UNREDACTED.get(copy, "unredacted"))
                return await work_on_file(copy, work, patience=_PATIENCE)
            decoded = await self._pcm.of(sound, way) if way.needs_ffmpeg else None
            if isinstance(decoded, Path):
                return await work_on_file(decoded, work, patience=_PATIENCE)
            async with self._media.open(sound) as chunks:
                found = await work_on_audio(
                    chunks,
                    work,
                    size=sound.size,
                    sha256=sound.sha256,
                    folder=self._folder,
                    patience=_PATIENCE,
                )
            return NoPeaks("damaged") if found is None else found


_UNREDACTED: Final[dict[Undecoded, Reason]] = {
    "damaged": "damaged",
    "missing": "absent",
    "forbidden": "forbidden",
    "unreachable": "unreachable",
}


def _told(found: Cached | NoPeaks) -> Waveform | NoPeaks:
    return found if isinstance(found, Waveform | NoPeaks) else NoPeaks(found)


def _none(why: Why) -> Reason:
    """A file that may be read later is not an absent one."""
    return why if why == "forbidden" or why == "unreachable" else "absent"  # noqa: PLR1714 - narrows
