"""Packs the selected calls of an archive into a bag.

It makes two passes over the selection, a page of calls at a time, so that memory does not grow. The
first reads the sidecars, many in parallel, for the names of files and agents. The second streams
the audio, compares each recording with the ledger meanwhile, and writes the pages about it. Damage
stops neither pass, so all of it is reported; but then no package is created, unless damaged
recordings may be left out.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from anyio import to_thread

from archiver.archive.archive import Archive
from archiver.catalog.selection import ChosenCall, ChosenRecording
from archiver.errors import ArchiveDamaged
from archiver.export import custody
from archiver.export.bag import Bag, Scratch, Written
from archiver.export.copies import Copies, Copy
from archiver.export.entries import (
    CallEntry,
    Contents,
    RecordingEntry,
    call_entry,
    sidecar_facts,
)
from archiver.export.naming import recording_name
from archiver.export.pages import Pages
from archiver.export.reading import Proof, decode_sidecar, read_sidecar
from archiver.export.tables import Tables
from archiver.export.target import Target
from archiver.export.voice import Voice
from archiver.export.waveforms import Waveforms
from archiver.run.events import BytesReceived, CallDone, Note, OnEvent
from archiver.tasks.lanes import in_lanes

_PAGE: Final = 100
_AT_ONCE: Final = 16
_NAMED_DAMAGE: Final = 20


class Packer:
    """Packs the selected calls into a bag, up to the manifest of its payload.

    Redacted copies are made in the first pass, since their sidecars depend on them.

    `rows` and `lines` are the list of recordings for the custody record, for people and as JSON.
    """

    def __init__(
        self,
        archive: Archive,
        bag: Bag,
        *,
        title: str,
        voice: Voice,
        leave_out_damaged: bool,
        scratch: "Scratches",
        waveforms: Waveforms,
        tables: Tables,
        copies: Copies,
        on_event: OnEvent,
    ) -> None:
        self._archive = archive
        self._bag = bag
        self._title = title
        self._voice = voice
        self._zone = voice.zone
        self._leaves_out = leave_out_damaged
        self._scratch = scratch
        self._on_event = on_event
        self._names: dict[int, str] = {}
        self._damage: list[str] = []
        self._drawing = waveforms
        self._tables = tables
        self._copies = copies
        self._pages = Pages(bag, title, voice, waveforms)
        self.contents = Contents()

    async def pack(self) -> Written:
        """Write the whole payload; returns its manifest. Raises ArchiveDamaged, which lists all
        damage, and UsageError for recordings that could not be redacted."""
        async for calls in self._choice():
            await self._pack_sidecars(calls)
        self._copies.check()
        async for calls in self._choice():
            packed = []
            for call in calls:
                packed.append(await self._pack_call(call))
                self._on_event(CallDone("archived"))
            await to_thread.run_sync(self._list, packed)
        if self._damage and not self._leaves_out:
            raise self._damaged()
        await self._pack_pages()
        return await self._bag.seal()

    async def _choice(self) -> AsyncIterator[list[ChosenCall]]:
        after = 0
        while calls := await self._archive.catalog.selection.page(after, _PAGE):
            yield calls
            after = calls[-1].place

    async def _pack_sidecars(self, calls: Sequence[ChosenCall]) -> None:
        new: dict[int, tuple[ChosenCall, ChosenRecording]] = {}
        for call in calls:
            for one in call.recordings:
                self._copies.meet(one.record_id)
                if one.state == "archived" and one.facts is None:
                    new.setdefault(one.record_id, (call, one))
        read = await self._read_all([one for _, one in new.values()])
        facts = []
        for (call, one), data in zip(new.values(), read, strict=True):
            facts.append((one.record_id, await self._pack_sidecar(call, one, data)))
        await self._archive.catalog.selection.keep_read(facts)

    async def _read_all(self, recordings: Sequence[ChosenRecording]) -> list[bytes | str]:
        """The sidecars, in order; a sentence in place of a damaged one."""
        found: list[bytes | str] = [""] * len(recordings)

        async def read(turn: tuple[int, ChosenRecording]) -> None:
            place, one = turn
            try:
                found[place] = await read_sidecar(self._archive.storage, one)
            except ArchiveDamaged as error:
                found[place] = str(error)

        await in_lanes(_AT_ONCE, enumerate(recordings), read)
        return found

    async def _pack_sidecar(
        self, call: ChosenCall, one: ChosenRecording, data: bytes | str
    ) -> dict[str, Any]:
        if isinstance(data, str):
            return self._note_damage(data)
        try:
            card = decode_sidecar(one, data)
            facts = self._copies.masks.facts(sidecar_facts(card))
        except ArchiveDamaged as error:
            return self._note_damage(str(error))
        if self._leaves_out and (wrong := await Proof(self._archive.storage, one).check()):
            return self._note_damage(wrong)
        if one.user_id is not None and facts["agent"]:
            self._names.setdefault(one.user_id, facts["agent"])
        plan = self._copies.plan(one.record_id)
        if plan is not None:
            proof = Proof(self._archive.storage, one)
            async with self._copies.copy(proof, one, card, plan) as copy:
                if copy is None:
                    return self._note_damage(proof.damage) if proof.damage else facts
                told = await self._pack_copy(call, one, facts, copy)
                data = self._copies.sidecar(one, card, copy, told["file"])
                self._copies.remember(call.call_id, one, copy, told["file"])
        else:
            told = self._paths(call, one, facts, one.key.rpartition(".")[2])
            if self._copies.masks:
                data = self._copies.sidecar(one, card, None, told["file"])
        digest = await self._bag.add(
            told["sidecar"], _once(data), len(data), self._local(one.created_at)
        )
        self._on_event(BytesReceived(len(data)))
        return {**facts, **told, "under": call.call_id, "sidecarSha256": digest.sha256}

    def _paths(
        self, call: ChosenCall, one: ChosenRecording, facts: dict[str, Any], extension: str,
        mark: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        name = recording_name(
            one.record_id,
            at=call.created_at or one.created_at,
            zone=self._zone,
            direction=facts["direction"],
            who=self._copies.masks.who(facts, one.user_id),
            mark=mark,
        )
        return {"file": f"audio/{name}.{extension}", "sidecar": f"sidecars/{name}.json"}

    async def _pack_copy(
        self, call: ChosenCall, one: ChosenRecording, facts: dict[str, Any], copy: Copy
    ) -> dict[str, Any]:
        told = self._paths(call, one, facts, copy.extension, "redacted")
        chunks = self._drawing.seen(copy.chunks(), copy.stands_for(one))
        await self._bag.add(told["file"], chunks, copy.size, self._local(one.created_at))
        self._on_event(BytesReceived(one.size))
        stands = {"sha256": copy.sha256, "size": copy.size, "contentType": copy.content_type}
        return {**told, "copy": stands, "seconds": round(copy.made.seconds, 3)}

    async def _pack_call(self, call: ChosenCall) -> "_Packed":
        entry = call_entry(call, self._names, self._voice, self._copies.masks)
        packed = []
        for one, told in zip(call.recordings, entry.recordings, strict=True):
            if told.file is not None and _is_packed_here(call, one):
                if told.original_sha256 is None:
                    await self._pack_audio(one, told.file)
                packed.append(told)
        self.contents.count(entry, packed, self._voice)
        await self._pages.add(entry)
        digests = {
            one.record_id: one.facts["sidecarSha256"]
            for one in call.recordings
            if one.facts and "sidecarSha256" in one.facts
        }
        return _Packed(entry, packed, [digests[told.record_id] for told in packed])

    def _list(self, calls: Sequence["_Packed"]) -> None:
        """Add packed calls to the tables and the custody record. Blocks."""
        for call in calls:
            self._tables.add(call.entry, call.recordings)
            for told, sidecar in zip(call.recordings, call.sidecars, strict=True):
                self._scratch.add_recording(call.entry, told, sidecar, self._voice)

    async def _pack_audio(self, one: ChosenRecording, path: str) -> None:
        proof = Proof(self._archive.storage, one)
        if self._damage and not self._leaves_out:
            wrong = await proof.check()  # there will be no package: only damage is looked for
        else:
            moment = self._local(one.created_at)
            try:
                chunks = self._drawing.seen(self._counted(proof), one)
                await self._bag.add(path, chunks, one.size, moment)
                wrong = proof.damage
            except ArchiveDamaged as error:
                wrong = str(error)
        if not wrong:
            return
        self._note_damage(wrong)
        if self._leaves_out:
            raise ArchiveDamaged(
                f"{wrong} any more", hint="another process is changing the archive"
            )

    async def _counted(self, proof: Proof) -> AsyncGenerator[bytes, None]:
        async for chunk in proof.chunks():
            self._on_event(BytesReceived(len(chunk)))
            yield chunk

    def _note_damage(self, what: str) -> dict[str, Any]:
        self._damage.append(what)
        self._on_event(Note(f"damaged: {what}"))
        return {"damaged": what}

    def _damaged(self) -> ArchiveDamaged:
        named = "; ".join(self._damage[:_NAMED_DAMAGE])
        rest = len(self._damage) - _NAMED_DAMAGE
        more = f"; and {rest:,} more, named above" if rest > 0 else ""
        return ArchiveDamaged(
            f"nothing was exported because the archive is damaged: {named}{more}",
            hint="run `archiver verify --repair` to fetch again what the source still has, "
            "restore it from a copy of the archive, or export the rest with "
            "--leave-out-damaged",
        )

    async def _pack_pages(self) -> None:
        moment = self._local(self.contents.last)
        await self._tables.pack(self._bag, moment)
        await self._pages.finish(self.contents)

    def _local(self, at: datetime | None) -> datetime | None:
        return None if at is None else at.astimezone(self._zone)


@dataclass(frozen=True, slots=True)
class _Packed:
    """A call, its packed recordings, and the SHA-256 of the sidecar of each."""

    entry: CallEntry
    recordings: Sequence[RecordingEntry]
    sidecars: Sequence[str]


class Scratches:
    """The texts that grow while calls are packed. Use it as a context manager; it blocks."""

    def __init__(self, target: Target) -> None:
        self.rows = Scratch(target)
        self.lines = Scratch(target)

    def __enter__(self) -> "Scratches":
        return self

    def __exit__(self, *failure: object) -> None:
        for one in (self.rows, self.lines):
            one.close()

    def add_recording(
        self, call: CallEntry, one: RecordingEntry, sidecar_sha256: str, voice: Voice
    ) -> None:
        """Add a recording to the custody record."""
        self.rows.append(custody.page_row(call, one, voice))
        comma = ",\n" if self.lines.size else ""
        self.lines.append(comma + custody.json_line(call, one, sidecar_sha256))


def _is_packed_here(call: ChosenCall, one: ChosenRecording) -> bool:
    """Whether the recording is packed under this call: it may be listed under two."""
    return (one.facts or {}).get("under") == call.call_id


async def _once(data: bytes) -> AsyncGenerator[bytes, None]:
    yield data
