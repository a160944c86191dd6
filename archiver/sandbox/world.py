"""A call centre held in memory, built in a line or two, as strange as a test needs it. Pure.

    world = World().call(1, talk=90).recording(11).recording(12, is_transfer=True)
    world.call(2, fields={"hasRecords": ABSENT, "userId": None, "clientPhone": "\\x1b[31m"})

It may change while it is served.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Self

from archiver.sandbox.audio import Audio, wav
from archiver.sandbox.exchange import Row
from archiver.sandbox.model import (
    START,
    Call,
    CallQuery,
    Lead,
    Order,
    Recording,
    Status,
    User,
    parse_moment,
)
from archiver.sandbox.rows import call_row

STATUSES = (
    Status(1, "answered", "Answered"),
    Status(2, "no-answer", "No answer"),
    Status(3, "busy", "Busy"),
    Status(4, "call-back", "Call back"),
)


class World:
    """A world held in memory, built by chained calls. Ids are up to the builder."""

    def __init__(self) -> None:
        self.orders: dict[int, Order] = {}
        self.users: dict[int, User] = {}
        self.statuses: dict[int, Status] = {status.id: status for status in STATUSES}
        self.leads: dict[int, Lead] = {}
        self._calls: dict[int, Call] = {}
        self._recordings: dict[int, list[Recording]] = {}
        self._by_id: dict[int, Recording] = {}
        self._last_call = 0
        self._highest_call, self._highest_record = 0, 900_000

    def order(self, order_id: int, title: str = "Delivery line", **others: Any) -> Self:
        """Adds or replaces an order; `others` are further members of `Order`."""
        self.orders[order_id] = Order(order_id, title, **others)
        return self

    def user(
        self, user_id: int, name: str = "Anna", last_name: str = "Price", **others: Any
    ) -> Self:
        """Adds or replaces an agent; `others` are further members of `User`."""
        self.users[user_id] = User(user_id, name, last_name, **others)
        return self

    def lead(self, lead_id: int, order: int | None = None, **others: Any) -> Self:
        """Adds or replaces a lead; `others` are further members of `Lead`."""
        self.leads[lead_id] = Lead(lead_id, order, **others)
        return self

    def call(
        self,
        call_id: int | None = None,
        *,
        order: int | None = 1,
        lead: int | None = 0,
        at: datetime | str | None = None,
        **others: Any,
    ) -> Self:
        """Adds or replaces a call, and its order and lead when the world lacks them.

        Without `call_id` it is the next free one; lead 0 is a lead of its own (50000 + the id of
        the call); without `at` the call is a second after the one before. `others` are further
        members of `Call`.
        """
        call_id = self._highest_call + 1 if call_id is None else call_id
        lead = 50_000 + call_id if lead == 0 else lead
        if order is not None and order not in self.orders:
            self.order(order)
        if lead is not None and lead not in self.leads:
            self.lead(lead, order)
        when = _moment(at) or START + timedelta(seconds=len(self._calls))
        self._calls[call_id] = Call(call_id, lead, order, when, **others)
        self._last_call, self._highest_call = call_id, max(call_id, self._highest_call)
        return self

    def recording(
        self,
        record_id: int | None = None,
        *,
        call: int | None = None,
        audio: Audio | None = None,
        at: datetime | str | None = None,
        **others: Any,
    ) -> Self:
        """Adds a recording to a call: the one added last, unless `call` names another.

        Without `record_id` it is the next free one; without `audio` a WAV file of 4 KiB of its own.
        `others` are further members of `Recording`. The same id under two calls is one recording
        that is listed twice.
        """
        record_id = self._highest_record + 1 if record_id is None else record_id
        parent = self._calls[self._last_call if call is None else call]
        others.setdefault("lead_id", parent.lead_id)
        others.setdefault("user_id", parent.user_id)
        when = _moment(at) or parent.created_at + timedelta(seconds=parent.wait)
        found = Recording(
            record_id,
            call_id=parent.id,
            created_at=when,
            audio=audio or wav(4096, record_id),
            **others,
        )
        self._recordings.setdefault(parent.id, []).append(found)
        self._by_id[record_id] = found
        self._highest_record = max(record_id, self._highest_record)
        return self

    def change_call(self, call_id: int, **changes: Any) -> Self:
        """Changes members of a call."""
        self._calls[call_id] = replace(self._calls[call_id], **changes)
        return self

    def change_recording(self, record_id: int, **changes: Any) -> Self:
        """Changes members of a recording, wherever it is listed."""
        self._by_id[record_id] = changed = replace(self._by_id[record_id], **changes)
        for recordings in self._recordings.values():
            recordings[:] = [changed if each.id == record_id else each for each in recordings]
        return self

    def remove_call(self, call_id: int) -> Self:
        """Takes a call and its recordings away."""
        del self._calls[call_id]
        for recording in self._recordings.pop(call_id, []):
            self._by_id.pop(recording.id, None)
        return self

    def remove_recording(self, record_id: int) -> Self:
        """Takes a recording away, wherever it is listed."""
        del self._by_id[record_id]
        for recordings in self._recordings.values():
            recordings[:] = [each for each in recordings if each.id != record_id]
        return self

    def calls(self, query: CallQuery, offset: int, limit: int) -> tuple[list[Row], int]:
        """See `Source`. The order is by creation, then id."""
        codes = _codes(self.statuses, query)
        found = [call for call in self._calls.values() if _matches(call, query, codes)]
        found.sort(key=lambda call: (call.created_at, call.id), reverse=query.newest_first)
        return [self._row(call) for call in found[offset : offset + limit]], len(found)

    def call_row(self, call_id: int) -> Row | None:
        """See `Source`."""
        call = self._calls.get(call_id)
        return self._row(call) if call else None

    def recordings_of(self, call_id: int) -> Sequence[Recording] | None:
        """See `Source`."""
        return self._recordings.get(call_id, []) if call_id in self._calls else None

    def recording_of(self, record_id: int) -> Recording | None:
        """See `Source`."""
        return self._by_id.get(record_id)

    def lead_of(self, lead_id: int) -> Lead | None:
        """See `Source`."""
        return self.leads.get(lead_id)

    def all_leads(self) -> Sequence[Lead]:
        """See `Source`."""
        return list(self.leads.values())

    def _row(self, call: Call) -> Row:
        held = bool(self._recordings.get(call.id))
        return call_row(call, self.statuses, held if call.has_records is None else call.has_records)


def _moment(at: datetime | str | None) -> datetime | None:
    return parse_moment(at) if isinstance(at, str) else at


def _codes(statuses: Mapping[int, Status], query: CallQuery) -> frozenset[str] | None:
    if query.statuses is None:
        return None
    return frozenset(status.code for status in statuses.values() if status.id in query.statuses)


def _matches(call: Call, query: CallQuery, codes: frozenset[str] | None) -> bool:
    filters = (
        (query.orders, call.order_id),
        (query.leads, call.lead_id),
        (query.users, call.user_id),
        (codes, call.status),
    )
    within = (query.since is None or query.since <= call.created_at) and (
        query.until is None or call.created_at <= query.until
    )
    return within and all(wanted is None or value in wanted for wanted, value in filters)
