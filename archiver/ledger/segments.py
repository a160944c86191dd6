"""Segments of the ledger, as bytes (pure).

A segment is a text file of JSON lines. Its first line is the header, which names the number of the
segment, the archive, the SHA-256 of the segment before and the claim that makes it valid (see
`claims.py`); the others are events. The file's own SHA-256 is part of its name, so `sha256sum`
checks a segment and `jq` the chain:

    _archive/ledger/00000007-<sha256>.jsonl
"""

import hashlib
import json
import re
from collections.abc import Sequence

from msgspec import Struct

from archiver.errors import ArchiveDamaged
from archiver.storage.keys import LEDGER_PREFIX
from archiver.text.json import read_json

MOST_BYTES = 64 * 1024 * 1024
"""The maximum size of a segment: it has at most a few thousand lines of a few hundred bytes."""

_NAME = re.compile(r"^(\d{8})-([0-9a-f]{64})\.jsonl$")


class Head(Struct, frozen=True):
    """The newest segment: its number and digest. Number 0, without digest, is before the first."""

    number: int = 0
    digest: str | None = None

    def __str__(self) -> str:
        return f"{self.number}:{self.digest or 'empty'}"


class Segment(Struct, frozen=True):
    """One segment: its place in the chain, its bytes, and its events as lines.

    If `asks_for_claim`, it is valid only when it is claimed, or named by a later segment.
    """

    head: Head
    previous: str | None
    archive_id: str
    data: bytes
    lines: tuple[bytes, ...]
    asks_for_claim: bool = True

    @property
    def key(self) -> str:
        """The key of the segment."""
        return segment_key(self.head)


def number_stem(number: int) -> str:
    """The prefix of all keys with that number: of segments and of the claim."""
    return f"{LEDGER_PREFIX}{number:08d}"


def number_prefix(number: int) -> str:
    """The prefix of the key of the segment with that number, whatever its digest."""
    return f"{number_stem(number)}-"


def segment_key(head: Head) -> str:
    """The key of that segment."""
    return f"{number_prefix(head.number)}{head.digest}.jsonl"


def head_of(key: str) -> Head | None:
    """Number and digest from a segment's key; None for any other key."""
    name = _NAME.match(key.removeprefix(LEDGER_PREFIX)) if key.startswith(LEDGER_PREFIX) else None
    return Head(int(name[1]), name[2]) if name else None


def link(after: Head, archive_id: str, lines: Sequence[bytes]) -> Segment:
    """The segment that follows `after`, with these lines."""
    number = after.number + 1
    header = {
        "segment": number,
        "archive": archive_id,
        "previous": after.digest,
        "claim": f"{number:08d}.claim",
    }
    data = b"\n".join((json.dumps(header, separators=(",", ":")).encode("ascii"), *lines)) + b"\n"
    head = Head(number, hashlib.sha256(data).hexdigest())
    return Segment(head, after.digest, archive_id, data, tuple(lines))


def read(key: str, data: bytes, *, after: Head, archive_id: str) -> Segment:
    """The segment under `key`, checked against its name, its archive and the one before.

    Raises ArchiveDamaged with the first problem.
    """
    head = head_of(key)
    if head is None:
        raise _damaged(key, "its name is not a segment name")
    if hashlib.sha256(data).hexdigest() != head.digest:
        raise _damaged(key, "its bytes do not match the SHA-256 in its name")
    first, *lines = data.removesuffix(b"\n").split(b"\n")
    try:
        header = read_json(first)
        told = (header["segment"], header["previous"], header["archive"])
        asks_for_claim = "claim" in header
    except (ValueError, TypeError, KeyError) as error:
        raise _damaged(key, "it has no header") from error
    if told[2] != archive_id:
        raise _damaged(key, "it belongs to another archive")
    if head.number != after.number + 1 or told[:2] != (head.number, after.digest):
        raise _damaged(key, f"it does not follow segment {after}")
    return Segment(head, after.digest, archive_id, data, tuple(lines), asks_for_claim)


def previous_of(data: bytes) -> str | None:
    """The digest that the header of a segment names as the one before; None if it has none."""
    try:
        header = read_json(data.split(b"\n", 1)[0])
        previous = header["previous"]
    except (ValueError, TypeError, KeyError):
        return None
    return previous if isinstance(previous, str) else None


def lost(head: Head) -> ArchiveDamaged:
    """The error that the ledger lacks a segment that this machine has seen."""
    return ArchiveDamaged(
        f"segment {head.number}, which this machine has seen, is missing from the ledger",
        hint="the ledger was truncated or replaced; restore its newest segments from a copy",
    )


def _damaged(key: str, what: str) -> ArchiveDamaged:
    return ArchiveDamaged(
        f"damaged ledger: {key}: {what}",
        hint="nothing was changed; restore the ledger's files from a copy",
    )
