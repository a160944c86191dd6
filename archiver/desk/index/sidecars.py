"""A sidecar -> what the index keeps of it (pure).

The sidecar repeats what the API said, so every member is read as leniently as the API's own.
"""

from functools import lru_cache
from typing import Any, Final, NamedTuple

from archiver.catalog.epoch import seconds
from archiver.desk.index.search import clean, phone_digits
from archiver.liner.fields import as_bool, as_id, as_seconds, as_text, as_time
from archiver.recordings.sidecar import decode

_MOST_WORD: Final = 200
"""Characters of a name, a status or a telephone number that are kept."""

_MOST_SUMMARY: Final = 100_000


class Card(NamedTuple):
    """The data of one sidecar. With `trouble` there is none, and that sentence says why.

    A tuple, since that is what goes fastest from one process to another, and into SQLite. The
    names of agent and order, which are kept apart, come last.
    """

    record_id: int
    revision: int
    trouble: str = ""
    lead_id: int | None = None
    order_id: int | None = None
    user_id: int | None = None
    created_at: int | None = None
    seconds: float | None = None
    direction: str | None = None
    status: str | None = None
    phone: str | None = None
    digits: int | None = None
    is_transfer: bool = False
    summary: str | None = None
    agent: str | None = None
    order: str | None = None


def read_card(record_id: int, revision: int, data: bytes) -> Card:
    """The card out of the bytes of a sidecar whose digest was checked."""
    try:
        fields = decode(data).fields
    except (ValueError, RecursionError) as error:
        return Card(record_id=record_id, revision=revision, trouble=f"its sidecar: {error}"[:200])
    if fields.get("recordId") != record_id:
        trouble = "its sidecar belongs to another recording"
        return Card(record_id=record_id, revision=revision, trouble=trouble)
    call, audio = fields["call"], fields["audio"]
    phone = _word(call.get("clientPhone"))
    measured = as_seconds(audio.get("measuredSeconds"))
    return Card(
        record_id=record_id,
        revision=revision,
        lead_id=as_id(fields.get("leadId")),
        order_id=as_id(fields.get("orderId")),
        user_id=as_id(fields.get("userId")),
        created_at=seconds(as_time(fields.get("createdAt"))),
        seconds=as_seconds(fields.get("durationSeconds")) if measured is None else measured,
        direction=_word(call.get("direction")),
        status=_word(fields.get("statusCode")),
        phone=phone,
        digits=phone_digits(phone or ""),
        is_transfer=as_bool(fields.get("isTransfer")) is True,
        summary=_text(fields.get("recordSummary"), _MOST_SUMMARY),
        agent=_word(fields.get("userName")),
        order=_word(fields.get("orderTitle")),
    )


def _text(value: Any, most: int) -> str | None:
    text = as_text(value)
    return None if text is None else clean(text[:most]).strip() or None


def _word(value: Any) -> str | None:
    """A short text, or a number that stands for one, on one line."""
    if type(value) is int:
        value = str(value)
    return _on_one_line(value[:_MOST_WORD]) if type(value) is str else None


@lru_cache(maxsize=4096)
def _on_one_line(value: str) -> str | None:
    """Of names, statuses and directions few are different."""
    text = _text(value, _MOST_WORD)
    return None if text is None else " ".join(text.split())
