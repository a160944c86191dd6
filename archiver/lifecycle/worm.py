"""Is it locked, and is it still the newest? What Object Lock promises, looked at object by object.

Object Lock protects a version and not a key: whoever may write can lay a newer version over a
locked one, or a delete marker, and readers then see that. The ledger tells the version of audio,
sidecars, reports and holds; every other key is written once, so a second version is one too many.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from archiver.storage.base import Storage
from archiver.storage.versions import ObjectVersion


class Fault(StrEnum):
    """What can be wrong with the newest version of an object."""

    NOT_LOCKED = "not-locked"
    LAID_OVER = "laid-over"
    DELETED_OVER = "deleted-over"


@dataclass(frozen=True, slots=True)
class WormFault:
    """A fault of one object: the version that is its newest, and the one that should be."""

    fault: Fault
    key: str
    newest: str
    known: str | None


async def audit_object(storage: Storage, key: str, known: str | None) -> list[WormFault]:
    """What does not hold of the object; `known` is the version that the ledger tells, if any.

    Without one it is a key that is written once, and must have one version only. Nothing is found
    where the storage keeps no versions, and where nothing lies at all: that is for others to find.
    Costs two requests.
    """
    versions = storage.versions
    if versions is None:
        return []
    found = [one for one in await versions.of(key) if one.key == key]
    if not found or found[0].version is None:
        return []
    newest = found[0].version
    if found[0].is_marker:
        return [WormFault(Fault.DELETED_OVER, key, newest, known)]
    faults = []
    if _is_laid_over(found, known):
        faults.append(WormFault(Fault.LAID_OVER, key, newest, known))
    lock = await versions.lock(key, newest)
    if lock.until is None and not lock.is_on_hold:
        faults.append(WormFault(Fault.NOT_LOCKED, key, newest, known))
    return faults


async def promise_of(storage: Storage) -> str:
    """In a sentence for people: what the storage does for what was written to it."""
    versions = storage.versions
    if versions is None:
        return (
            "a disk is not WORM: the files are read-only, but whoever owns the folder can change"
            " and delete them"
        )
    if not await versions.can_lock():
        return "the bucket takes no Object Locks: whoever may write can overwrite and delete"
    return "the bucket takes Object Locks: what is locked stays, byte for byte, until its date"


def _is_laid_over(found: Sequence[ObjectVersion], known: str | None) -> bool:
    return len(found) > 1 if known is None else found[0].version != known
