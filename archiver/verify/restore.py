"""Restoring damaged objects from what the source still has.

Audio is restored only with exactly the recorded bytes: it is fetched again and hashed before
anything is changed. A sidecar cannot be restored as it was, since it has what was known at one
moment; it becomes a new revision, from what the API returns now and from the archived audio, which
is verified first.

The order, so that a kill at any point causes no new damage: the new bytes are available and
verified; the damaged object is copied aside, durably; the event is recorded; then the object is
replaced in one step. An object that was not replaced is found and repaired by the next repair.
"""

from dataclasses import dataclass

from msgspec.structs import replace

from archiver import __version__
from archiver.archive.archive import Archive
from archiver.clock import Clock
from archiver.errors import FetchError, KeyExists, KeyMissing, RequestError, StorageRefused
from archiver.ledger.events import Event, Repaired, Revised
from archiver.liner.client import LinerClient
from archiver.liner.models import Recording
from archiver.liner.names import Directory
from archiver.reasons import Reason
from archiver.recordings import sidecar
from archiver.recordings.audio import findings_of, identify
from archiver.recordings.fetch import Fetched, Fetcher
from archiver.recordings.names import names_of
from archiver.recordings.sidecar import Audio, Sidecar
from archiver.recordings.spool import Part, Spool
from archiver.storage.base import Body, Storage
from archiver.storage.keys import damaged_key
from archiver.verify.inventory import Expected


@dataclass(frozen=True, slots=True)
class _Aside:
    """Where the damaged bytes are kept, and the tag of the damaged object."""

    tag: str
    key: str
    sha256: str
    version: str | None


@dataclass(frozen=True, slots=True)
class Mender:
    """Repairs recordings of a locked archive. `act` is the id of this repair in the ledger."""

    archive: Archive
    liner: LinerClient
    fetcher: Fetcher
    directory: Directory
    spool: Spool
    clock: Clock
    act: str

    async def mend(self, expected: Expected) -> None:
        """Restore the audio or sidecar.

        Raises FetchError (`different-bytes` if the source serves different audio now), RequestError
        or StorageError; nothing was replaced then.
        """
        if expected.audio_key is None:
            await self._mend_audio(expected)
        else:
            await self._mend_sidecar(expected)
        await self.archive.publish()

    async def _mend_audio(self, expected: Expected) -> None:
        async with self.spool.part() as part:
            fetched = await self._fetch(expected, part)
            if fetched.body.sha256 != expected.sha256:
                raise FetchError(
                    Reason.DIFFERENT_BYTES,
                    "the source now returns different bytes from those archived",
                    hint="restore the object from a copy of the archive",
                )
            await self._replace(expected, fetched.body, ())

    async def _fetch(self, expected: Expected, part: Part) -> Fetched:
        try:
            return await self.fetcher.fetch(await self._recording(expected), part)
        except FetchError as error:
            if not error.reason.may_be_expired:
                raise
        return await self.fetcher.fetch(await self._recording(expected), part)

    async def _mend_sidecar(self, expected: Expected) -> None:
        recording = await self._recording(expected)
        try:
            call = await self.liner.call(expected.call_id or 0)
        except RequestError as error:
            raise FetchError(Reason.LIST_FAILED, str(error)) from error
        names = await names_of(call, recording, self.directory)
        audio = await self._audio(expected, recording)
        card = sidecar.compose(
            call,
            recording,
            names,
            audio,
            found_under=call.id,
            archived_at=self.clock(),
            version=__version__,
        )
        revision = (expected.revision or 0) + 1
        data = Sidecar({**card.fields, "revision": revision}).encode()
        body = Body.of(data, "application/json")
        revised = Revised(
            record_id=recording.id,
            revision=revision,
            sidecar_bytes=body.size,
            sidecar_sha256=body.sha256,
            metadata_sha256=sidecar.metadata_digest(recording),
            has_summary=card.has_summary,
        )
        await self._replace(expected, body, (revised,))

    async def _recording(self, expected: Expected) -> Recording:
        try:
            return await self.liner.recording(expected.record_id or 0)
        except RequestError as error:
            raise FetchError(Reason.NO_LONGER_LISTED, str(error)) from error

    async def _audio(self, expected: Expected, recording: Recording) -> Audio:
        """The `audio` member of a new sidecar, from the bytes in the archive."""
        key = expected.audio_key or ""
        async with self.spool.part() as part:
            body = await _read(self.archive.storage, key, part)
            kind = identify(part.head, None, key)
            body, facts = await part.finish(kind.content_type)
        if body.sha256 != expected.audio_sha256:
            raise FetchError(Reason.DIFFERENT_BYTES, "its audio is damaged, too; repair that first")
        odd = tuple(findings_of(kind, facts, recording.duration_seconds))
        return Audio(key, body.size, body.sha256, kind.content_type, facts.seconds, odd)

    async def _replace(self, expected: Expected, body: Body, events: tuple[Revised, ...]) -> None:
        storage, aside = self.archive.storage, await self._set_aside(expected.key)
        told = Repaired(
            record_id=expected.record_id or 0,
            key=expected.key,
            damaged_key=aside.key if aside else None,
            damaged_sha256=aside.sha256 if aside else None,
            damaged_version=aside.version if aside else None,
        )
        await self._tell(told)
        await self.archive.publish()
        put = await storage.put(expected.key, body, replacing=aside.tag if aside else None)
        if events:
            await self._tell(*(replace(one, sidecar_version=put.version) for one in events))
        elif put.version is not None:
            again = Repaired(record_id=told.record_id, key=told.key, version=put.version)
            await self._tell(again)

    async def _tell(self, *events: Event) -> None:
        await self.archive.catalog.record(events, at=self.clock(), run=self.act)

    async def _set_aside(self, key: str) -> _Aside | None:
        """Keep a copy of the present object, create-only; None if there is none."""
        storage = self.archive.storage
        try:
            info = await storage.stat(key)
        except KeyMissing:
            return None
        async with self.spool.part() as part:
            body = await _read(storage, key, part)
            kept, digest = damaged_key(key, body.sha256), body.sha256
            try:
                version = (await storage.put(kept, body)).version
            except KeyExists:
                (held,) = await storage.readings([kept])
                if getattr(held, "sha256", None) != digest:
                    raise StorageRefused(
                        f"{kept} already exists with other content",
                        key=kept,
                        hint="examine it, and move it",
                    ) from None
                version = (await storage.stat(kept)).version
        return _Aside(info.tag, kept, digest, version)


async def _read(storage: Storage, key: str, part: Part) -> Body:
    """The object as a body; the bytes are in the part."""
    async with storage.open(key) as chunks:
        async for chunk in chunks:
            await part.add(chunk)
    body, _ = await part.finish("application/octet-stream")
    return body
