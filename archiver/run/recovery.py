"""What a run that died left behind: recordings that neither ledger nor catalog tells of.

They are looked for only after an end that was out of order, since it takes a listing of the whole
archive. A recording that is found keeps its key, even if it would get another one today because its
lead has become known or it is listed under another call; but it is proved against the source like
any new one before it counts. The report of a run that died right after it had stored it is told as
it lies there.
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from archiver.archive.archive import Archive
from archiver.catalog import retention
from archiver.catalog.catalog import Catalog
from archiver.catalog.states import RecordingState
from archiver.clock import Clock
from archiver.ledger.events import RunEnded
from archiver.storage.base import Storage
from archiver.storage.keys import ARCHIVE_PREFIX, RUNS_PREFIX, parse_recording_key
from archiver.text.json import read_json

_AT_ONCE = 500

_LARGEST_REPORT = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class UntoldReport:
    """That the run has ended, as its report says it."""

    run_id: str
    event: RunEnded


@dataclass(slots=True)
class Recovery:
    """What was found of a run that died, and whether this one leaves everything in order.

    `orphans` are the recordings that nothing tells of, by id; who places one takes it out. With
    `doubts`, sidecars may have been revised and nobody told.
    """

    orphans: dict[int, str]
    doubts: bool
    is_settled: bool = False

    def settled(self, *, nobody_claims_orphans: bool) -> None:
        """Everything that this run stored is told.

        An orphan that is left may be claimed by a later run, unless nobody claims any.
        """
        self.is_settled = not self.orphans or nobody_claims_orphans


@asynccontextmanager
async def recovering(archive: Archive, clock: Clock) -> AsyncIterator[Recovery]:
    """Look for what a run that died left behind, and leave a mark for the next one meanwhile.

    The mark goes when the body has said `settled`; however else it ends, the next run looks.
    Reports that nothing tells of are told here.
    """
    lock = archive.lock
    orphans: dict[int, str] = {}
    if lock.found_left:
        for report in await find_untold_reports(archive.storage, archive.catalog):
            await archive.catalog.record([report.event], at=clock(), run=report.run_id)
        orphans = await find_orphans(archive.storage, archive.catalog)
    recovery = Recovery(orphans, doubts=lock.found_left)
    lock.leave = True
    try:
        yield recovery
    finally:
        lock.leave = not recovery.is_settled


async def find_orphans(storage: Storage, catalog: Catalog) -> dict[int, str]:
    """The key of the audio, or of the sidecar where that is all there is, by recording."""
    orphans: dict[int, str] = {}
    batch: dict[int, str] = {}
    async for info in storage.list():
        if info.key.startswith(ARCHIVE_PREFIX):
            continue
        found = parse_recording_key(info.key)
        if found is None:
            continue
        if not found.is_sidecar or found.record_id not in batch:
            batch[found.record_id] = info.key
        if len(batch) >= _AT_ONCE:
            orphans |= _unknown(batch, catalog)
            batch = {}
    return orphans | _unknown(batch, catalog)


async def find_untold_reports(storage: Storage, catalog: Catalog) -> list[UntoldReport]:
    """The reports that runs stored and did not live to tell of, oldest first.

    What is no report is left where it is: `verify` names it.
    """
    known = await catalog.ask(retention.reports)
    found = []
    async for info in storage.list(RUNS_PREFIX):
        if info.key in known or info.size > _LARGEST_REPORT:
            continue
        data = await storage.read(info.key, limit=_LARGEST_REPORT)
        run_id = info.key.removeprefix(RUNS_PREFIX).removesuffix(".json")
        try:
            report = read_json(data)
            is_ours = report["runId"] == run_id and isinstance(report["complete"], bool)
        except (ValueError, TypeError, KeyError):
            continue
        if is_ours:
            event = RunEnded(
                report_key=info.key,
                report_sha256=hashlib.sha256(data).hexdigest(),
                complete=report["complete"],
                report_version=(await storage.stat(info.key)).version,
            )
            found.append(UntoldReport(run_id, event))
    return found


def _unknown(batch: dict[int, str], catalog: Catalog) -> dict[int, str]:
    known = catalog.known(batch)
    return {
        record_id: key
        for record_id, key in batch.items()
        if record_id not in known or known[record_id].state is not RecordingState.ARCHIVED
    }
