"""What a call centre is made of, as the sandbox holds it. Pure.

`fields` of a thing change its row at will: they add members, replace them, or take them away
(`ABSENT`). `Source` is what the routes need of a world; `World` holds one in memory, a huge one
computes its rows instead (`synthetic`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Protocol

from archiver.sandbox.audio import Audio
from archiver.sandbox.exchange import Row

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
"""When the first call of a world happened, unless it says otherwise; a second is added per call."""


class Absent(Enum):
    """In `fields`: the row lacks the member."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


def moment(value: datetime) -> str:
    """The API's spelling of a time: ISO 8601, UTC, whole seconds."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_moment(text: str) -> datetime:
    """A time as the API takes it; one without an offset is UTC. Raises ValueError."""
    value = datetime.fromisoformat(text)
    return value if value.tzinfo else value.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Order:
    """An order. An archived one is missing in the v1 list, an unlisted one in both."""

    id: int
    title: str = "Delivery line"
    archived: bool = False
    listed: bool = True
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class User:
    """An agent, active or blocked."""

    id: int
    name: str = "Anna"
    last_name: str = "Price"
    active: bool = True
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Status:
    """A call status: `id` is what calls are filtered by, `code` what rows say."""

    id: int
    code: str
    title: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Lead:
    """A lead: the client of one or more calls."""

    id: int
    order_id: int | None = None
    name: str = "Client"
    phone: str = "+79001234567"
    created_at: datetime = START
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """A call. `has_records` None: whatever the world holds; `fields` change the row at will."""

    id: int
    lead_id: int | None
    order_id: int | None
    created_at: datetime
    user_id: int | None = 101
    status: str = "answered"
    direction: str = "outgoing"
    finish_initiator: str = "client"
    wait: int = 5
    talk: int = 20
    phone: str = "+79001234567"
    has_records: bool | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recording:
    """A recording of a call and the file behind it.

    `duration` None is the length of the audio. `file_url` takes the place of the address of the
    file; None is null. It may hold `{origin}`, `{other}` (the second origin) and `{path}` (the true
    path of the file).
    """

    id: int
    call_id: int
    lead_id: int | None
    created_at: datetime
    audio: Audio
    user_id: int | None = 101
    duration: float | None = None
    summary: str | None = "The client asked, the agent answered."
    is_transfer: bool = False
    file_url: str | None = "{origin}{path}"
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CallQuery:
    """Which calls are wanted. None is no filter; both ends of the period are inclusive."""

    orders: frozenset[int] | None = None
    leads: frozenset[int] | None = None
    users: frozenset[int] | None = None
    statuses: frozenset[int] | None = None
    since: datetime | None = None
    until: datetime | None = None
    newest_first: bool = False


class Source(Protocol):
    """What the routes need of a world."""

    @property
    def orders(self) -> Mapping[int, Order]:
        """Every order by its id."""

    @property
    def users(self) -> Mapping[int, User]:
        """Every agent by their id."""

    @property
    def statuses(self) -> Mapping[int, Status]:
        """Every call status by its id."""

    def calls(self, query: CallQuery, offset: int, limit: int) -> tuple[list[Row], int]:
        """A page of rows and the number of all calls that match."""

    def call_row(self, call_id: int) -> Row | None:
        """The row of one call, None when there is no such call."""

    def recordings_of(self, call_id: int) -> Sequence[Recording] | None:
        """The recordings of a call, None when there is no such call."""

    def recording_of(self, record_id: int) -> Recording | None:
        """One recording."""

    def lead_of(self, lead_id: int) -> Lead | None:
        """One lead."""

    def all_leads(self) -> Sequence[Lead]:
        """Every lead; a huge world may show none."""
