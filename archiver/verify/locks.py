"""Whether every object is locked, and whether the newest version is the one that the ledger knows.

Asked only where Object Lock is configured: it costs two requests an object.
"""

from collections.abc import Callable, Sequence

import anyio
import anyio.to_thread

from archiver.catalog.inventory import Expected, Inventory, Kind
from archiver.config import ObjectLockConfig
from archiver.lifecycle.places import side_by_side
from archiver.lifecycle.worm import Fault, WormFault, audit_object
from archiver.measures import say_duration
from archiver.storage.base import Storage
from archiver.storage.lock import is_archive_held
from archiver.verify.findings import Finding, NotLocked, UnknownVersion

_RUNS_CHANGE = frozenset({Kind.SIDECAR, Kind.REPORT})


async def audit_locks(
    storage: Storage,
    inventory: Inventory,
    select: Callable[[Expected], bool],
    wanted: ObjectLockConfig,
) -> list[Finding]:
    """The findings about locks and versions, in the order of keys.

    While a run holds the archive, a newer sidecar may be its own and not told of yet: the next
    verification tells.
    """
    findings: list[Finding] = []
    chunks = inventory.chunks()
    while chunk := await anyio.to_thread.run_sync(next, chunks, None):
        chosen = [one for one in chunk if select(one) and not one.leaving]
        findings += await _audit_some(storage, chosen, wanted)
    return findings


async def _audit_some(
    storage: Storage, chosen: Sequence[Expected], wanted: ObjectLockConfig
) -> list[Finding]:
    found: dict[str, list[WormFault]] = {}

    async def look(one: Expected) -> None:
        faults = await audit_object(storage, one.key, one.version)
        if one.kind in _RUNS_CHANGE and faults and await is_archive_held(storage):
            return
        found[one.key] = faults

    await side_by_side(chosen, look)
    return [_finding(one, fault, wanted) for one in chosen for fault in found.get(one.key, ())]


def _finding(one: Expected, fault: WormFault, wanted: ObjectLockConfig) -> Finding:
    if fault.fault is Fault.NOT_LOCKED:
        length = say_duration(wanted.retain.total_seconds())
        return NotLocked(
            key=one.key,
            record_id=one.record_id,
            expected=f"locked in {wanted.mode} mode for {length}",
            found="no Object Lock was ever set on it",
            version=fault.newest,
        )
    what = "a delete marker" if fault.fault is Fault.DELETED_OVER else "version"
    return UnknownVersion(
        key=one.key,
        record_id=one.record_id,
        expected="one version" if fault.known is None else f"version {fault.known}",
        found=f"{what} {fault.newest} is the newest",
        version=fault.newest,
    )
