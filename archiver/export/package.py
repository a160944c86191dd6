"""The steps of an export: select, pack, record in the ledger, give the package its final name.

The export is recorded after the payload is written and before the package gets its name: an
unrecorded disclosure would be worse than the record of one that a crash then prevented. This also
lets the custody record name the ledger segment.
"""

import hashlib
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from anyio import to_thread

from archiver import __version__
from archiver.archive.archive import Archive
from archiver.archive.opening import announcing_archive
from archiver.archive.pace import REAL_PACE, Pace
from archiver.archive.right_clock import OtherClocks
from archiver.clock import Clock, stamp, system_clock
from archiver.config import Config
from archiver.evidence.exports import Packed, seal
from archiver.export import custody
from archiver.export.bag import Bag, Written
from archiver.export.certificate import CERTIFICATE, certificate
from archiver.export.certificate_pdf import CERTIFICATE_PDF, certificate_pdf
from archiver.export.choosing import Chosen, choose
from archiver.export.copies import REDACTIONS, Copies, redactions_json
from archiver.export.custody import Custody, Exporter
from archiver.export.encryption import Lock, folder_for_temporary_files
from archiver.export.entries import Contents
from archiver.export.masking import Masks
from archiver.export.naming import folder_name
from archiver.export.outcome import ExportReport
from archiver.export.packing import Packer, Scratches
from archiver.export.request import ExportRequest, Fetched, Trace
from archiver.export.sinks import FolderSink, Sink, ZipSink
from archiver.export.tables import Tables
from archiver.export.target import Target, keep_apart, writing
from archiver.export.voice import Voice
from archiver.export.vouching import Vouched, vouched
from archiver.export.waveforms import Waveforms
from archiver.ledger.events import Exported
from archiver.retention.acts import name_of_act
from archiver.run.events import CallsListed, Note, OnEvent
from archiver.statement.pdf import need_pdf
from archiver.tasks.threads import entered
from archiver.text.measures import say_size

_IDS_AN_EVENT: Final = 500
"""Recordings per line of the ledger."""


async def export(
    config: Config,
    request: ExportRequest,
    fetched: Fetched,
    traced: Trace,
    *,
    exporter: Exporter,
    on_event: OnEvent,
    state_folder: Path,
    clock: Clock = system_clock,
    pace: Pace = REAL_PACE,
) -> ExportReport:
    """Pack the selected calls from the archive, after `fetched` added what was missing.

    `traced` says where the requested numbers were found. A run may lock the archive meanwhile.
    Raises UsageError for an invalid target and for impossible redactions, NothingToExport,
    ArchiveDamaged, StorageFull and other errors of either storage; nothing exists under the
    target's name then.
    """
    began = time.monotonic()
    voice = Voice(request.language, config.window.timezone)
    masks = Masks(request.masked, voice.say("masked"))
    spool = await to_thread.run_sync(
        folder_for_temporary_files, request.lock, config.download.spool
    )
    copies = Copies(request.redactions, masks, spool)
    if request.certificate_pdf:
        need_pdf()
    async with entered(partial(_target, config, request)) as target:
        others = OtherClocks(today=request.today)
        async with announcing_archive(
            config, state_folder=state_folder, clock=clock, others=others, pace=pace
        ) as archive:
            chosen = await choose(
                config, request, fetched, traced, archive, on_event=on_event, clock=clock
            )
            request, chosen = _shown(request, chosen, masks)
            on_event(Note(f"packing {request.target}"))
            on_event(CallsListed(chosen.sums.calls))
            work = _Export(archive, config, request, chosen, exporter, voice, copies, spool, clock)
            record = await work.pack(target, on_event)
        await to_thread.run_sync(target.commit)
    return ExportReport(record, target.path, time.monotonic() - began)


@dataclass(frozen=True, slots=True)
class _Export:
    """An export whose calls are selected. `spool` is for temporary files."""

    archive: Archive
    config: Config
    request: ExportRequest
    chosen: Chosen
    exporter: Exporter
    voice: Voice
    copies: Copies
    spool: Path
    clock: Clock

    async def pack(self, target: Target, on_event: OnEvent) -> Custody:
        """Write the package and record the export; returns the custody record."""
        async with AsyncExitStack() as stack:
            began = self.clock().astimezone(self.voice.zone)
            scratch, bag = await _open(target, stack, began, self.request.lock)
            packer = await self._packer(target, stack, scratch, bag, on_event)
            manifest = await packer.pack()
            record = await self._tell(packer.contents, manifest)
            proof = await vouched(
                self.archive,
                self.config.evidence,
                record.recorded_in,
                clock=self.clock,
                proxies=self.config.http.proxy,
            )
            for trouble in (*proof.troubles, *record.seal.troubles):
                on_event(Note(f"warning: {trouble}"))
            await _write_custody(bag, record, scratch, proof)
            if self.request.certificate_pdf:
                made = await to_thread.run_sync(certificate_pdf, record, proof)
                await bag.tag_bytes(CERTIFICATE_PDF, made)
            await bag.finish(list(_bag_info(record)))
        return record

    async def _packer(
        self,
        target: Target,
        stack: AsyncExitStack,
        scratch: Scratches,
        bag: Bag,
        on_event: OnEvent,
    ) -> Packer:
        request, voice = self.request, self.voice
        tables = partial(Tables, target, voice, self.spool, request.load_file)
        return Packer(
            self.archive,
            bag,
            title=request.selection.title(voice),
            voice=voice,
            leave_out_damaged=request.leave_out_damaged,
            scratch=scratch,
            waveforms=await stack.enter_async_context(
                Waveforms(is_wanted=request.waveforms, folder=self.spool)
            ),
            tables=await stack.enter_async_context(entered(tables)),
            copies=self.copies,
            on_event=on_event,
        )

    async def _tell(self, done: Contents, manifest: Written) -> Custody:
        """Record the export in the ledger; returns the custody record."""
        at, request = self.clock(), self.request
        export_id = name_of_act(at)
        redactions = None
        if request.redactions is not None:
            who = {"redactedBy": self.exporter.as_json(request.by), "redactedAt": stamp(at)}
            redactions = redactions_json(self.copies, exportId=export_id, **who)
        event = Exported(
            manifest_sha256=manifest.sha256,
            calls=done.calls,
            recordings=done.recordings,
            bytes=done.bytes,
            missing=len(done.missing),
            lead_ids=request.selection.leads,
            order_ids=request.selection.orders,
            call_ids=request.selection.calls,
            phones=len(request.selection.phones),
            redacted=len(self.copies.made) if redactions else None,
            redactions_sha256=_digest(redactions) if redactions else None,
        )
        lines = list(_lines(event, done.record_ids))
        head = await self.archive.announce(lines, at=at, run=export_id)
        packed = Packed(self.archive.archive_id, export_id, manifest.sha256, head)
        return Custody(
            export_id=export_id,
            at=at,
            exporter=self.exporter,
            request=request,
            chosen=self.chosen,
            contents=done,
            archive_id=self.archive.archive_id,
            manifest_sha256=manifest.sha256,
            recorded_in=head,
            voice=self.voice,
            copies=self.copies,
            redactions=redactions,
            seal=await seal(
                packed,
                self.archive.storage,
                self.config.evidence,
                clock=self.clock,
                proxies=self.config.http.proxy,
            ),
        )


def _target(config: Config, request: ExportRequest) -> Target:
    keep_apart(request.target, config.storage)
    spool = folder_for_temporary_files(request.lock, config.download.spool)
    scratch = None if request.lock is None else spool
    return Target(request.target, force=request.force, scratch=scratch)


async def _open(
    target: Target, stack: AsyncExitStack, moment: datetime, lock: Lock | None
) -> tuple[Scratches, Bag]:
    def sink() -> Sink:
        if target.is_file:
            return ZipSink(target.part, folder_name(target.bare_name), lock)
        return FolderSink(target.part)

    with writing(target.path):
        scratch = await stack.enter_async_context(entered(partial(Scratches, target)))
        bag = await stack.enter_async_context(entered(lambda: Bag(sink(), target, moment)))
    return scratch, bag


def _shown(request: ExportRequest, chosen: Chosen, masks: Masks) -> tuple[ExportRequest, Chosen]:
    """Request and selection, masked for use in the package."""
    selection = request.selection
    phones = masks.phones(selection.phones)
    masked = dict.fromkeys(set(selection.phones) - set(phones), masks.word)
    return (
        replace(request, selection=replace(selection, phones=phones)),
        replace(chosen, not_found=tuple(masked.get(one, one) for one in chosen.not_found)),
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _lines(event: Exported, record_ids: list[int]) -> Iterator[Exported]:
    """The event, split into as many lines as its recordings need."""
    for first in range(0, max(len(record_ids), 1), _IDS_AN_EVENT):
        yield replace(event, record_ids=tuple(record_ids[first : first + _IDS_AN_EVENT]))


async def _write_custody(bag: Bag, record: Custody, scratch: Scratches, proof: Vouched) -> None:
    if record.redactions is not None:
        await bag.tag(REDACTIONS, record.redactions)
    await bag.tag("custody.json", custody.json_start(record), scratch.lines, custody.JSON_END)
    start, end = custody.page_parts(record)
    await bag.tag("custody.html", start, scratch.rows, end)
    await bag.tag(CERTIFICATE, certificate(record, proof))
    for path, data in sorted({**proof.files, **record.seal.files}.items()):
        await bag.tag_bytes(path, data)


def _bag_info(record: Custody) -> Iterator[tuple[str, str]]:
    voice, packed = record.voice, record.contents
    say = voice.say
    calls = say("count.calls", count=packed.calls)
    recordings = say("count.recordings", count=packed.recordings)
    period = voice.period(packed.first, packed.last)
    yield "Bagging-Date", f"{record.at.astimezone(voice.zone):%Y-%m-%d}"
    yield "Bag-Software-Agent", f"archiver {__version__}"
    yield "Bag-Size", say_size(packed.bytes)
    yield "External-Identifier", record.export_id
    yield "External-Description", f"{calls}, {recordings}, {period}"
    yield "Internal-Sender-Identifier", f"archive {record.archive_id}"
