"""Whether every object is locked, and whether the newest version is the recorded one.

Checked only if Object Lock is configured: it costs two requests per object.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

import anyio
import anyio.to_thread

from archiver.clock import stamp
from archiver.config import ObjectLockConfig
from archiver.retention.object_lock import Fault, WormFault, audit_object, hidden_segments
from archiver.retention.objects import AT_ONCE
from archiver.storage.base import Storage
from archiver.storage.lock import is_archive_locked
from archiver.tasks.lanes import in_lanes
from archiver.text.measures import say_duration
from archiver.verify.findings import Finding, NotLocked, UnknownVersion
from archiver.verify.inventory import Expected, Inventory, Kind

_RUNS_CHANGE = frozenset({Kind.SIDECAR, Kind.REPORT})
_REPLACED = (
    "the version recorded in the ledger was removed: restore the object from a copy; if the "
    "current version has the right bytes and no other finding, keep it and lock it"
)


async def audit_locks(
    storage: Storage,
    inventory: Inventory,
    select: Callable[[Expected], bool],
    wanted: ObjectLockConfig,
    now: datetime,
    *,
    is_copy: bool = False,
) -> list[Finding]:
    """The findings about locks and versions, in the order of keys.

    In a copy of the archive (`is_copy`) the versions in the ledger are those of another bucket: a
    sidecar or a report may have several there.

    While a run has locked the archive, a newer sidecar may be its own and unrecorded: the next
    verification will show.
    """
    findings = [_finding(one, None, wanted) for one in await hidden_segments(storage)]
    chunks = inventory.chunks()
    while chunk := await anyio.to_thread.run_sync(next, chunks, None):
        chosen = [one for one in chunk if select(one) and not one.leaving]
        findings += await _audit_some(storage, chosen, wanted, now, is_copy)
    return findings


async def _audit_some(
    storage: Storage,
    chosen: Sequence[Expected],
    wanted: ObjectLockConfig,
    now: datetime,
    is_copy: bool,
) -> list[Finding]:
    found: dict[str, list[WormFault]] = {}

    async def look(one: Expected) -> None:
        known = None if is_copy else one.version
        faults = await audit_object(storage, one.key, known, retain=wanted.retain, now=now)
        if is_copy and one.kind in _RUNS_CHANGE:
            faults = [fault for fault in faults if fault.fault is not Fault.LAID_OVER]
        if one.kind in _RUNS_CHANGE and faults and await is_archive_locked(storage):
            return
        found[one.key] = faults

    await in_lanes(AT_ONCE, chosen, look)
    return [
        _finding(fault, one.record_id, wanted) for one in chosen for fault in found.get(one.key, ())
    ]


def _finding(fault: WormFault, record_id: int | None, wanted: ObjectLockConfig) -> Finding:
    if fault.fault is Fault.NOT_LOCKED:
        length = say_duration(wanted.retain.total_seconds())
        ended = f"ended {stamp(fault.until)}" if fault.until else "was never set"
        return NotLocked(
            key=fault.key,
            record_id=record_id,
            expected=f"locked in {wanted.mode} mode for {length}",
            found=f"the lock of version {fault.version} {ended}",
            version=fault.version,
        )
    what = "a delete marker" if fault.fault is Fault.DELETED_OVER else "version"
    return UnknownVersion(
        key=fault.key,
        record_id=record_id,
        expected="one version" if fault.known is None else f"version {fault.known}",
        found=f"{what} {fault.version} is the newest",
        version=fault.version,
        advice="" if fault.is_known_there else _REPLACED,
    )
