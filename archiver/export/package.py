"""The steps of an export: select, pack, record in the ledger, give the package its final name.

The export is recorded after the payload is written and before the package gets its name: an
unrecorded disclosure would be worse than the record of one that a crash then prevented. This also
lets the custody record name the ledger segment.
"""

import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from anyio import to_thread

from archiver.archive.archive import Archive
from archiver.archive.opening import announcing_archive
from archiver.archive.pace import REAL_PACE, Pace
from archiver.archive.right_clock import OtherClocks
from archiver.clock import Clock, system_clock
from archiver.config import Config
from archiver.evidence.troubles import Trouble, told_once
from archiver.export.announcing import announce
from archiver.export.bag import Bag
from archiver.export.choosing import Chosen, choose
from archiver.export.copies import Copies
from archiver.export.custody import Custody, Exporter
from archiver.export.encryption import Lock, folder_for_temporary_files
from archiver.export.evidence import ledger_evidence
from archiver.export.masking import Masks
from archiver.export.naming import folder_name
from archiver.export.outcome import ExportReport
from archiver.export.packing import Packer, Scratches
from archiver.export.request import ExportRequest, Fetched, Trace
from archiver.export.sinks import FolderSink, Sink, ZipSink
from archiver.export.tables import Tables
from archiver.export.tag_files import write_tag_files
from archiver.export.target import Target, keep_apart, writing
from archiver.export.voice import Voice
from archiver.export.waveforms import Waveforms
from archiver.run.events import CallsListed, Note, OnEvent
from archiver.statement.pdf import need_pdf
from archiver.tasks.contexts import entered


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
            record, troubles = await work.pack(target, on_event)
        await to_thread.run_sync(target.commit)
    seconds = time.monotonic() - began
    return ExportReport(record, target.path, seconds, tuple(troubles))


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

    async def pack(self, target: Target, on_event: OnEvent) -> tuple[Custody, list[Trouble]]:
        """Write the package and record the export; returns the custody record, and which evidence
        could not be created."""
        async with AsyncExitStack() as stack:
            began = self.clock().astimezone(self.voice.zone)
            scratch, bag = await _open(target, stack, began, self.request.lock)
            packer = await self._packer(target, stack, scratch, bag, on_event)
            manifest = await packer.pack()
            record = await announce(
                self.archive,
                self.config,
                self.request,
                self.chosen,
                packer.contents,
                manifest,
                exporter=self.exporter,
                voice=self.voice,
                copies=self.copies,
                clock=self.clock,
            )
            proof = await ledger_evidence(
                self.archive,
                self.config.evidence,
                record.recorded_in,
                clock=self.clock,
                proxies=self.config.http.proxy,
            )
            troubles = told_once((*record.seal.troubles, *proof.troubles))
            for trouble in troubles:
                on_event(Note(f"warning: {trouble}"))
            await write_tag_files(bag, record, scratch, proof)
        return record, troubles

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
