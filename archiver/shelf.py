"""Where proved recordings come to lie: audio first, then the sidecar that names its digest.

Keys are write-once, so a put that meets an object compares before it believes. A crash can leave
audio, or audio and sidecar, that neither ledger nor catalog tells of; the recording is then fetched
again, and what lies there is adopted when it is the same, byte for byte. Other bytes are never
overwritten: that is a finding for a person.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from archiver import sidecar
from archiver.clock import Clock
from archiver.errors import ArchiveDamaged, FetchError, KeyExists, KeyMissing, StorageError
from archiver.fetch import Fetched
from archiver.ledger.events import Revised, Stored
from archiver.liner.models import Call, Recording
from archiver.reasons import Reason
from archiver.sidecar import Audio, Names, Sidecar
from archiver.storage.base import Body, ObjectInfo, Storage
from archiver.storage.keys import audio_key, revision_key, sibling_key, sidecar_key

_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class _Placed:
    """A sidecar as it lies there now, and what had to make room for it, if anything."""

    data: bytes
    revision: int
    version: str | None
    previous_key: str | None = None
    previous_sha256: str | None = None


class _PutAudio(NamedTuple):
    """Audio as it lies there now; `version` only in a versioned bucket."""

    is_new: bool
    version: str | None


@dataclass(frozen=True, slots=True)
class Shelf:
    """The place of recordings and sidecars in one archive; `version` is this archiver's.

    `orphans` are recordings that a run left behind when it died, by id: the key where they lie.
    Those that are placed are taken out of it.
    """

    storage: Storage
    clock: Clock
    version: str
    orphans: dict[int, str] = field(default_factory=dict)

    async def place(
        self, call: Call, recording: Recording, names: Names, fetched: Fetched
    ) -> Stored:
        """Store audio and sidecar, durably, and tell what the ledger needs of them.

        Raises FetchError (`different-bytes`) when the key holds another recording's bytes.
        """
        lead = recording.lead_id if recording.lead_id is not None else call.lead_id
        key = audio_key(lead, call.id, recording.id, fetched.format.extension)
        found_under = call.id
        orphan = self.orphans.get(recording.id)
        if orphan is not None:
            key, found_under = sibling_key(orphan, fetched.format.extension)
        put = await self._put_audio(key, fetched.body)
        audio = Audio(
            key=key,
            size=fetched.body.size,
            sha256=fetched.body.sha256,
            content_type=fetched.format.content_type,
            measured_seconds=fetched.facts.seconds,
            findings=fetched.findings,
        )
        card = sidecar.compose(
            call,
            recording,
            names,
            audio,
            found_under=found_under,
            archived_at=self.clock(),
            version=self.version,
        )
        try:
            placed = await self._put_first_sidecar(sidecar_key(key), card)
        except StorageError:
            if put.is_new:
                await self._take_back(recording.id, key)
            raise
        self.orphans.pop(recording.id, None)
        return Stored(
            record_id=recording.id,
            call_id=found_under,
            key=key,
            bytes=audio.size,
            sha256=audio.sha256,
            content_type=audio.content_type,
            sidecar_bytes=len(placed.data),
            sidecar_sha256=_sha256(placed.data),
            metadata_sha256=sidecar.metadata_digest(recording),
            has_summary=recording.summary is not None,
            revision=placed.revision,
            lead_id=lead,
            user_id=recording.user_id if recording.user_id is not None else call.user_id,
            created_at=recording.created_at or call.created_at,
            duration_seconds=recording.duration_seconds,
            findings=audio.findings,
            version=put.version,
            sidecar_version=placed.version,
            previous_key=placed.previous_key,
            previous_sha256=placed.previous_sha256,
        )

    async def refresh(
        self, key: str, call: Call, recording: Recording, names: Names, known_sha256: str
    ) -> Revised | None:
        """Bring the sidecar beside `key` up to date, keeping the old one; None: nothing is new.

        `known_sha256` is the digest that the ledger last told. A sidecar that bears another one may
        have been replaced by a run that died before it could tell; then it is told now. Raises
        ArchiveDamaged when the sidecar is missing, is none, or was changed by somebody else.
        """
        under = sidecar_key(key)
        try:
            info = await self.storage.stat(under)
            data = await self.storage.read(under, limit=sidecar.MOST_BYTES)
            old = sidecar.decode(data)
        except (KeyMissing, ValueError) as error:
            raise ArchiveDamaged(
                f"{under}: {error}", hint="restore it from a copy of the archive"
            ) from error
        if _sha256(data) != known_sha256 and not await self._succeeds(under, old, known_sha256):
            raise ArchiveDamaged(
                f"{under}: the sidecar is not the one that the ledger tells of",
                hint="restore it from a copy of the archive",
            )
        new = sidecar.revise(
            old, call, recording, names, archived_at=self.clock(), version=self.version
        )
        digest = sidecar.metadata_digest(recording)
        if new is None:
            told = _sha256(data) == known_sha256
            now = {"sidecar_version": info.version}
            return None if told else _revised(recording.id, old, data, digest, **now)
        kept = await self._keep_revision(under, old, data)
        fresh = new.encode()
        put = await self.storage.put(under, _json_body(fresh), replacing=info.tag)
        return _revised(
            recording.id,
            new,
            fresh,
            digest,
            previous_key=kept.key,
            previous_sha256=_sha256(data),
            previous_version=kept.version,
            sidecar_version=put.version,
        )

    async def _succeeds(self, under: str, card: Sidecar, known_sha256: str) -> bool:
        """Whether the sidecar that the ledger knows was kept, in order to put this one there."""
        try:
            kept = revision_key(under, card.revision - 1)
            before = await self.storage.read(kept, limit=sidecar.MOST_BYTES)
        except (KeyMissing, ValueError):
            return False
        return _sha256(before) == known_sha256

    async def _put_audio(self, key: str, body: Body) -> _PutAudio:
        try:
            return _PutAudio(is_new=True, version=(await self.storage.put(key, body)).version)
        except KeyExists:
            if await self._holds(key, body):
                return _PutAudio(is_new=False, version=(await self.storage.stat(key)).version)
        raise FetchError(
            Reason.DIFFERENT_BYTES,
            f"{key} exists with other bytes than the source serves now",
            hint="nothing was overwritten; compare both, and keep the one that is right",
        )

    async def _take_back(self, record_id: int, key: str) -> None:
        """Remove audio that was put a moment ago and whose sidecar has no room.

        Nothing tells of it yet. Where it cannot be removed, it is an orphan.
        """
        try:
            await self.storage.delete(key)
        except StorageError:
            self.orphans[record_id] = key

    async def _holds(self, key: str, body: Body) -> bool:
        """Whether the object is the body, read back and hashed: a digest on record proves less."""
        info = await self.storage.stat(key)
        if info.size != body.size:
            return False
        digest = hashlib.sha256()
        async with self.storage.open(key) as chunks:
            async for chunk in chunks:
                digest.update(chunk)
        return digest.hexdigest() == body.sha256

    async def _put_first_sidecar(self, under: str, card: Sidecar) -> _Placed:
        """Put the sidecar, or adopt the one that a crash left, or revise one that does not fit."""
        data = card.encode()
        try:
            put = await self.storage.put(under, _json_body(data))
        except KeyExists:
            return await self._adopt_or_replace(under, card)
        return _Placed(data, card.revision, put.version)

    async def _adopt_or_replace(self, under: str, card: Sidecar) -> _Placed:
        info = await self.storage.stat(under)
        data = await self.storage.read(under, limit=sidecar.MOST_BYTES)
        try:
            old = sidecar.decode(data)
        except ValueError:
            old = Sidecar({"revision": 0})
        if old.revision and _tells_the_same(old, card):
            return _Placed(data, old.revision, info.version)
        kept = await self._keep_revision(under, old, data)
        new = Sidecar({**card.fields, "revision": old.revision + 1})
        fresh = new.encode()
        put = await self.storage.put(under, _json_body(fresh), replacing=info.tag)
        return _Placed(fresh, new.revision, put.version, kept.key, _sha256(data))

    async def _keep_revision(self, under: str, old: Sidecar, data: bytes) -> ObjectInfo:
        """Keep a superseded sidecar, create-only; a crash may have kept the same one before."""
        kept = revision_key(under, old.revision)
        body = _json_body(data)
        try:
            return await self.storage.put(kept, body)
        except KeyExists:
            if not await self._holds(kept, body):
                raise
        return await self.storage.stat(kept)


def _tells_the_same(old: Sidecar, new: Sidecar) -> bool:
    return old.record == new.record and old.fields["audio"] == new.fields["audio"]


def _revised(record_id: int, card: Sidecar, data: bytes, digest: str, **previous: Any) -> Revised:
    return Revised(
        record_id=record_id,
        revision=card.revision,
        sidecar_bytes=len(data),
        sidecar_sha256=_sha256(data),
        metadata_sha256=digest,
        has_summary=card.has_summary,
        **previous,
    )


def _json_body(data: bytes) -> Body:
    return Body(data, len(data), _sha256(data), _JSON)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
