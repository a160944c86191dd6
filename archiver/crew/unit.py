"""What a run and its crew exchange: one listed recording, and the result of fetching it (pure).

A unit needs only the archive's storage and the source. It may be processed twice, even at the same
time: keys are written create-only, and nothing is deleted that another worker may have reported.
"""

from msgspec import Struct

from archiver.errors import ArchiverError
from archiver.ledger.events import Revised, Stored
from archiver.liner.models import Call, Recording
from archiver.reasons import Reason
from archiver.recordings.sidecar import Names


class Unit(Struct, frozen=True):
    """A recording to fetch and store, whose address was listed a moment ago.

    `orphan` is its key if an earlier run that died has already stored it.
    """

    call: Call
    recording: Recording
    names: Names
    orphan: str | None = None


class Brought(Struct, frozen=True):
    """The result of a unit: `events` for the ledger, or the `reason` why it is not archived, or the
    `failure` that ends the run.

    `left` is the key of an object that was stored but that no event names. `detail` may contain
    more than the ledger is allowed to.
    """

    events: tuple[Stored | Revised, ...] = ()
    reason: Reason | None = None
    detail: str = ""
    left: str | None = None
    failure: ArchiverError | None = None

    @property
    def size(self) -> int:
        """Bytes of audio that were archived."""
        return sum(event.bytes for event in self.events if isinstance(event, Stored))
