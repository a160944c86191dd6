"""The producer of a run: which calls are requested, and which of them become work.

Plans the windows, lists them, admits each call once, and passes on what is due. It counts what it
admitted and what it could not list, since the balance has to account for both.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial

import anyio
from msgspec import Struct, field

from archiver.archive.archive import Archive
from archiver.catalog import queries
from archiver.catalog.states import RecordingState
from archiver.catalog.work import Admitted, Problem, Tally
from archiver.config import Config
from archiver.errors import RequestError
from archiver.ledger.events import CursorMoved, OrderSeen
from archiver.liner.client import LinerClient
from archiver.liner.enumerate import Enumerator, Shortfall
from archiver.liner.models import Call, Order
from archiver.liner.names import Directory
from archiver.liner.scope import Scope, Stretch, Window
from archiver.reasons import Reason
from archiver.run.events import CallDone, CallsExpected, CallsListed, OnEvent, tell_progress
from archiver.run.pipeline import HandOver
from archiver.run.request import RunRequest
from archiver.run.windows import (
    cursor_events,
    narrowing,
    scopes_of,
    stretches_of,
    window_of,
)

_DUE_AT_ONCE = 100
"""Calls taken from the waiting list at a time."""


async def listed_orders(liner: LinerClient, config: Config, request: RunRequest) -> list[Order]:
    """The orders that the API lists. Runs that do not list by order can do without."""
    try:
        return await liner.orders()
    except RequestError:
        if request.names_scopes or config.scope.leads or config.scope.orders:
            return []
        raise


Admit = Callable[[Sequence[Call]], Awaitable[None]]


class Intake(Struct):
    """The calls of one run. `orders` are those that the API lists, `now` is when the run began."""

    config: Config
    request: RunRequest
    archive: Archive
    liner: LinerClient
    directory: Directory
    orders: Collection[int]
    run_id: str
    now: datetime
    on_event: OnEvent
    stretches: list[Stretch] = field(default_factory=list)
    shortfalls: list[Shortfall] = field(default_factory=list)
    unread_calls: list[Problem] = field(default_factory=list)
    orders_no_longer_listed: list[int] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    listed: int = 0
    leads_met: set[int | None] = field(default_factory=set)

    @property
    def bounds(self) -> tuple[datetime | None, datetime]:
        """The start of the run's period (None: each scope has its own) and its end, exclusive."""
        return window_of(self.config, self.request, self.now)

    async def plan(self) -> None:
        """Record new orders, and plan the windows.

        Raises UsageError if there is no start date.
        """
        catalog = self.archive.catalog
        listed = set(self.orders)
        seen = await catalog.ask(queries.orders_seen)
        self.orders_no_longer_listed = sorted(seen - listed)
        for kind, ids in scopes_of(self.config, self.request, listed | seen).items():
            cursors = await catalog.ask(
                partial(queries.cursors, kind=kind, narrowed_to=narrowing(self.config))
            )
            self.stretches += stretches_of(self.config, kind, ids, cursors, self.bounds)
        named = {*self.request.orders, *(self.config.scope.orders or ())}
        if listed and (strangers := sorted(named - listed)):
            self.directory.notes.append(
                "The API does not list these orders; check their ids: "
                + ", ".join(map(str, strangers))
            )
        if self.liner.orders_missing and self.request.is_whole:
            self.shortfalls.append(self._orders_missing())
        if new := sorted(listed - seen):
            await catalog.record([OrderSeen(order_ids=tuple(new))], at=self.now, run=self.run_id)

    async def produce(self, hand_over: HandOver) -> None:
        """List calls, and pass on every call that is due; waits while the workers are busy."""

        async def admit(calls: Sequence[Call]) -> None:
            if self.request.leads:
                self.leads_met.update(call.lead_id for call in calls)
            with anyio.CancelScope(shield=True):
                admitted = await self.archive.catalog.admission.admit(
                    calls, now=self.now, run=self.run_id, recheck=self.request.recheck
                )
                # Admitted calls are always passed on, even if another page of the same list fails
                # now and ends this task: no call is admitted twice. If the workers are gone, the
                # run is over.
                with suppress(anyio.BrokenResourceError):
                    await self._take(admitted, hand_over)

        scope = self.config.scope
        enumerator = Enumerator(
            self.liner,
            users=scope.users,
            statuses=scope.statuses,
            in_one_piece=self.request.for_export,
            on_progress=lambda progress: tell_progress(progress, self.on_event),
        )
        self.shortfalls += await enumerator.run(self.stretches, admit)
        self._note_strangers()
        for call_id in self.request.calls:
            await self._single(call_id, admit)
        is_elsewhere = self.request.for_export and not self.request.names_scopes
        if not self.request.calls and not is_elsewhere:
            await self._hand_over_due(hand_over)
        self.on_event(CallsExpected(self.listed, final=True))

    def cursors(self) -> list[CursorMoved]:
        """The new cursors of a finished run: none unless it was a full run."""
        if not self.request.is_whole:
            return []
        incomplete: set[Scope] = {scope for one in self.shortfalls for scope in one.scopes}
        return cursor_events(self.stretches, incomplete, narrowing(self.config))

    def _note_strangers(self) -> None:
        """A lead without calls and a mistyped lead look the same in the API: report both."""
        strangers = sorted(set(self.request.leads) - self.leads_met)
        if strangers and None not in self.leads_met:
            self.directory.notes.append(
                "The API lists no calls of these leads in this period; check their ids: "
                + ", ".join(map(str, strangers))
            )

    def _orders_missing(self) -> Shortfall:
        since, until = self.bounds
        missing = self.liner.orders_missing
        text = f"the API counts {missing} more orders than it lists"
        return Shortfall((), Window(since or until, until), text, retryable=True)

    async def _take(self, admitted: Admitted, hand_over: HandOver) -> None:
        settled = admitted.tally.calls.total()
        self.tally.add(admitted.tally)
        self._count(settled + len(admitted.tasks))
        for state, count in admitted.tally.calls.items():
            self.on_event(CallDone(state, count))
        for task in admitted.tasks:
            await hand_over(task)

    async def _hand_over_due(self, hand_over: HandOver) -> None:
        """Calls that are open or due for a recheck, and were not listed by this run."""
        leads, orders = self.request.leads, self.request.orders
        while tasks := await self.archive.catalog.admission.due(
            self.now, leads=leads, orders=orders, most=_DUE_AT_ONCE
        ):
            self._count(len(tasks))
            for task in tasks:
                await hand_over(task)

    async def _single(self, call_id: int, admit: Admit) -> None:
        """A call given by its id. If it is settled, it is counted without a request."""
        admission = self.archive.catalog.admission
        if not self.request.recheck and await admission.is_settled(call_id, self.now):
            await admit([Call(call_id)])
            return
        try:
            call = await self.liner.call(call_id)
        except RequestError:
            self.unread_calls.append(
                Problem(call_id, None, RecordingState.FAILED, Reason.CALL_NOT_READ, 1, self.now)
            )
        else:
            await admit([call])

    def _count(self, calls: int) -> None:
        self.listed += calls
        self.on_event(CallsListed(calls))
