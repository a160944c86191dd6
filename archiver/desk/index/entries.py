"""What the index answers with, as frozen values (pure).

Texts come from the API and are to be shown as text, whatever they hold. Nothing here is a key or a
path: audio is asked for by the id of its recording.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from archiver.desk.index.view import State


class Entry(NamedTuple):
    """One recording for people; None is what nobody told.

    `seconds` is the measured length, else the API's. `legs` is how many recordings its call has,
    this one included. `reason` says why a recording is waiting or failed, as a word of the ledger.
    `trouble` is a sentence about what is the matter with its sidecar ("" if nothing): what only the
    sidecar tells is then missing. `is_read` is false while the index has not come to its sidecar.
    """

    record_id: int
    call_id: int
    state: State
    lead_id: int | None = None
    order_id: int | None = None
    order: str | None = None
    user_id: int | None = None
    agent: str | None = None
    direction: str | None = None
    status: str | None = None
    phone: str | None = None
    created_at: datetime | None = None
    seconds: float | None = None
    summary: str | None = None
    is_transfer: bool = False
    is_held: bool = False
    is_reviewed: bool = False
    is_read: bool = False
    legs: int = 1
    size: int = 0
    sha256: str | None = None
    content_type: str | None = None
    findings: tuple[str, ...] = ()
    reason: str | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Leg:
    """One recording of a call on the call's timeline, `offset` seconds after its beginning.

    Legs are played one after the other, so the offset is the sum of the lengths before it; hours
    that a person waited in between are in `entry.created_at`. A length nobody knows counts as 0.
    """

    entry: Entry
    offset: float


@dataclass(frozen=True, slots=True)
class CallEntry:
    """A call as one timeline: its recordings in the order in which they were made."""

    call_id: int
    legs: tuple[Leg, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a view. `total` counts all of them; `next` is the cursor of the next page."""

    rows: tuple[Entry, ...]
    total: int
    next: str | None


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What stands before and after a recording in a view, and where it stands itself.

    `position` counts from 1; None when the recording is not in the view, and then there are no
    neighbours either.
    """

    previous: int | None
    next: int | None
    position: int | None
    total: int


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a facet: what a view would say for it, its name if it has one, its count."""

    value: int | str
    label: str | None
    count: int


@dataclass(frozen=True, slots=True, eq=False)
class Facets:
    """How many rows each choice would give, all other facets of the view applied.

    Ids come with their newest known name; 0 and "" stand for "none known". The most frequent come
    first, days in order. Pairs are (no, yes).
    """

    days: Mapping[date, int]
    orders: tuple[Choice, ...]
    agents: tuple[Choice, ...]
    directions: tuple[Choice, ...]
    statuses: tuple[Choice, ...]
    states: tuple[Choice, ...]
    tags: tuple[Choice, ...]
    has_summary: tuple[int, int]
    is_reviewed: tuple[int, int]
    is_held: tuple[int, int]
    findings: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the index follows the archive.

    `segments` of the ledger are taken in, of `known_segments` that are there. `expected` is how
    many archived recordings there will be then, by a count of lines (0: not counted yet). `read` of
    `recordings` archived ones have their sidecar read; `troubles` of these could not be.
    `is_current` while nothing is known to be left to do.
    `trouble` says what is the matter with the ledger or the storage, "" if nothing.
    """

    segments: int
    recordings: int
    read: int
    troubles: int
    is_current: bool
    trouble: str = ""
    known_segments: int = 0
    expected: int = 0

    @property
    def is_reading_ledger(self) -> bool:
        """Whether segments are still to be taken in."""
        return self.segments < self.known_segments
