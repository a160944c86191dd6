"""Removing recordings so that no crash causes a loss that is not in the ledger.

1. `removing` is recorded: from now on the objects may be missing;
2. every object of the recording is removed, the audio first;
3. `removed`, the tombstone, ends it.

A crash before 1 has changed nothing. After it, the next `prune`, `erase` or `run` completes the
removal: the remaining objects are removed, which can be repeated, and the tombstones follow. A hold
is in force if the ledger has it before `removing`; the order of the ledger decides, since no two
writers can write the same place of it.
"""

from collections.abc import Sequence
from datetime import datetime

from archiver.archive.archive import Archive
from archiver.catalog import retention
from archiver.catalog.retention import Pending
from archiver.clock import Clock
from archiver.ledger.events import Erased, Removed
from archiver.retention.leftovers import clear_leavings
from archiver.retention.objects import AT_ONCE, clear, places_of
from archiver.retention.redaction import redact_reports
from archiver.storage.keys import HOLDS_PREFIX
from archiver.tasks.lanes import in_lanes

_AT_A_TIME = 500
"""Recordings whose tombstones are written in one transaction."""


async def finish_removals(archive: Archive, *, clock: Clock, act: str) -> int:
    """Complete every removal and erasure announced in the ledger; returns how many recordings were
    removed.

    The caller must own the archive's lock.
    """
    count = 0
    while found := await archive.catalog.ask(lambda db: retention.pending(db, _AT_A_TIME)):
        await _bury(archive, found, clock=clock, act=act)
        count += len(found)
    for lead_id, before in await archive.catalog.ask(retention.pending_erasures):
        count += await _finish_erasure(archive, lead_id, before, clock=clock, act=act)
    return count


async def _finish_erasure(
    archive: Archive, lead_id: int, before: datetime, *, clock: Clock, act: str
) -> int:
    """Reports first, since they are found by ids that the catalog still has; then the objects.

    Unrecorded objects are removed too: a killed run may have left them under the lead.
    """
    storage, catalog = archive.storage, archive.catalog
    await redact_reports(archive, lead_id, clock=clock, act=act)
    for hold_id in await catalog.ask(retention.erased_hold_ids):
        await clear(storage, f"{HOLDS_PREFIX}{hold_id}.")
    found = await catalog.ask(lambda db: retention.pending_of_lead(db, lead_id))
    await _bury(archive, found, clock=clock, act=act)
    await clear_leavings(archive, lead_id)
    await catalog.record([Erased(lead_id=lead_id, before=before)], at=clock(), run=act)
    await archive.publish()
    await catalog.scrub()
    return len(found)


async def _bury(archive: Archive, found: Sequence[Pending], *, clock: Clock, act: str) -> None:
    async def remove(pending: Pending) -> None:
        for prefix in places_of(pending.recording.key) if pending.recording.key else ():
            await clear(archive.storage, prefix)

    await in_lanes(AT_ONCE, found, remove)
    tombstones = [
        Removed(
            record_id=one.recording.record_id,
            call_id=one.recording.call_id,
            why=one.why,
            key=one.recording.key,
            sha256=one.recording.sha256,
            lead_id=one.lead_id,
        )
        for one in found
    ]
    await archive.catalog.record(tombstones, at=clock(), run=act)
    await archive.publish()
