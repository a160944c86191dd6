"""The archive in numbers, and what of it is not as it should be.

A recording counts once, and is of the period of the call that it was stored or first met with; what
is open is named once for each call that lists it. Calls without a date belong to no period.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo


@dataclass(frozen=True, slots=True)
class Period:
    """Calls created in `[since, until)`; None: no bound. Days are those of `zone`."""

    zone: tzinfo
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_all_time(self) -> bool:
        """Whether no bound was set."""
        return self.since is None and self.until is None


@dataclass(slots=True)
class Sums:
    """How many calls stand where. `unrecorded` are those of state `none` with talk time: they
    should have a recording."""

    calls: Counter[str] = field(default_factory=Counter)
    unrecorded: int = 0


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What the catalog knows of the call that something is said about."""

    call_id: int
    lead_id: int | None
    order_id: int | None
    user_id: int | None
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class OpenItem:
    """A recording that is open; `record_id` None: the whole call, and no recording of it is."""

    call: CallFacts
    record_id: int | None
    state: str
    reason: str
    attempts: int
    open_since: datetime | None


@dataclass(frozen=True, slots=True)
class UnrecordedCall:
    """A call with talk time and without a recording; `due_at` None: not looked at again."""

    call: CallFacts
    talk_seconds: float
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class GoneItem:
    """A recording that the source no longer has; the days (UTC) on which it said so."""

    call: CallFacts
    record_id: int
    missing_days: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run that ended and left its report."""

    run_id: str
    ended_at: datetime
    complete: bool
    report_key: str


@dataclass(slots=True)
class Overview:
    """The archive at a glance; every table adds up to the same sums. A key of None is unknown.

    `bytes` are of archived audio; `pending_summaries` are archived recordings without a summary
    whose call will be looked at again. `removed` counts tombstones by why they were set up,
    `removing` recordings whose removal has begun and not ended, `holds` those that are in force;
    the last two are of the whole archive, whatever the period.
    """

    in_all: Sums = field(default_factory=Sums)
    recordings: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    by_day: dict[date | None, Sums] = field(default_factory=dict)
    by_order: dict[int | None, Sums] = field(default_factory=dict)
    by_agent: dict[int | None, Sums] = field(default_factory=dict)
    oldest: datetime | None = None
    newest: datetime | None = None
    pending_summaries: int = 0
    removed: dict[str, int] = field(default_factory=dict)
    removing: int = 0
    holds: int = 0
    open: list[OpenItem] = field(default_factory=list)
    unrecorded: list[UnrecordedCall] = field(default_factory=list)
    gone: list[GoneItem] = field(default_factory=list)
    runs: list[PastRun] = field(default_factory=list)
