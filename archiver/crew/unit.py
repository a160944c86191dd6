"""What passes between a run and its crew: one recording after listing, and how it ended (pure).

A unit needs nothing but the archive's storage and the source. It may be done twice, also at the
same time: keys are written once, and nobody deletes what another may have reported.
"""

from dataclasses import dataclass

from archiver.errors import ArchiverError
from archiver.ledger.events import Revised, Stored
from archiver.liner.models import Call, Recording
from archiver.reasons import Reason
from archiver.recordings.sidecar import Names


@dataclass(frozen=True, slots=True)
class Unit:
    """A recording to fetch and store; its address was listed a moment ago.

    `orphan` is the key under which a run that died left it.
    """

    call: Call
    recording: Recording
    names: Names
    orphan: str | None = None


@dataclass(frozen=True, slots=True)
class Brought:
    """How a unit ended: with `events` for the ledger, or a `reason` why it is not archived, or the
    `failure` that ends the run.

    `left` is the key of what lies in the archive and no event names. `detail` says more than the
    ledger may hold.
    """

    events: tuple[Stored | Revised, ...] = ()
    reason: Reason | None = None
    detail: str = ""
    left: str | None = None
    failure: ArchiverError | None = None

    @property
    def size(self) -> int:
        """Bytes of audio that are archived now."""
        return sum(event.bytes for event in self.events if isinstance(event, Stored))
