"""What is exchanged between the catalog and the units of work: tasks and outcomes.

All of it is small and plain, so that it can be sent between machines.
"""

from collections import Counter
from datetime import datetime

from msgspec import Struct, field

from archiver.catalog.states import RecordingState
from archiver.ledger.events import CallJudged, Event
from archiver.liner.models import Call


class KnownRecording(Struct, frozen=True):
    """What the catalog knows of a recording; the members from `key` on only for an archived one.

    A recording that was archived and then removed counts as archived, and is never fetched again.
    """

    record_id: int
    state: RecordingState
    attempts: int = 0
    open_since: datetime | None = None
    missing_days: tuple[str, ...] = ()
    key: str = ""
    size: int = 0
    sha256: str = ""
    sidecar_sha256: str = ""
    metadata_sha256: str = ""
    is_removed: bool = False


class Task(Struct, frozen=True):
    """One unit of work: a call to check, and everything known about it.

    `counted_from` is the start of its rechecks: its creation, or when it was first checked.
    `has_row` says whether `call.row` is from the API, or only what the catalog remembers.
    """

    call: Call
    known: tuple[KnownRecording, ...] = ()
    attempts: int = 0
    open_since: datetime | None = None
    counted_from: datetime | None = None
    has_row: bool = True


class Result(Struct, frozen=True):
    """How one recording ended in a unit of work: a state, or `already`."""

    record_id: int
    ended: str
    size: int = 0
    refreshed: bool = False


class Outcome(Struct, frozen=True):
    """The outcome of one unit of work.

    `details` explains, beyond what the ledger may contain, why a recording (None: the call) is
    open; `damaged` are problems in the archive. Both are for the report of this run only.
    """

    call: Call
    judged: CallJudged
    events: tuple[Event, ...] = ()
    results: tuple[Result, ...] = ()
    details: tuple[tuple[int | None, str], ...] = ()
    damaged: tuple[str, ...] = ()


class Tally(Struct):
    """How many calls and recordings ended where; tallies of disjoint sets add up.

    Of the calls without a recording, `unrecorded` counts those with talk time, which should have
    one, and `erased` those that belong to an erased person.
    """

    calls: Counter[str] = field(default_factory=Counter)
    recordings: Counter[str] = field(default_factory=Counter)
    refreshed: int = 0
    bytes: int = 0
    unrecorded: int = 0
    erased: int = 0

    def add(self, other: "Tally") -> None:
        """Take the other's counts in."""
        self.calls.update(other.calls)
        self.recordings.update(other.recordings)
        self.refreshed += other.refreshed
        self.bytes += other.bytes
        self.unrecorded += other.unrecorded
        self.erased += other.erased


class Admitted(Struct, frozen=True):
    """The decisions about a page of calls: the tasks, and the states of the others."""

    tasks: tuple[Task, ...]
    tally: Tally


class Problem(Struct, frozen=True):
    """Something open, or newly gone; `record_id` is None where it concerns the whole call."""

    call_id: int
    record_id: int | None
    state: str
    reason: str
    attempts: int
    open_since: datetime | None
