"""Which segment counts, when two writers wrote the same number (pure).

A writer on S3 holds the end of the ledger by a lease, and a lease can change hands while a request
of its old holder is still on the wire: the machine was suspended, or a proxy held the request back.
Of such a writer may arrive, at any later time, in this order or never:

1. the body of its segment, under a key that bears its digest, so no other writer's key is the same;
2. its claim on the number, a create-only put of the one key that both contend for.

    _archive/ledger/00000007-<sha256>.jsonl
    _archive/ledger/00000007.claim            names that file, as a line of `sha256sum`

**A segment counts once the claim on its number names it.** The storage lets one claim through, so
for every number exactly one segment counts, for every reader and for all time, whatever arrives
later. A body comes to lie before its claim, so a claim never names what is not there. What a reader
has to believe follows:

- a body without a claim is not told yet. Its writer may be about to claim it, may have lost the
  race, or may be dead. The next writer claims it in its name, if it is whole and follows the head:
  its events are true, and its writer, should it wake up, finds its claim made.
- a body beside the claim of another was written too late. Nothing ever follows it: it is set aside,
  said so, and never damage. Its writer meets KeyExists, reads on, and tells its events again under
  the next number; if it is dead, the next run proves and tells what it left.
- a segment that a later one names counts without a look at its claim, so a long ledger is read
  with one request for each segment. Only the newest number, and one with several bodies, needs its
  claim.
- a claim that names what is not there is damage: the segment was removed.

Segments of archiver 0.1 have no claim, and their headers ask for none; of these, one that is alone
with its number counts, and of several the one that the next segment names. On a disk the same rules
hold, since a lock on a network share may be lost as well.
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
"""What to do about a fork at the very end of a ledger. What only the file that was moved names is
proved against the source again, like all that a killed run left."""

_NAME = re.compile(r"(\d{8})\.claim")
_CONTENT = re.compile(rb"([0-9a-f]{64})  ([!-~]+)\n")


def claim_key(number: int) -> str:
    """Where the claim on that number lies."""
    return f"{number_stem(number)}{CLAIM_SUFFIX}"


def claimed_number(key: str) -> int | None:
    """The number that the claim under that key is on; None for any other key."""
    is_ours = key.startswith(LEDGER_PREFIX)
    found = _NAME.fullmatch(key.removeprefix(LEDGER_PREFIX)) if is_ours else None
    return int(found[1]) if found else None


def claim_of(head: Head) -> Body:
    """The claim that makes that segment count; `sha256sum --check` reads it."""
    data = f"{head.digest}  {segment_key(head)}\n".encode("ascii")
    return Body.of(data, "text/plain")


def claimed_head(number: int, content: bytes) -> Head:
    """The segment that the claim on that number names. ArchiveDamaged when it names none."""
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
    """Whether every line is an event, be it of a kind that is unknown here."""
    try:
        for line in lines:
            decode(line)
    except ValueError:
        return False
    return True
