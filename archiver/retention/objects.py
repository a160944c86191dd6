"""Where everything of a recording lies, whether it may go, and how it goes.

    789/123/456.mp3, 789/123/456.json          audio and sidecar, in all their versions
    _archive/revisions/789/123/456.1.json      superseded sidecars
    _archive/damaged/789/123/456.mp3.<digits>  damaged objects that a repair kept aside

Removing is idempotent: what is not there is gone.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from archiver.errors import KeyMissing
from archiver.storage.base import Storage
from archiver.storage.keys import DAMAGED_PREFIX, REVISIONS_PREFIX
from archiver.storage.versions import Versions

AT_ONCE: Final = 8
"""Objects that are looked at or removed side by side."""


@dataclass(frozen=True, slots=True)
class Locked:
    """Something that cannot go yet. `until` None: a legal hold that was set on the storage."""

    key: str
    until: datetime | None


def places_of(key: str) -> tuple[str, ...]:
    """What the keys of everything of a recording begin with; the audio and sidecar come first."""
    stem = key.rpartition(".")[0]
    return (f"{stem}.", f"{REVISIONS_PREFIX}{stem}.", f"{DAMAGED_PREFIX}{stem}.")


def places_of_lead(lead_id: int) -> tuple[str, ...]:
    """What the keys of everything stored under a lead begin with."""
    return tuple(f"{area}{lead_id}/" for area in ("", REVISIONS_PREFIX, DAMAGED_PREFIX))


async def clear(storage: Storage, prefix: str, *, keeping: str | None = None) -> None:
    """Remove every object below the prefix, in all versions (but for the version `keeping`)."""
    if storage.versions is None:
        for key in [info.key async for info in storage.list(prefix)]:
            with suppress(KeyMissing):
                await storage.delete(key)
        return
    for one in await storage.versions.of(prefix):
        if one.version is None or one.version != keeping:
            await storage.versions.delete(one.key, one.version)


async def keys_below(storage: Storage, prefix: str) -> AsyncIterator[str]:
    """The keys below the prefix, also of what was deleted and still has versions."""
    if storage.versions is None:
        async for info in storage.list(prefix):
            yield info.key
    else:
        for key in sorted({one.key for one in await storage.versions.of(prefix)}):
            yield key


async def locks_of(storage: Storage) -> Versions | None:
    """The versions of a storage that can lock them; None where nothing is ever locked."""
    versions = storage.versions
    return versions if versions is not None and await versions.can_lock() else None


async def first_lock(
    versions: Versions | None, prefixes: Iterable[str], now: datetime
) -> Locked | None:
    """What keeps the objects below the prefixes longest; None when all of them may go."""
    longest: Locked | None = None
    if versions is None:
        return None
    for prefix in prefixes:
        for one in await versions.of(prefix):
            if one.is_marker:
                continue
            lock = await versions.lock(one.key, one.version)
            if lock.holds(now):
                longest = longer(longest, Locked(one.key, None if lock.is_on_hold else lock.until))
    return longest


def longer(one: Locked | None, other: Locked | None) -> Locked | None:
    """Whichever keeps longer; what has no date keeps longest."""
    if one is None or other is None:
        return one or other
    if one.until is None or other.until is None:
        return one if one.until is None else other
    return one if one.until >= other.until else other
