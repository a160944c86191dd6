"""The fields of a row, read leniently (pure).

The API documentation gives every field a type and marks almost none as nullable. This also accepts
what servers of this kind send anyway: numbers as strings, 0 and 1 for a bool, null or nothing at
all. An invalid value is None; only a row without a usable id is rejected.
"""

import math
from datetime import UTC, datetime
from typing import Any, Final

from archiver.liner.models import Call, Order, Recording, Row, Status, User

_GREATEST_ID: Final = 2**63 - 1
_MOST_DIGITS: Final = 19
"""The maximum digits of an id or a count, as many as in 2**63 - 1."""
_TRUE: Final = frozenset({"1", "true"})
_FALSE: Final = frozenset({"0", "false"})


def as_count(value: Any) -> int | None:
    """An integer of at least 0, also from a string of digits or a float without a fraction."""
    if type(value) is int:
        return value if 0 <= value <= _GREATEST_ID else None
    if isinstance(value, str):
        text = value.strip()
        if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
            return as_count(int(text))
    if isinstance(value, float) and value.is_integer() and 0 <= value < 2.0**53:
        return int(value)
    return None


def as_id(value: Any) -> int | None:
    """An id: 1 .. 2**63 - 1. A bool is not one."""
    return as_count(value) or None


def as_bool(value: Any) -> bool | None:
    """True and false, also as 0 and 1 and as words."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, str)):
        word = str(value).strip().lower() if value in (0, 1) or isinstance(value, str) else ""
        return True if word in _TRUE else False if word in _FALSE else None
    return None


def as_seconds(value: Any) -> float | None:
    """A duration: 0 or more and finite; an int stays one."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, int):
        return value if 0 <= value <= _GREATEST_ID else None
    return value if math.isfinite(value) and value >= 0 else None


def as_text(value: Any) -> str | None:
    """A string that is not blank."""
    return value if isinstance(value, str) and value.strip() else None


def as_time(value: Any) -> datetime | None:
    """A moment in UTC from ISO 8601 with any offset; without an offset it is UTC."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value.strip())
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def read_order(row: Row) -> Order | None:
    """A row of either order list: v2 has a display name and an internal one, v1 only the first."""
    order_id = as_id(row.get("id"))
    if order_id is None:
        return None
    return Order(order_id, as_text(row.get("title")) or as_text(row.get("serviceTitle")))


def read_user(row: Row) -> User | None:
    """A row of the user list, or the user detail."""
    user_id = as_id(row.get("id"))
    if user_id is None:
        return None
    names = (as_text(row.get("name")), as_text(row.get("lastName")))
    return User(user_id, " ".join(name.strip() for name in names if name) or None)


def read_status(row: Row) -> Status | None:
    """A row of the list of call statuses."""
    status_id = as_id(row.get("id"))
    return None if status_id is None else Status(status_id, as_text(row.get("code")))


def read_call(row: Row) -> Call | None:
    """A row of the call list, or the call detail."""
    call_id = as_id(row.get("id"))
    if call_id is None:
        return None
    return Call(
        id=call_id,
        lead_id=as_id(row.get("leadId")),
        order_id=as_id(row.get("orderId")),
        user_id=as_id(row.get("userId")),
        status_id=as_id(row.get("statusId")),
        status_code=as_text(row.get("statusCode")),
        created_at=as_time(row.get("createdAt")),
        talk_seconds=as_seconds(row.get("talkTimeDurationSeconds")),
        has_records=as_bool(row.get("hasRecords")),
        row=row,
    )


def read_recording(row: Row) -> Recording | None:
    """A row of the list of recordings, or the recording detail."""
    record_id = as_id(row.get("id"))
    if record_id is None:
        return None
    url = as_text(row.get("fileUrl"))
    summary = row.get("recordSummary")
    return Recording(
        id=record_id,
        lead_id=as_id(row.get("leadId")),
        user_id=as_id(row.get("userId")),
        is_transfer=as_bool(row.get("isTransfer")),
        duration_seconds=as_seconds(row.get("durationSeconds")),
        file_url=url.strip() if url else None,
        summary=summary if isinstance(summary, str) else None,
        created_at=as_time(row.get("createdAt")),
        row=row,
    )
