"""What a replica still owes, kept in the replica itself: it is tried again each time.

    _archive/tmp/replica/copy/789/123/456.mp3     an object that could not be copied
    _archive/tmp/replica/remove/789/123/456.mp3   a recording that is to go, and is locked
    _archive/tmp/replica/trim/_archive/runs/….json  a replaced report whose old version is locked

So one object that cannot be copied does not keep all later ones back, and a removal that a lock
stops is not forgotten, whichever machine comes next. Only keys stand there, which have ids alone.
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
"""Written to learn whether archive and replica are two places; nothing is owed."""
_MARK: Final = Body.of(b"waiting\n", "text/plain")


class What(StrEnum):
    """What is owed."""

    COPY = "copy"
    REMOVE = "remove"
    TRIM = "trim"


class Waiting(NamedTuple):
    """One thing that is owed, and of which key."""

    what: What
    key: str

    @property
    def place(self) -> str:
        """Where that stands in the replica."""
        return f"{WAITING_PREFIX}{self.what}/{self.key}"


async def waiting_in(replica: Storage) -> Sequence[Waiting]:
    """Everything that the replica owes."""
    found = []
    async for info in replica.list(WAITING_PREFIX):
        what, _, key = info.key.removeprefix(WAITING_PREFIX).partition("/")
        with suppress(ValueError):
            found.append(Waiting(What(what), key))
    return found


async def note(replica: Storage, one: Waiting) -> None:
    """Remember that it is owed."""
    with suppress(KeyExists):
        await replica.put(one.place, _MARK)


async def settle(replica: Storage, one: Waiting) -> None:
    """It is owed no more."""
    with suppress(KeyMissing):
        await replica.delete(one.place)
