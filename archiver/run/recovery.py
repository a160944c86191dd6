"""What a run that died left behind: recordings that neither ledger nor catalog tells of.

They are looked for only after an end that was out of order, since it takes a listing of the whole
archive. A recording that is found keeps its key, even if it would get another one today because its
lead has become known or it is listed under another call; but it is proved against the source like
any new one before it counts. Revisions of sidecars and reports that a run stored and did not live
to record are recorded as they lie there, whatever the window of this run: see `unrecorded`.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from archiver.archive.archive import Archive
from archiver.archive.unrecorded import (
    LARGEST_REPORT,
    Recorded,
    read_report,
    run_of,
    unrecorded_revisions,
)
from archiver.catalog import retention
from archiver.catalog.catalog import Catalog
from archiver.catalog.queries import recorded_revisions, recorded_sidecars
from archiver.catalog.states import RecordingState
from archiver.clock import Clock
from archiver.ledger.events import Revised
from archiver.retention.holds import finish_holds
from archiver.storage.base import Storage
from archiver.storage.keys import (
    ARCHIVE_PREFIX,
    REVISIONS_PREFIX,
    RUNS_PREFIX,
    RevisionKey,
    parse_recording_key,
    parse_revision_key,
)

_AT_ONCE = 500


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
async def recovering(archive: Archive, clock: Clock, act: str) -> AsyncIterator[Recovery]:
    """Record and look for what a run that died left, and leave a mark for the next one meanwhile.

    The mark goes when the body has said `settled`; however else it ends, the next run looks.
    Reports and holds are looked for by every run: they may arrive after their writer has lost its
    lock. All else takes a listing of the whole archive, and an end that was out of order.
    """
    lock = archive.lock
    await record_reports(archive, clock)
    await finish_holds(archive, clock=clock)
    orphans: dict[int, str] = {}
    if lock.found_left:
        await record_revisions(archive, clock, act)
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


async def record_reports(archive: Archive, clock: Clock) -> None:
    """Record the reports that runs stored and did not live to record, oldest first.

    What is no report is left where it is: `verify` names it.
    """
    storage, catalog = archive.storage, archive.catalog
    known = await catalog.ask(retention.reports)
    async for info in storage.list(RUNS_PREFIX):
        if info.key not in known and info.size <= LARGEST_REPORT:
            event = await read_report(storage, info.key)
            if event is not None:
                await catalog.record([event], at=clock(), run=run_of(info.key))


async def record_revisions(archive: Archive, clock: Clock, act: str) -> None:
    """Record the revisions of sidecars that runs made and did not live to record.

    Each was kept before it was replaced, so the kept ones tell where to look.
    """
    batch: dict[str, RevisionKey] = {}

    async def record() -> None:
        events = await _revisions_among(archive, batch)
        await archive.catalog.record(events, at=clock(), run=act)
        batch.clear()

    async for info in archive.storage.list(REVISIONS_PREFIX):
        told = parse_revision_key(info.key)
        if told is not None:
            batch[info.key] = told
        if len(batch) >= _AT_ONCE:
            await record()
    await record()


async def _revisions_among(archive: Archive, batch: Mapping[str, RevisionKey]) -> list[Revised]:
    storage, catalog = archive.storage, archive.catalog
    told = await catalog.ask(partial(recorded_revisions, keys=list(batch)))
    suspects = {one.sidecar: one.record_id for key, one in batch.items() if key not in told}
    known = await catalog.ask(partial(recorded_sidecars, record_ids=list(suspects.values())))
    events: list[Revised] = []
    for sidecar, record_id in suspects.items():
        if record_id in known:
            recorded = Recorded(record_id, *known[record_id])
            events += await unrecorded_revisions(storage, sidecar, recorded)
    return events


def _unknown(batch: dict[int, str], catalog: Catalog) -> dict[int, str]:
    known = catalog.known(batch)
    return {
        record_id: key
        for record_id, key in batch.items()
        if record_id not in known or known[record_id].state is not RecordingState.ARCHIVED
    }
