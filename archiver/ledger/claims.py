"""Which segment is valid if two writers wrote the same number (pure).

On S3 a writer owns the end of the ledger by a lease, and a lease can change hands while a request
of its former owner is still on the wire: its machine was suspended, or a proxy delayed the request.
From such a writer, the following can arrive at any later time, in this order, or never:

1. the body of its segment, under a key with its digest, so that no two writers use the same key;
2. its claim on the number: a create-only put of the one key that both compete for.

    _archive/ledger/00000007-<sha256>.jsonl
    _archive/ledger/00000007.claim            names that file, as a line of `sha256sum`

**A segment is valid once the claim on its number names it.** The storage accepts one claim only, so
exactly one segment per number is valid, for every reader and permanently, whatever arrives later. A
body is stored before its claim, so a claim never names a missing object. Readers conclude:

- a body without a claim is not recorded yet. Its writer may be about to claim it, may have lost the
  race, or may be dead. The next writer claims it on its behalf if it is undamaged and follows the
  head: its events are true, and its writer, should it continue, finds its claim made.
- a body beside the claim of another was written too late. Nothing will ever follow it: it is set
  aside and reported, and is not damage. Its writer gets KeyExists, reads on, and records its events
  again under the next number; if it is dead, the next run verifies and records what it left.
- a segment named by a later one is valid without reading its claim, so a long ledger is read with
  one request per segment. Only the newest number, and one with several bodies, needs its claim.
- a claim that names a missing object is damage: the segment was removed.

Segments of archiver 0.1 have no claim, and their headers require none. A single one with its number
is valid; of several, the one that the next segment names. The same rules apply on a disk, since a
lock on a network share can be lost as well.
"""

import re
from collections.abc import Iterable
from typing import Final

from archiver.errors import ArchiveDamaged
from archiver.ledger.lines import decode
from archiver.ledger.segments import Head, number_stem, segment_key
from archiver.storage.base import Body
from archiver.storage.keys import LEDGER_PREFIX

CLAIM_SUFFIX: Final = ".claim"
MOST_CLAIM_BYTES: Final = 1024
SETTLE_FORK: Final = (
    "two writers of archiver 0.1 wrote it, and nothing says which counts: move one of both files"
    " out of the archive, keep it, and run `archiver run`"
)
"""What to do about a fork at the end of a ledger. Recordings that are only in the moved file are
verified against the source again, like everything that a killed run left."""

_NAME = re.compile(r"(\d{8})\.claim")
_CONTENT = re.compile(rb"([0-9a-f]{64})  ([!-~]+)\n")


def claim_key(number: int) -> str:
    """The key of the claim on that number."""
    return f"{number_stem(number)}{CLAIM_SUFFIX}"


def claimed_number(key: str) -> int | None:
    """The number that the claim under that key is for; None for any other key."""
    is_ours = key.startswith(LEDGER_PREFIX)
    found = _NAME.fullmatch(key.removeprefix(LEDGER_PREFIX)) if is_ours else None
    return int(found[1]) if found else None


def claim_of(head: Head) -> Body:
    """The claim that makes that segment valid; `sha256sum --check` can read it."""
    data = f"{head.digest}  {segment_key(head)}\n".encode("ascii")
    return Body.of(data, "text/plain")


def claimed_head(number: int, content: bytes) -> Head:
    """The segment named in the claim on that number. ArchiveDamaged if it names none."""
    found = _CONTENT.fullmatch(content)
    head = Head(number, found[1].decode()) if found else None
    if head is None or claim_of(head).source != content:
        key = claim_key(number)
        raise ArchiveDamaged(
            f"damaged ledger: {key} does not name a segment",
            hint="nothing was changed; restore the file from a copy of the archive",
        )
    return head


def are_events(lines: Iterable[bytes]) -> bool:
    """Whether every line is an event, including kinds that are unknown to this version."""
    try:
        for line in lines:
            decode(line)
    except ValueError:
        return False
    return True
