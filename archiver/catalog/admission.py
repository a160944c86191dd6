"""Admission of calls to a run: each listed call is admitted once, and it is decided what is due.

What a run has listed and counted is in temporary tables of the writing connection, so it is
forgotten with the run, and a set of a million ids needs no memory.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from archiver.catalog import queries
from archiver.catalog.connection import Writer
from archiver.catalog.epoch import seconds
from archiver.catalog.projection import removals
from archiver.catalog.states import CallState, Decision, Standing, decide, is_unrecorded
from archiver.catalog.work import Admitted, KnownRecording, Result, Tally, Task
from archiver.ledger.events import CallJudged
from archiver.liner.models import Call

_AT_HOME: Final = ("archived", "already")


class Admission:
    """Admits calls to one run. Raises StorageError for errors of SQLite."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._db = writer.db

    async def admit(
        self, calls: Sequence[Call], *, now: datetime, run: str, recheck: bool
    ) -> Admitted:
        """Admit a page of listed calls, each once per run, and decide what is due."""
        return await self._writer.write(
            lambda: self._admit(calls, now, run, recheck), self._writer.known_ids.note
        )

    async def due(
        self, now: datetime, *, leads: Sequence[int] = (), orders: Sequence[int] = (), most: int
    ) -> list[Task]:
        """Calls that are due and were not listed in this run (of those leads and orders, if any):
        at most `most` of them, which now count as listed."""

        def write() -> list[Task]:
            tasks = queries.due_tasks(self._db, now, leads=leads, orders=orders, most=most)
            self._mark_listed(task.call.id for task in tasks)
            return tasks

        return await self._writer.write(write, self._writer.known_ids.note)

    async def is_settled(self, call_id: int, now: datetime) -> bool:
        """Whether the call is known and nothing of it is due."""

        def ask() -> bool:
            if removals.is_erased(self._db, call_id, None, None):
                return True
            found = queries.standing(self._db, [call_id]).get(call_id)
            return found is not None and (found.due_at is None or found.due_at > now)

        return await self._writer.turns.in_thread(ask)

    def count(self, result: Result, tally: Tally) -> None:
        """Count a recording once per run; under a second call it may have been archived after all.

        Within a transaction.
        """
        row = (result.record_id, result.ended)
        if not self._db.execute("INSERT OR IGNORE INTO temp.counted VALUES (?, ?)", row).rowcount:
            (before,) = self._db.execute(
                "SELECT ended FROM temp.counted WHERE record_id = ?", (result.record_id,)
            ).fetchone()
            if before in _AT_HOME or result.ended not in _AT_HOME:
                return
            tally.recordings[before] -= 1
            self._db.execute("INSERT OR REPLACE INTO temp.counted VALUES (?, ?)", row)
        tally.recordings[result.ended] += 1
        tally.refreshed += result.refreshed
        tally.bytes += result.size

    def _admit(self, calls: Sequence[Call], now: datetime, run: str, recheck: bool) -> Admitted:
        calls = self._unlisted(calls)
        self._mark_listed(call.id for call in calls)
        ids = [call.id for call in calls]
        standing = queries.standing(self._db, ids)
        recordings = queries.known_of_calls(self._db, ids)
        tasks, tally = [], Tally()
        for call in calls:
            stands, known = standing.get(call.id), recordings.get(call.id, ())
            if self._is_erased(call):
                tally.calls[CallState.NONE] += 1
                tally.erased += 1
                continue
            match decide(call, stands, now=now, recheck=recheck):
                case Decision.ASK:
                    tasks.append(_task(call, stands, known))
                case Decision.NONE:
                    self._writer.record([_none(call)], now, run)
                    tally.calls[CallState.NONE] += 1
                case Decision.SKIP if stands:
                    tally.calls[stands.state] += 1
                    tally.unrecorded += is_unrecorded(stands.state, call.talk_seconds)
                    for recording in known:
                        self.count(_stands(recording), tally)
        return Admitted(tuple(tasks), tally)

    def _is_erased(self, call: Call) -> bool:
        created = seconds(call.created_at)
        return removals.is_erased(self._db, call.id, call.lead_id, created)

    def _mark_listed(self, call_ids: Iterable[int]) -> None:
        self._db.executemany("INSERT INTO temp.listed VALUES (?)", [(one,) for one in call_ids])

    def _unlisted(self, calls: Sequence[Call]) -> list[Call]:
        distinct = {call.id: call for call in calls}
        listed = self._db.execute(
            "SELECT call_id FROM temp.listed WHERE call_id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(distinct)),),
        ).fetchall()
        for (call_id,) in listed:
            del distinct[call_id]
        return list(distinct.values())


def _task(call: Call, stands: Standing | None, known: tuple[KnownRecording, ...]) -> Task:
    if stands is None:
        return Task(call, known)
    return Task(call, known, stands.attempts, stands.open_since, stands.created_at)


def _none(call: Call) -> CallJudged:
    return CallJudged(
        call_id=call.id,
        state=CallState.NONE,
        attempts=0,
        lead_id=call.lead_id,
        order_id=call.order_id,
        user_id=call.user_id,
        created_at=call.created_at,
        talk_seconds=call.talk_seconds,
        has_records=call.has_records,
    )


def _stands(recording: KnownRecording) -> Result:
    state = recording.state.value
    return Result(recording.record_id, "already" if state == "archived" else state)
