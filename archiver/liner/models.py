"""What the Liner API lists, as frozen values.

Each value carries the fields that the archiver acts on, parsed and checked, and `row`: the object
exactly as the API gave it, for the sidecar. Sources: Call List and Call Record List of the API
documentation; everything but the ids may be missing (`docs/liner.md`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeAlias

Row: TypeAlias = Mapping[str, Any]
"""A JSON object as the API gave it."""


@dataclass(frozen=True, slots=True)
class Order:
    """A row of the order list: what calls are enumerated by. `id` is in 1 .. 2**63 - 1."""

    id: int
    title: str | None


@dataclass(frozen=True, slots=True)
class User:
    """A row of the user list. `name` is first and last name, or what there is of them."""

    id: int
    name: str | None


@dataclass(frozen=True, slots=True)
class Status:
    """A row of the list of call statuses; `code` is what a call's `statusCode` says."""

    id: int
    code: str | None


@dataclass(frozen=True, slots=True)
class Call:
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
    row: Row = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Recording:
    """A row of `GET /v2/call-record/`. An empty `fileUrl` is None here: not ready yet."""

    id: int
    lead_id: int | None = None
    user_id: int | None = None
    is_transfer: bool | None = None
    duration_seconds: float | int | None = None
    file_url: str | None = None
    summary: str | None = None
    created_at: datetime | None = None
    row: Row = field(default_factory=dict, compare=False)

    def at(self, address: str | None) -> "Recording":
        """The same recording at another address; its row stays as the API gave it."""
        return replace(self, file_url=address)
