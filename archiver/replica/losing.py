"""Removes objects from a replica: removed recordings, and old versions of replaced reports.

Only objects under keys that the archive had are removed, in all their versions. All others are
foreign, and stay.
"""

import re
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

from archiver.errors import KeyMissing
from archiver.retention.objects import keys_below, places_of
from archiver.storage.base import Storage
from archiver.storage.keys import (
    DAMAGED_PREFIX,
    parse_recording_key,
    parse_revision_key,
    sidecar_key,
)

_ASIDE: Final = re.compile(r".+\.[0-9a-f]{16}")


async def lose(replica: Storage, key: str) -> bool:
    """Remove an object, and for the audio of a recording also all other objects of the recording.
    Return whether there was any. Raises StorageRefused while any of it is locked."""
    keys = [key]
    if parse_recording_key(key) is not None:
        keys += [sidecar_key(key)]
        keys += [one async for one in _kept_aside(replica, key)]
    return any([await _lose_object(replica, one) for one in keys])


async def _lose_object(replica: Storage, key: str, *, keeping: str | None = None) -> bool:
    """Remove one object in all versions, except the version `keeping`."""
    versions, found = replica.versions, False
    if versions is None:
        with suppress(KeyMissing):
            await replica.delete(key)
            found = True
        return found
    for one in await versions.of(key):
        if one.key == key and (one.version is None or one.version != keeping):
            await versions.delete(key, one.version)
            found = found or not one.is_marker
    return found


async def lose_former(replica: Storage, key: str) -> None:
    """Remove all versions of an object except the current one."""
    if replica.versions is None:
        return
    with suppress(KeyMissing):
        version = (await replica.stat(key)).version
        if version is not None:
            await _lose_object(replica, key, keeping=version)


async def _kept_aside(replica: Storage, audio: str) -> AsyncIterator[str]:
    """The keys of superseded sidecars, and of what a repair kept of the recording."""
    for prefix in places_of(audio)[1:]:
        async for key in keys_below(replica, prefix):
            is_damaged = key.startswith(DAMAGED_PREFIX) and _ASIDE.fullmatch(key)
            if is_damaged or parse_revision_key(key) is not None:
                yield key
