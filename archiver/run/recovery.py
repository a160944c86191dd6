"""What a killed run left behind: recordings that are neither in the ledger nor in the catalog.

They are searched for only after an unclean end, since it requires a listing of the whole archive. A
recording that is found keeps its key, even if it would get a different one today because its lead
has become known or it is listed under another call; but it is verified against the source like a
new one before it is valid. Revisions of sidecars and reports that a run stored but did not record
are recorded as they are, whatever the window of this run: see `unrecorded`.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial

from msgspec import Struct

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


class Recovery(Struct):
    """What a killed run left, and whether this run leaves nothing unrecorded.

    `orphans` are unrecorded recordings by id; storing one removes it here. With `doubts`,
    sidecars may have been revised without a record.
    """

    orphans: dict[int, str]
    doubts: bool
    is_settled: bool = False

    def settled(self, *, nobody_claims_orphans: bool) -> None:
        """Everything that this run stored is recorded.

        A remaining orphan may be claimed by a later run, unless no call claims any.
        """
        self.is_settled = not self.orphans or nobody_claims_orphans


@asynccontextmanager
async def recovering(archive: Archive, clock: Clock, act: str) -> AsyncIterator[Recovery]:
    """Find and record what a killed run left, and set a mark for the next run meanwhile.

    The mark is removed when the body has called `settled`; otherwise the next run searches again.
    Reports and holds are searched for by every run, since they can arrive after their writer has
    lost its lock. Everything else requires a listing of the whole archive, and an unclean end.
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
    """The key of the audio, or of the sidecar if there is no audio, by recording."""
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
    """Record reports that runs stored but did not record, oldest first.

    Other objects are left where they are: `verify` reports them.
    """
    storage, catalog = archive.storage, archive.catalog
    known = await catalog.ask(retention.reports)
    async for info in storage.list(RUNS_PREFIX):
        if info.key not in known and info.size <= LARGEST_REPORT:
            event = await read_report(storage, info.key)
            if event is not None:
                await catalog.record([event], at=clock(), run=run_of(info.key))


async def record_revisions(archive: Archive, clock: Clock, act: str) -> None:
    """Record revisions of sidecars that runs made but did not record.

    Each old sidecar was kept before it was replaced, so the kept ones show where to look.
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
