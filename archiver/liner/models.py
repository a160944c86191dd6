"""The objects of the Liner API as frozen values.

Each value has the fields that the archiver uses, parsed and checked, and `row`: the object exactly
as the API returned it, for the sidecar. Sources: Call List and Call Record List of the API
documentation; everything but the ids may be missing (`docs/liner.md`).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

Row: TypeAlias = Mapping[str, Any]
"""A JSON object as returned by the API."""


class Order(Struct, frozen=True):
    """A row of the order list; calls are listed by order. `id` is in 1 .. 2**63 - 1."""

    id: int
    title: str | None


class User(Struct, frozen=True):
    """A row of the user list. `name` is first and last name, as far as known."""

    id: int
    name: str | None


class Status(Struct, frozen=True):
    """A row of the list of call statuses; `code` is the `statusCode` of calls."""

    id: int
    code: str | None


class Call(Struct, frozen=True):
    """A row of `GET /v2/call/`. Ids are in 1 .. 2**63 - 1, times are aware and in UTC."""

    id: int
    lead_id: int | None = None
    order_id: int | None = None
    user_id: int | None = None
    status_id: int | None = None
    status_code: str | None = None
    created_at: datetime | None = None
    talk_seconds: float | None = None
    has_records: bool | None = None
    row: Row = field(default_factory=dict)


class Recording(Struct, frozen=True):
    """A row of `GET /v2/call-record/`. An empty `fileUrl` is None here: not ready yet."""

    id: int
    lead_id: int | None = None
    user_id: int | None = None
    is_transfer: bool | None = None
    duration_seconds: float | int | None = None
    file_url: str | None = None
    summary: str | None = None
    created_at: datetime | None = None
    row: Row = field(default_factory=dict)

    def at(self, address: str | None) -> "Recording":
        """The same recording at another address; its row stays as the API gave it."""
        return replace(self, file_url=address)
