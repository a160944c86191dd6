"""The objects of a recording, whether they can be removed, and their removal.

    789/123/456.mp3, 789/123/456.json          audio and sidecar, in all their versions
    _archive/revisions/789/123/456.1.json      superseded sidecars
    _archive/damaged/789/123/456.mp3.<digits>  damaged objects kept by a repair

Removing is idempotent: missing objects count as removed.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from datetime import datetime
from typing import Final

from msgspec import Struct

from archiver.errors import KeyMissing
from archiver.storage.base import Storage
from archiver.storage.keys import DAMAGED_PREFIX, REVISIONS_PREFIX
from archiver.storage.versions import Versions

AT_ONCE: Final = 8
"""Objects checked or removed in parallel."""


class Locked(Struct, frozen=True):
    """An object that cannot be removed yet. `until` None: a legal hold set in the storage."""

    key: str
    until: datetime | None


def places_of(key: str) -> tuple[str, ...]:
    """The prefixes of all keys of a recording; audio and sidecar come first."""
    stem = key.rpartition(".")[0]
    return (f"{stem}.", f"{REVISIONS_PREFIX}{stem}.", f"{DAMAGED_PREFIX}{stem}.")


def places_of_lead(lead_id: int) -> tuple[str, ...]:
    """The prefixes of all keys under a lead."""
    return tuple(f"{area}{lead_id}/" for area in ("", REVISIONS_PREFIX, DAMAGED_PREFIX))


async def clear(storage: Storage, prefix: str, *, keeping: str | None = None) -> None:
    """Remove every object below the prefix, in all versions (except the version `keeping`)."""
    if storage.versions is None:
        for key in [info.key async for info in storage.list(prefix)]:
            with suppress(KeyMissing):
                await storage.delete(key)
        return
    for one in await storage.versions.of(prefix):
        if one.version is None or one.version != keeping:
            await storage.versions.delete(one.key, one.version)


async def keys_below(storage: Storage, prefix: str) -> AsyncIterator[str]:
    """The keys below the prefix, including deleted ones that still have versions."""
    if storage.versions is None:
        async for info in storage.list(prefix):
            yield info.key
    else:
        for key in sorted({one.key for one in await storage.versions.of(prefix)}):
            yield key


async def locks_of(storage: Storage) -> Versions | None:
    """The versions of a storage that can lock them; None if it cannot."""
    versions = storage.versions
    return versions if versions is not None and await versions.can_lock() else None


async def first_lock(
    versions: Versions | None, prefixes: Iterable[str], now: datetime
) -> Locked | None:
    """The longest lock below the prefixes; None if everything can be removed."""
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
    """The longer one; a lock without a date is the longest."""
    if one is None or other is None:
        return one or other
    if one.until is None or other.until is None:
        return one if one.until is None else other
    return one if one.until >= other.until else other
