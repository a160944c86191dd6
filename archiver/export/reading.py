"""Reads from the archive what is to be exported, and compares everything with the ledger.

A run may be in progress, so a sidecar recorded in the ledger a moment ago may already be superseded
in storage. Its kept revision is read then: the package shows the archive as of the head in the
custody record.
"""

import hashlib
from collections.abc import AsyncGenerator

from archiver.catalog.selection import ChosenRecording
from archiver.errors import ArchiveDamaged, KeyMissing, StorageUnreachable
from archiver.recordings import sidecar
from archiver.storage.base import ByteRange, Storage
from archiver.storage.keys import revision_key, sidecar_key

_RESUMES = 5
"""How often reading of one recording is continued after a lost connection."""


async def read_sidecar(storage: Storage, recording: ChosenRecording) -> bytes:
    """The bytes of the sidecar recorded in the ledger. ArchiveDamaged if they cannot be found."""
    current = sidecar_key(recording.key)
    for key in (current, revision_key(current, max(recording.revision, 1))):
        try:
            data = await storage.read(key, limit=sidecar.MOST_BYTES)
        except KeyMissing:
            continue
        if hashlib.sha256(data).hexdigest() == recording.sidecar_sha256:
            return data
    raise ArchiveDamaged(f"{current}: the sidecar is missing or does not match the ledger")


def decode_sidecar(recording: ChosenRecording, data: bytes) -> sidecar.Sidecar:
    """Decode a sidecar. Raises ArchiveDamaged if it is invalid."""
    try:
        return sidecar.decode(data)
    except ValueError as error:
        raise ArchiveDamaged(f"{sidecar_key(recording.key)}: {error}") from error


class Proof:
    """Compares audio with the ledger while it is read."""

    def __init__(self, storage: Storage, recording: ChosenRecording) -> None:
        self._storage = storage
        self._recording = recording
        self._digest = hashlib.sha256()
        self._size = 0

    @property
    def damage(self) -> str:
        """What is wrong with the audio, after it was read to the end; empty if nothing is."""
        known = self._recording
        if self._size != known.size:
            return f"{known.key}: it has {self._size:,} bytes, but {known.size:,} in the ledger"
        if self._digest.hexdigest() != known.sha256:
            return f"{known.key}: its bytes do not match the SHA-256 in the ledger"
        return ""

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The audio. Raises ArchiveDamaged if it is missing, or as soon as it is too long."""
        resumes = 0
        while True:
            before = self._size
            try:
                async for chunk in self._rest():
                    yield chunk
            except StorageUnreachable:
                resumes = 0 if self._size > before else resumes + 1
                if resumes >= _RESUMES:
                    raise
            else:
                return

    async def check(self) -> str:
        """Read all of it, and return what is wrong with it; empty if nothing is."""
        try:
            async for _ in self.chunks():
                pass
        except ArchiveDamaged as error:
            return str(error)
        return self.damage

    async def _rest(self) -> AsyncGenerator[bytes, None]:
        key = self._recording.key
        if self._size and self._size == self._recording.size:
            return
        span = ByteRange(self._size) if self._size else None
        try:
            async with self._storage.open(key, span) as chunks:
                async for chunk in chunks:
                    self._size += len(chunk)
                    if self._size > self._recording.size:
                        raise ArchiveDamaged(f"{key}: it is longer than recorded in the ledger")
                    self._digest.update(chunk)
                    yield chunk
        except KeyMissing as error:
            raise ArchiveDamaged(f"{key}: the recording no longer exists") from error
