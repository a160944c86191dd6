"""A stretch of an archive in a folder: what is between two keys, compared with the ledger.

Blocks, so it runs in worker threads and in other processes (`child`). Like all of the first pass it
only finds suspects: `audit` checks each of them a second time.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec

from archiver.errors import KeyMissing, StorageError, StorageUnreachable
from archiver.recordings.sidecar import MOST_BYTES
from archiver.storage.base import Reader
from archiver.verify.inventory import Expected, Kind
from archiver.verify.rules import judge

READ_ELSEWHERE: Final = frozenset({Kind.SEGMENT, Kind.EVIDENCE})
"""Objects that the walk along the ledger, and the audit of the evidence, have read."""


class Stretch(msgspec.Struct):
    """The keys after `after` up to `upto` (None: all that follow), and every object expected there:
    those to be read, and those of which only existence and size are checked."""

    after: str
    upto: str | None = None
    to_read: list[Expected] = []
    to_see: list[Expected] = []


class Outcome(msgspec.Struct):
    """The number of objects that were listed; of those that were read, and their size in bytes; and
    the keys of those that did not match, as bytes: foreign names may be no text."""

    listed: int = 0
    read: int = 0
    size: int = 0
    suspects: list[bytes] = []


@dataclass(slots=True)
class Doubts:
    """What cannot be decided here: `gaps` are folders (with a slash at the end) and objects that
    could not be listed, `unreachable` are objects that the storage may return if asked again."""

    gaps: dict[str, StorageError] = field(default_factory=dict)
    unreachable: list[Expected] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.gaps or self.unreachable)


def check_stretch(reader: Reader, stretch: Stretch, doubts: Doubts) -> Outcome:
    """Check it once. Raises StorageError if the storage as a whole is missing."""
    found = Outcome()
    names = reader.keys(stretch.after, stretch.upto, doubts.gaps.__setitem__)
    found.listed = len(names)
    known = {one.key.encode() for one in stretch.to_read}
    known.update(one.key.encode() for one in stretch.to_see)
    found.suspects += _strays(reader, (name for name in names if name not in known), doubts)
    found.suspects += [one.key.encode() for one in stretch.to_see if not _is_there(reader, one)]
    for expected in stretch.to_read:
        keep = MOST_BYTES if expected.kind == Kind.SIDECAR else 0
        read = reader.read(expected.key, keep=keep)
        if isinstance(read, StorageUnreachable):
            doubts.unreachable.append(expected)
            continue
        if judge(expected, read) is not None:
            found.suspects.append(expected.key.encode())
        if not isinstance(read, StorageError):
            found.read += 1
            found.size += read.size
    return found


def _strays(reader: Reader, names: Iterator[bytes], doubts: Doubts) -> Iterator[bytes]:
    """Those that are still there. One that cannot be looked at is a gap, as in a listing."""
    for name in names:
        size = reader.size(os.fsdecode(name))
        if isinstance(size, int):
            yield name
        elif not isinstance(size, KeyMissing):
            doubts.gaps[os.fsdecode(name)] = size


def _is_there(reader: Reader, expected: Expected) -> bool:
    """Whether an object that is not read is there, with the right size if that is known."""
    size = reader.size(expected.key)
    if isinstance(size, int):
        return expected.size in (None, size) or expected.kind in READ_ELSEWHERE
    return bool(expected.leaving)
