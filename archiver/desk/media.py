"""The audio of a recording, or the reason why there is none.

A recording is requested by its id only. The key comes from the ledger through the index, is checked
to be that of this recording, and the object must have the recorded size; so nothing that a browser
sends ever names an object.
"""

import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

import anyio

from archiver.desk.index.index import DeskIndex
from archiver.desk.index.rows import Source
from archiver.desk.index.view import State
from archiver.errors import KeyMissing, StorageError, StorageForbidden
from archiver.storage.base import ByteRange, Storage
from archiver.storage.keys import parse_recording_key

Unread: TypeAlias = Literal["missing", "forbidden", "unreachable"]
Why: TypeAlias = Literal[
    "unknown",
    "waiting",
    "failed",
    "gone",
    "pruned",
    "erased",
    "missing",
    "damaged",
    "forbidden",
    "unreachable",
]

_PATIENCE: Final = 15.0
"""Seconds for the storage to find the object, before the user sees an error."""
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_AUDIO: Final = re.compile(r"audio/[a-z0-9][a-z0-9.+-]{0,60}")


@dataclass(frozen=True, slots=True)
class Sound:
    """Audio that can be opened. `content_type` is one of audio, or that of bare bytes."""

    record_id: int
    size: int
    sha256: str
    content_type: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Absent:
    """Why a recording cannot be played.

    `unknown`: the archive has no such recording. `waiting` to `erased` are states in the ledger.
    `missing`: the object does not exist. `damaged`: the object differs from the ledger.
    `forbidden`: permissions of the desk, or its S3 key, do not allow reading it. `unreachable`: the
    storage does not respond, or not properly.
    """

    record_id: int
    why: Why


class Media:
    """The audio of one archive."""

    def __init__(self, index: DeskIndex, storage: Storage) -> None:
        self._index = index
        self._storage = storage

    async def look(self, record_id: int) -> Sound | Absent:
        """The audio of a recording, ready to be opened, or why there is none."""
        sound = await self.find(record_id)
        return sound if isinstance(sound, Absent) else await self.check(sound)

    async def find(self, record_id: int) -> Sound | Absent:
        """The audio of a recording according to the ledger."""
        source = await self._index.source(record_id)
        if source is None:
            return Absent(record_id, "unknown")
        if source.state != State.ARCHIVED:
            return Absent(record_id, _WHY[State(source.state)])
        return _sound(record_id, source) or Absent(record_id, "damaged")

    def open(
        self, sound: Sound, span: ByteRange | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The bytes of the audio, or a range of them: `async with media.open(sound) as chunks`.

        Raises StorageError, also in the middle.
        """
        return self._storage.open(sound.key, span)

    async def check(self, sound: Sound) -> Sound | Absent:
        """The audio, if the storage has it in the size that the ledger says, or why it has not."""
        try:
            with anyio.fail_after(_PATIENCE):
                info = await self._storage.stat(sound.key)
        except (StorageError, TimeoutError) as error:
            return Absent(sound.record_id, why_unread(error))
        return sound if info.size == sound.size else Absent(sound.record_id, "damaged")


def why_unread(error: StorageError | TimeoutError) -> Unread:
    """The word for what kept the audio from being read: refused is not damaged, nor unreachable."""
    if isinstance(error, KeyMissing):
        return "missing"
    return "forbidden" if isinstance(error, StorageForbidden) else "unreachable"


_WHY: Final[dict[State, Why]] = {
    State.WAITING: "waiting",
    State.FAILED: "failed",
    State.GONE: "gone",
    State.PRUNED: "pruned",
    State.ERASED: "erased",
}


def _sound(record_id: int, source: Source) -> Sound | None:
    """The audio according to the ledger; None if that is invalid."""
    key, size, sha256 = source.key, source.size, source.sha256
    parsed = None if key is None else parse_recording_key(key)
    if key is None or parsed is None or parsed.is_sidecar or parsed.record_id != record_id:
        return None
    if type(size) is not int or not isinstance(sha256, str) or not _DIGEST.fullmatch(sha256):
        return None
    told = source.content_type if isinstance(source.content_type, str) else ""
    kind = told if _AUDIO.fullmatch(told) else "application/octet-stream"
    return Sound(record_id, size, sha256, kind, key)
