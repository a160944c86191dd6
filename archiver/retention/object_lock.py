"""Whether objects are locked and still the newest version: what Object Lock promises, checked
object by object.

Object Lock protects a version and not a key: anyone with write access can put a newer version or a
delete marker over a locked one, and readers see that. The ledger has the versions of audio,
sidecars, reports and holds; every other key is written once, so a second version is one too many.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from archiver.ledger.segments import head_of
from archiver.storage.base import Storage
from archiver.storage.keys import LEDGER_PREFIX
from archiver.storage.versions import ObjectVersion

_NEARLY: Final = 0.99
"""Tolerance: a lock starts at the first byte by our clock, the age at the last byte by the
bucket's clock."""


class Fault(StrEnum):
    """Problems with the versions of an object."""

    NOT_LOCKED = "not-locked"
    LAID_OVER = "laid-over"
    DELETED_OVER = "deleted-over"


@dataclass(frozen=True, slots=True)
class WormFault:
    """A problem with one object. `version` is the affected one: the newest, or for a lock the one
    that should have it; `known` the recorded one, which may no longer exist; `until` when its lock
    ended."""

    fault: Fault
    key: str
    version: str
    known: str | None
    is_known_there: bool = True
    until: datetime | None = None


async def audit_object(
    storage: Storage, key: str, known: str | None, *, retain: timedelta, now: datetime
) -> list[WormFault]:
    """The problem with the object, if any; `known` is the recorded version.

    Without one, the key is written once and must have one version only. A lock must last for
    `retain` after the version was written. Nothing is reported if the storage has no versions, or
    if the object is missing: other checks find that. Costs two requests.
    """
    versions = storage.versions
    if versions is None:
        return []
    found = [one for one in await versions.of(key) if one.key == key]
    if not found or found[0].version is None:
        return []
    ours = _ours(found, known)
    faults = []
    if (over := _over(found, ours, known)) is not None:
        faults.append(WormFault(over, key, found[0].version, known, ours is not None))
    if ours is not None and ours.version is not None:
        lock = await versions.lock(key, ours.version)
        if not lock.holds(now) and not _is_over(ours, retain, now):
            faults.append(WormFault(Fault.NOT_LOCKED, key, ours.version, known, until=lock.until))
    return faults


async def hidden_segments(storage: Storage) -> list[WormFault]:
    """The segments of the ledger under a delete marker: no listing has them."""
    if storage.versions is None:
        return []
    found = await storage.versions.of(LEDGER_PREFIX)
    return [
        WormFault(Fault.DELETED_OVER, one.key, one.version, None)
        for one in found
        if one.is_newest and one.is_marker and one.version is not None and head_of(one.key)
    ]


async def promise_of(storage: Storage) -> str:
    """One sentence: what the storage does to protect written objects."""
    versions = storage.versions
    if versions is None:
        return (
            "disks are not WORM storage: files are read-only, but the owner of the folder can "
            "change and delete them"
        )
    if not await versions.can_lock():
        return "the bucket has no Object Lock: anyone with write access can overwrite and delete"
    return (
        "the bucket has Object Lock: locked objects cannot be changed or deleted before their date"
    )


def _ours(found: Sequence[ObjectVersion], known: str | None) -> ObjectVersion | None:
    """The expected version: the recorded one, or the oldest if none is recorded."""
    candidates = [one for one in found if not one.is_marker and known in (None, one.version)]
    return candidates[-1] if candidates else None


def _over(
    found: Sequence[ObjectVersion], ours: ObjectVersion | None, known: str | None
) -> Fault | None:
    """What was done to the object after the expected version, if anything."""
    if found[0].is_marker:
        return Fault.DELETED_OVER
    is_alone = len(found) == 1 if known is None else found[0] is ours
    return None if is_alone else Fault.LAID_OVER


def _is_over(one: ObjectVersion, retain: timedelta, now: datetime) -> bool:
    """Whether the version is so old that its lock may have expired."""
    return one.written is None or one.written + retain * _NEARLY < now
