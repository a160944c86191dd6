"""What is still to be copied to or removed from a replica; noted there, and tried again each time.

    _archive/tmp/replica/copy/789/123/456.mp3     an object that could not be copied
    _archive/tmp/replica/remove/789/123/456.mp3   a recording to remove that is locked
    _archive/tmp/replica/trim/_archive/runs/….json  a replaced report whose old version is locked

So one object that cannot be copied does not delay all later ones, and a removal prevented by a lock
is not forgotten, even if another machine continues. The keys contain ids only.
"""

from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Final, NamedTuple

from archiver.errors import KeyExists, KeyMissing
from archiver.storage.base import Body, Storage
from archiver.storage.keys import TMP_PREFIX

WAITING_PREFIX: Final = f"{TMP_PREFIX}replica/"
APART_PREFIX: Final = f"{WAITING_PREFIX}apart-"
"""Written to find out whether archive and replica are the same location; it means nothing else."""
_MARK: Final = Body.of(b"waiting\n", "text/plain")


class What(StrEnum):
    """What is still to be done."""

    COPY = "copy"
    REMOVE = "remove"
    TRIM = "trim"


class Waiting(NamedTuple):
    """One thing to be done, for one key."""

    what: What
    key: str

    @property
    def place(self) -> str:
        """The key under which this is noted in the replica."""
        return f"{WAITING_PREFIX}{self.what}/{self.key}"


async def waiting_in(replica: Storage) -> Sequence[Waiting]:
    """Everything that is noted in the replica."""
    found = []
    async for info in replica.list(WAITING_PREFIX):
        what, _, key = info.key.removeprefix(WAITING_PREFIX).partition("/")
        with suppress(ValueError):
            found.append(Waiting(What(what), key))
    return found


async def note(replica: Storage, one: Waiting) -> None:
    """Note that it is still to be done."""
    with suppress(KeyExists):
        await replica.put(one.place, _MARK)


async def settle(replica: Storage, one: Waiting) -> None:
    """Remove the note: it is done."""
    with suppress(KeyMissing):
        await replica.delete(one.place)
