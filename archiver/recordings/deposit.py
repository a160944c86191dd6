"""Storing verified recordings: audio first, then the sidecar with its digest.

Keys are write-once, so a put that finds an object compares its content. A crash can leave audio, or
audio and sidecar, that neither ledger nor catalog know; the recording is then fetched again, and
the existing objects are adopted if they are identical, byte for byte. Different bytes are never
overwritten: that needs a person's decision.
"""

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from archiver.clock import Clock
from archiver.errors import ArchiveDamaged, FetchError, KeyExists, KeyMissing, StorageError
from archiver.ledger.events import Revised, Stored
from archiver.liner.models import Call, Recording
from archiver.reasons import Reason
from archiver.recordings import sidecar
from archiver.recordings.audio import findings_again, identify
from archiver.recordings.revisions import (
    Link,
    line_back,
    line_since,
    new_findings,
    read_link,
    succession,
)
from archiver.recordings.sidecar import Attribution, Audio, Names, Sidecar, attribution
from archiver.recordings.spool import Spool
from archiver.storage.base import Body, ObjectInfo, Storage
from archiver.storage.keys import audio_key, revision_key, sibling_key, sidecar_key

if TYPE_CHECKING:
    from archiver.recordings.fetch import Fetched

_JSON = "application/json"
_RESTORE = "restore it from a copy of the archive"


class _Placed(Struct, frozen=True):
    """The current sidecar, and the earlier ones kept, newest first."""

    data: bytes
    revision: int
    version: str | None
    before: tuple[Link, ...] = ()

    @property
    def previous(self) -> Link | None:
        return self.before[0] if self.before else None

    def earlier(self, record_id: int) -> list[Revised]:
        pairs = itertools.pairwise(self.before)
        return [succession(record_id, older, newer) for newer, older in pairs]


class Shelf(Struct, frozen=True):
    """Stores recordings and sidecars of one archive; `version` is that of this archiver.

    `orphans` are unrecorded recordings of a killed run, by id: the key of each. Recordings that are
    stored are removed from it.
    """

    storage: Storage
    clock: Clock
    version: str
    orphans: dict[int, str] = field(default_factory=dict)

    async def place(
        self, call: Call, recording: Recording, names: Names, fetched: "Fetched"
    ) -> tuple[Stored | Revised, ...]:
        """Store audio and sidecar durably, and return the events for the ledger.

        These are one event for the recording, and one for each revision that killed runs left
        unrecorded. Raises FetchError (`different-bytes`) if a key has bytes other than this
        recording's.
        """
        key, found_under = self._key_of(call, recording, fetched.format.extension)
        audio = _audio(key, fetched)
        card = sidecar.compose(
            call,
            recording,
            names,
            audio,
            found_under=found_under,
            archived_at=self.clock(),
            version=self.version,
        )
        data, under = card.encode(), sidecar_key(key)
        put = await self.storage.put_in_order([(key, fetched.body), (under, _json_body(data))])
        try:
            audio_version = await self._audio_put(key, fetched.body, put[0])
        except StorageError:
            await self._note_left(recording.id, key)
            raise
        try:
            placed = await self._sidecar_put(under, card, data, put[1:])
        except (StorageError, FetchError):
            # The audio stays: a worker that was given the same recording may have adopted it.
            self.orphans.setdefault(recording.id, key)
            raise
        self.orphans.pop(recording.id, None)
        who = attribution(call, recording)
        stored = _stored(recording, found_under, who, audio, audio_version, placed)
        return (stored, *placed.earlier(recording.id))

    def _key_of(self, call: Call, recording: Recording, extension: str) -> tuple[str, int]:
        """The key of the audio, and the call in that key; existing audio stays where it is."""
        orphan = self.orphans.get(recording.id)
        if orphan is not None:
            return sibling_key(orphan, extension)
        lead = attribution(call, recording).lead_id
        return audio_key(lead, call.id, recording.id, extension), call.id

    async def refresh(
        self, key: str, call: Call, recording: Recording, names: Names, known_sha256: str
    ) -> tuple[Revised, ...]:
        """Update the sidecar next to `key`, and keep the old one.

        Returns the events for the ledger, oldest first; none if nothing is new. `known_sha256` is
        the digest last recorded in the ledger. A sidecar with a different digest may be from runs
        that were killed before they could record it; it is recorded now. Raises ArchiveDamaged if
        the sidecar is missing, is not a sidecar, or was changed by someone else.
        """
        line = await self._line_since(sidecar_key(key), known_sha256)
        new = sidecar.revise(
            line[-1].card, call, recording, names, archived_at=self.clock(), version=self.version
        )
        return await self._succeed(recording.id, line, new, sidecar.metadata_digest(recording))

    async def note_sound(
        self,
        record_id: int,
        key: str,
        findings: Sequence[str],
        sound: Mapping[str, Any] | None,
        known: tuple[str, str],
    ) -> tuple[Revised, ...]:
        """Add the findings of the sound check to the sidecar next to `key`, and keep the old one.

        `known` are the digests of the sidecar and of the metadata last recorded in the ledger.
        Returns and raises the same as `refresh`.
        """
        known_sha256, metadata_sha256 = known
        line = await self._line_since(sidecar_key(key), known_sha256)
        new = sidecar.with_sound(
            line[-1].card, findings, sound, archived_at=self.clock(), version=self.version
        )
        return await self._succeed(record_id, line, new, metadata_sha256)

    async def remeasure(
        self, key: str, record_id: int, known_sha256: str, spool: Spool
    ) -> tuple[Revised, ...]:
        """Read the audio under `key` back, and correct the duration in its sidecar.

        Earlier versions measured some formats incorrectly. Returns the events for the ledger, as
        `refresh` does, and none if the sidecar is correct. Raises ArchiveDamaged if sidecar or
        audio is missing or differs from what was stored, and FetchError (`not-audio`) if it is not
        audio.
        """
        line = await self._line_since(sidecar_key(key), known_sha256)
        tip = line[-1]
        old = tip.card.fields["audio"]
        async with spool.part() as part:
            try:
                async with self.storage.open(key) as chunks:
                    async for chunk in chunks:
                        await part.add(chunk)
            except KeyMissing as error:
                raise ArchiveDamaged(f"{key}: {error}", hint=_RESTORE) from error
            body, facts = await part.finish(str(old.get("contentType")))
            known = identify(part.head, None, key)
        if body.sha256 != tip.card.audio_sha256:
            raise ArchiveDamaged(f"{key}: the audio differs from what was stored", hint=_RESTORE)
        announced = tip.card.fields.get("durationSeconds")
        findings = tuple(findings_again(known, facts, announced, tip.card.findings))
        new = sidecar.remeasured(
            tip.card, facts.seconds, findings, archived_at=self.clock(), version=self.version
        )
        return await self._succeed(record_id, line, new, tip.card.metadata_digest)

    async def _succeed(
        self, record_id: int, line: Sequence[Link], new: Sidecar | None, metadata_sha256: str
    ) -> tuple[Revised, ...]:
        """Replace the newest revision with `new`, if any; returns the events for the ledger."""
        tip = line[-1]
        untold = [succession(record_id, *pair) for pair in itertools.pairwise(line)]
        if new is not None:
            return (*untold, await self._replace(record_id, tip, new, metadata_sha256))
        if untold:
            untold[-1] = replace(
                untold[-1], metadata_sha256=metadata_sha256, sidecar_version=tip.info.version
            )
        return tuple(untold)

    async def _replace(self, record_id: int, tip: Link, new: Sidecar, digest: str) -> Revised:
        """Replace the newest revision with the next one, and keep it.

        If a failed put did take effect, the next run finds and records it.
        """
        fresh = new.encode()
        try:
            kept = await self._keep_revision(tip)
            put = await self.storage.put(tip.info.key, _json_body(fresh), replacing=tip.info.tag)
        except StorageError:
            self.orphans.setdefault(record_id, tip.info.key)
            raise
        return Revised(
            record_id=record_id,
            revision=new.revision,
            sidecar_bytes=len(fresh),
            sidecar_sha256=_sha256(fresh),
            metadata_sha256=digest,
            has_summary=new.has_summary,
            previous_key=kept.key,
            previous_sha256=tip.sha256,
            previous_version=kept.version,
            sidecar_version=put.version,
            findings=new_findings(tip.card, new),
        )

    async def _line_since(self, under: str, known_sha256: str) -> list[Link]:
        try:
            line = await line_since(self.storage, under, known_sha256)
        except (KeyMissing, ValueError) as error:
            raise ArchiveDamaged(f"{under}: {error}", hint=_RESTORE) from error
        if line is None:
            raise ArchiveDamaged(
                f"{under}: the sidecar does not match the ledger",
                hint=_RESTORE,
            )
        return line

    async def _audio_put(
        self, key: str, body: Body, ended: ObjectInfo | StorageError
    ) -> str | None:
        """The version, in a versioned bucket, of the audio that was put, or of existing audio,
        which is adopted."""
        if isinstance(ended, ObjectInfo):
            return ended.version
        if not isinstance(ended, KeyExists):
            raise ended
        if await self._holds(key, body):
            return (await self.storage.stat(key)).version
        raise FetchError(
            Reason.DIFFERENT_BYTES,
            f"{key} exists, but the source now returns different bytes",
            hint="nothing was overwritten; compare both, and keep the right one",
        )

    async def _note_left(self, record_id: int, key: str) -> None:
        """A failed put may have taken effect: then the object is an orphan, which the next run
        verifies."""
        try:
            await self.storage.stat(key)
        except KeyMissing:
            return
        except StorageError:
            pass  # nobody knows
        self.orphans.setdefault(record_id, key)

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

    async def _sidecar_put(
        self, under: str, card: Sidecar, data: bytes, ended: Sequence[ObjectInfo | StorageError]
    ) -> _Placed:
        """The sidecar that was put; or adopt the one left by a crash, or revise one that does not
        match. `ended` is empty if none was put, since the audio was already there."""
        (put,) = ended or await self.storage.put_in_order([(under, _json_body(data))])
        if isinstance(put, KeyExists):
            return await self._adopt_or_replace(under, card)
        if isinstance(put, StorageError):
            raise put
        return _Placed(data, card.revision, put.version)

    async def _adopt_or_replace(self, under: str, card: Sidecar) -> _Placed:
        old = await self._read_left(under)
        before = [link async for link in line_back(self.storage, under, old.card.revision)]
        if _tells_the_same(old.card, card):
            return _Placed(old.data, old.card.revision, old.info.version, tuple(before))
        kept = Link(await self._keep_revision(old), old.data, old.card)
        new = Sidecar({**card.fields, "revision": old.card.revision + 1})
        fresh = new.encode()
        put = await self.storage.put(under, _json_body(fresh), replacing=old.info.tag)
        return _Placed(fresh, new.revision, put.version, (kept, *before))

    async def _read_left(self, under: str) -> Link:
        try:
            return await read_link(self.storage, under)
        except ValueError as error:
            raise FetchError(
                Reason.DIFFERENT_BYTES,
                f"{under} exists, but is not a sidecar",
                hint="nothing was overwritten; examine the file and move it out of the archive",
            ) from error

    async def _keep_revision(self, old: Link) -> ObjectInfo:
        """Keep a superseded sidecar, create-only; a crash may have kept the same one before."""
        kept = revision_key(old.info.key, old.card.revision)
        body = _json_body(old.data)
        try:
            return await self.storage.put(kept, body)
        except KeyExists:
            if not await self._holds(kept, body):
                raise
        return await self.storage.stat(kept)


def _audio(key: str, fetched: "Fetched") -> Audio:
    return Audio(
        key=key,
        size=fetched.body.size,
        sha256=fetched.body.sha256,
        content_type=fetched.format.content_type,
        measured_seconds=fetched.facts.seconds,
        findings=fetched.findings,
    )


def _stored(
    recording: Recording,
    call_id: int,
    who: Attribution,
    audio: Audio,
    audio_version: str | None,
    placed: _Placed,
) -> Stored:
    """The event that audio and sidecar are in the archive."""
    previous = placed.previous
    return Stored(
        record_id=recording.id,
        call_id=call_id,
        key=audio.key,
        bytes=audio.size,
        sha256=audio.sha256,
        content_type=audio.content_type,
        sidecar_bytes=len(placed.data),
        sidecar_sha256=_sha256(placed.data),
        metadata_sha256=sidecar.metadata_digest(recording),
        has_summary=recording.summary is not None,
        revision=placed.revision,
        lead_id=who.lead_id,
        user_id=who.user_id,
        created_at=who.created_at,
        duration_seconds=recording.duration_seconds,
        findings=audio.findings,
        version=audio_version,
        sidecar_version=placed.version,
        previous_key=previous.info.key if previous else None,
        previous_sha256=previous.sha256 if previous else None,
    )


def _tells_the_same(old: Sidecar, new: Sidecar) -> bool:
    return old.record == new.record and old.fields["audio"] == new.fields["audio"]


def _json_body(data: bytes) -> Body:
    return Body.of(data, _JSON)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
