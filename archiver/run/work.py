"""The unit of work: archive the recordings of one call.

List, fetch, verify, store, in that order, for one call; addresses may be valid for minutes only, so
they are requested immediately before use. A unit needs nothing but its task, the configuration and
the storage, can be repeated without harm, and returns a small outcome: the events for the ledger.
Problems with a call or a recording are part of the outcome and never raised; only problems of the
whole run are (the API gone, the key rejected, the storage full).
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from archiver.catalog.states import (
    DAYS_UNTIL_GONE,
    OPEN,
    CallState,
    RecordingState,
    next_due,
    step,
    worst,
)
from archiver.catalog.work import KnownRecording, Outcome, Result, Task
from archiver.clock import Clock
from archiver.crew.crew import Crew
from archiver.crew.unit import Brought, Unit
from archiver.errors import (
    ArchiveDamaged,
    FetchError,
    ObjectRefused,
    RequestError,
    RequestForbidden,
    RequestNotFound,
)
from archiver.ledger.events import CallJudged, Event, Gone, OpenRecording, Revised
from archiver.liner.client import LinerClient
from archiver.liner.models import Call, Recording
from archiver.liner.names import Directory
from archiver.reasons import Reason
from archiver.recordings.deposit import Shelf
from archiver.recordings.names import names_of
from archiver.recordings.sidecar import metadata_digest
from archiver.run.events import CURRENT_CALL
from archiver.tasks.grace import Grace
from archiver.tasks.turns import Turns


class Registry(Protocol):
    """Which call owns which recording: one recording can be listed under two calls at once."""

    async def claim(self, call_id: int, record_ids: Collection[int]) -> dict[int, KnownRecording]:
        """What is known about those recordings, once other units that own one are recorded.

        Until the outcome is recorded, they belong to the call.
        """

    def was_erased(self, lead_id: int | None, created_at: datetime | None) -> bool:
        """Whether the lead was erased after that moment."""


class _Progress(Struct):
    """The intermediate results of a unit, whose turn ends when `last`, if known, is fetched."""

    states: dict[int, RecordingState]
    give_turn: Callable[[], None]
    last: int | None = None
    events: list[Event] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    open: list[OpenRecording] = field(default_factory=list)
    details: list[tuple[int | None, str]] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    reason: Reason | None = None

    def note_fetched(self, record_id: int) -> None:
        """The recording only has to be stored."""
        if record_id == self.last:
            self.give_turn()

    def reach(self, record_id: int, state: RecordingState) -> None:
        """The recording is in this state now; ValueError for an invalid transition."""
        self.states[record_id] = step(self.states.get(record_id), state)


class Courier(Struct, frozen=True):
    """Does units of work. `recheck` are the ages at which a call is checked again.

    `crew` fetches and stores, `shelf` updates sidecars and knows the orphans. `unfinished` collects
    what units had stored before they were cancelled. With `doubts`, an earlier run was killed: it
    may have revised sidecars without a record, so they are examined even if the API returns what
    the catalog knows.

    A unit has one of the `turns` while it lists and fetches: addresses may be valid for minutes
    only, so no more are requested than can soon be used.
    """

    liner: LinerClient
    crew: Crew
    shelf: Shelf
    directory: Directory
    registry: Registry
    grace: Grace
    clock: Clock
    recheck: tuple[timedelta, ...]
    turns: Turns
    doubts: bool = False
    unfinished: list[Event] = field(default_factory=list)

    async def bring(self, task: Task) -> Outcome:
        """Do the unit of work, and return its outcome."""
        CURRENT_CALL.set(task.call.id)
        async with self.turns.turn() as give_turn:
            return await self._outcome_of(task, give_turn)

    async def _outcome_of(self, task: Task, give_turn: Callable[[], None]) -> Outcome:
        asked_at = self.clock()
        task = await self._with_row(task)
        states = {known.record_id: known.state for known in task.known}
        progress = _Progress(states, give_turn)
        try:
            listing = await self.liner.recordings(task.call.id)
        except RequestError as error:
            progress.reason = _listing_reason(error)
            progress.details.append((None, str(error)))
        else:
            if listing.problem:
                progress.reason = Reason.LIST_INCOMPLETE
                progress.details.append((None, listing.problem))
            try:
                await self._bring_all(task, listing.found, progress, asked_at)
            except BaseException:
                self.unfinished.extend(progress.events)
                raise
        return self._outcome(task, progress, asked_at)

    async def _with_row(self, task: Task) -> Task:
        """The task with its call as returned by the API, if the catalog was lost meanwhile."""
        if task.has_row:
            return task
        try:
            told = await self.liner.call(task.call.id)
        except RequestError:
            return task  # what the ledger remembers has to do
        known = task.call
        call = replace(
            told,
            lead_id=told.lead_id if told.lead_id is not None else known.lead_id,
            order_id=told.order_id if told.order_id is not None else known.order_id,
            created_at=told.created_at or known.created_at,
            has_records=told.has_records if told.has_records is not None else known.has_records,
        )
        return replace(task, call=call, has_row=True)

    async def _bring_all(
        self, task: Task, listed: Sequence[Recording], progress: _Progress, now: datetime
    ) -> None:
        still_open = {one.record_id for one in task.known if one.state in OPEN}
        present = {recording.id for recording in listed}
        known_now = await self.registry.claim(task.call.id, present | still_open)
        progress.states.update((one.record_id, one.state) for one in known_now.values())
        in_order = sorted(listed, key=_by_time)
        progress.last = in_order[-1].id if in_order and still_open <= present else None
        for recording in in_order:
            known = known_now.get(recording.id)
            if (known is not None and known.is_removed) or self._is_erased(recording):
                self._pass_over(recording.id, progress)
            elif known is not None and known.state is RecordingState.ARCHIVED:
                await self._keep(task, recording, known, progress)
            else:
                await self._bring(task, recording, known, progress, now)
        for record_id in sorted(still_open - present):
            known = known_now.get(record_id)
            if known is not None and known.state in OPEN:
                await self._look_for(task, known, progress, now)

    def _is_erased(self, recording: Recording) -> bool:
        return self.registry.was_erased(recording.lead_id, recording.created_at)

    @staticmethod
    def _pass_over(record_id: int, progress: _Progress) -> None:
        """It was removed or erased: it is settled, and nothing of it is fetched or kept."""
        progress.reach(record_id, RecordingState.ARCHIVED)
        progress.results.append(Result(record_id, "already"))

    async def _keep(
        self, task: Task, recording: Recording, known: KnownRecording, progress: _Progress
    ) -> None:
        """An archived recording: its audio is final, its sidecar follows the API."""
        revised: tuple[Revised, ...] = ()
        if self.doubts or metadata_digest(recording) != known.metadata_sha256:
            names = await names_of(task.call, recording, self.directory)
            try:
                revised = await self.grace.protected(
                    self.shelf.refresh(known.key, task.call, recording, names, known.sidecar_sha256)
                )
            except ArchiveDamaged as error:
                progress.damaged.append(str(error))
            except ObjectRefused as error:  # it stays as it is; the others go on
                progress.details.append((recording.id, str(error)))
        progress.events += revised
        progress.reach(recording.id, RecordingState.ARCHIVED)
        progress.results.append(Result(recording.id, "already", refreshed=bool(revised)))

    async def _bring(
        self,
        task: Task,
        recording: Recording,
        known: KnownRecording | None,
        progress: _Progress,
        now: datetime,
    ) -> None:
        try:
            brought = await self._brought(task.call, recording, progress)
            if brought.reason is not None and brought.reason.may_be_expired:
                fresh = await self._ask_again(task.call.id, recording.id)
                renewed = recording.at(fresh.file_url)
                brought = await self._brought(task.call, renewed, progress)
        except FetchError as error:
            brought = Brought(reason=error.reason, detail=str(error))
        if brought.reason is not None:
            progress.details.append((recording.id, brought.detail))
            self._leave_open(task.call, recording.id, brought.reason, known, progress, now)
            return
        progress.events += brought.events
        progress.reach(recording.id, RecordingState.ARCHIVED)
        progress.results.append(Result(recording.id, "archived", size=brought.size))

    async def _brought(self, call: Call, recording: Recording, progress: _Progress) -> Brought:
        """The result for the recording, once. Raises the error that ends the run."""
        names = await names_of(call, recording, self.directory)
        unit = Unit(call, recording, names, self.shelf.orphans.get(recording.id))
        brought = await self.crew.bring(unit, lambda: progress.note_fetched(recording.id))
        self._note_left(recording.id, brought)
        if brought.failure is not None:
            raise brought.failure
        return brought

    async def drain(self) -> None:
        """Add the results of recordings whose calls were abandoned meanwhile."""
        for record_id, brought in await self.crew.drain():
            self._note_left(record_id, brought)
            self.unfinished.extend(brought.events)

    def _note_left(self, record_id: int, brought: Brought) -> None:
        """Note what is stored but unrecorded now, and forget the former note."""
        self.shelf.orphans.pop(record_id, None)
        if brought.left is not None:
            self.shelf.orphans[record_id] = brought.left

    async def _look_for(
        self, task: Task, known: KnownRecording, progress: _Progress, now: datetime
    ) -> None:
        """An open recording that is no longer listed may still be available on its own."""
        try:
            recording = await self.liner.recording(known.record_id)
        except RequestNotFound:
            reason = Reason.NO_LONGER_LISTED
            self._leave_open(task.call, known.record_id, reason, known, progress, now)
        except RequestError:
            reason = Reason.LIST_FAILED
            self._leave_open(task.call, known.record_id, reason, known, progress, now)
        else:
            await self._bring(task, recording, known, progress, now)

    async def _ask_again(self, call_id: int, record_id: int) -> Recording:
        """The recording with a new address: from its own page, or else from the call's list."""
        try:
            try:
                return await self.liner.recording(record_id)
            except RequestError:
                listing = await self.liner.recordings(call_id)
        except RequestError as error:
            raise FetchError(Reason.LIST_FAILED, str(error)) from error
        for recording in listing.found:
            if recording.id == record_id:
                return recording
        raise FetchError(Reason.NO_LONGER_LISTED, "the API no longer lists the recording")

    def _leave_open(
        self,
        call: Call,
        record_id: int,
        reason: Reason,
        known: KnownRecording | None,
        progress: _Progress,
        now: datetime,
    ) -> None:
        """Not archived: waiting, failed, or gone when the source could not serve it for days."""
        days = known.missing_days if known is not None else ()
        if reason.settles:
            days = tuple(sorted({*days, f"{now:%Y-%m-%d}"}))
        if known is not None and known.state is RecordingState.GONE:
            state = RecordingState.GONE
        elif len(days) >= DAYS_UNTIL_GONE:
            state = RecordingState.GONE
            progress.events.append(
                Gone(record_id=record_id, call_id=call.id, missing_days=days, reason=reason)
            )
        else:
            waits = reason is Reason.NO_ADDRESS
            state = RecordingState.WAITING if waits else RecordingState.FAILED
            progress.open.append(
                OpenRecording(
                    record_id=record_id,
                    state=state,
                    reason=reason,
                    attempts=(known.attempts if known is not None else 0) + 1,
                    since=(known.open_since if known is not None else None) or now,
                    missing_days=days,
                )
            )
        progress.reach(record_id, state)
        progress.results.append(Result(record_id, state))

    def _outcome(self, task: Task, progress: _Progress, asked_at: datetime) -> Outcome:
        call = task.call
        state, reason = _judge(call, progress)
        is_open = state in OPEN
        counted_from = call.created_at or task.counted_from or asked_at
        # A flag that says no, and was doubted once, is believed; all else is looked at again.
        is_believed = state is CallState.NONE and call.has_records is False
        later = None if is_believed else next_due(counted_from, asked_at, self.recheck)
        judged = CallJudged(
            call_id=call.id,
            state=state,
            attempts=task.attempts + 1 if is_open else 0,
            reason=reason if is_open else None,
            lead_id=call.lead_id,
            order_id=call.order_id,
            user_id=call.user_id,
            created_at=counted_from,
            talk_seconds=call.talk_seconds,
            has_records=call.has_records,
            asked_at=asked_at,
            due_at=asked_at if is_open else later,
            open_since=(task.open_since or asked_at) if is_open else None,
            recordings=tuple(sorted(progress.states)),
            open=tuple(progress.open),
        )
        return Outcome(
            call,
            judged,
            tuple(progress.events),
            tuple(progress.results),
            tuple(progress.details),
            tuple(progress.damaged),
        )


def _judge(call: Call, progress: _Progress) -> tuple[CallState, Reason | None]:
    """The state of a call, and the reason if it is open."""
    if progress.reason is Reason.CALL_UNKNOWN:
        return CallState.WAITING, progress.reason
    if progress.reason is not None:
        return CallState.FAILED, progress.reason
    if progress.states:
        state = worst(progress.states.values())
        reasons = [Reason(one.reason) for one in progress.open if one.state == state.value]
        return state, reasons[0] if reasons else None
    if call.has_records:
        return CallState.WAITING, Reason.NONE_LISTED
    return CallState.NONE, None


def _listing_reason(error: RequestError) -> Reason:
    if isinstance(error, RequestNotFound):
        return Reason.CALL_UNKNOWN
    if isinstance(error, RequestForbidden):
        return Reason.LIST_FORBIDDEN
    return Reason.LIST_FAILED


def _by_time(recording: Recording) -> tuple[float, int]:
    created = recording.created_at
    return (created.timestamp() if created else 0.0, recording.id)
