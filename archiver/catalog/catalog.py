"""The catalog of one archive: what is known of its calls and recordings, and what is due.

One connection writes, in one thread at a time, each write in one transaction. An event is applied
to the tables and put into the outbox in the same transaction, so whatever the catalog believes
reaches the ledger, even when the process dies in between.
"""

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread

from archiver.catalog import queries
from archiver.catalog.connection import Turns
from archiver.catalog.epoch import moment, seconds
from archiver.catalog.file import CATALOG, connect, copy_catalog, scrub
from archiver.catalog.known_ids import Horizon
from archiver.catalog.projection import removals
from archiver.catalog.projection.recordings import apply, replay
from archiver.catalog.states import CallState, Decision, decide, is_unrecorded
from archiver.catalog.work import (
    Admission,
    KnownRecording,
    Outcome,
    Problem,
    Result,
    Tally,
    Task,
)
from archiver.ledger.events import CallJudged, Entry, Erasing, Event, beginning, encode
from archiver.ledger.segments import Head, Segment
from archiver.liner.models import Call
from archiver.recordings.sidecar import clean_row

T = TypeVar("T")

_AT_HOME = ("archived", "already")

_ERASING = beginning(Erasing)


class Catalog:
    """The index of one archive, in one SQLite file. Raises StorageError for what SQLite cannot.

    `waiting_events` counts the events that are in no segment yet.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._turns = Turns(db)
        self._horizon = Horizon(db)
        self.waiting_events: int = db.execute("SELECT count(*) FROM outbox").fetchone()[0]

    @classmethod
    async def open(cls, path: Path | None, archive_id: str) -> "Catalog":
        """Open or create the catalog of that archive (None: in memory, for a dry run).

        A file that SQLite cannot read is set aside, since the ledger can fill a new one. Raises
        UsageError when the file is the catalog of another archive.
        """
        with CATALOG.sqlite_errors(), CATALOG.file_errors(path):
            return cls(await anyio.to_thread.run_sync(connect, path, archive_id))

    @classmethod
    async def open_copy(cls, path: Path, copy: Path, archive_id: str) -> "Catalog":
        """Open a catalog that starts as a consistent copy of the one at `path`, or empty.

        The original may be in use, and is left as it is.
        """

        def connect_copy() -> sqlite3.Connection:
            if path.exists():
                copy_catalog(path, copy)
            return connect(copy, archive_id)

        with CATALOG.sqlite_errors(), CATALOG.file_errors(path):
            return cls(await anyio.to_thread.run_sync(connect_copy))

    async def aclose(self) -> None:
        """Close the file; what was written is there."""
        await self._run(self._db.close)

    async def head(self) -> Head:
        """The newest segment that is applied."""
        row = await self._run(
            lambda: self._db.execute("SELECT number, digest FROM head").fetchone()
        )
        return Head(*row)

    async def replay(self, segment: Segment) -> None:
        """Apply a segment that this catalog has not seen; ArchiveDamaged if it tells nonsense."""

        def write() -> None:
            replay(self._db, segment)
            self._set_head(segment.head)

        await self._write(write)
        await self._turns.checkpoint()
        if any(line.startswith(_ERASING) for line in segment.lines):
            await self.scrub()

    async def scrub(self) -> None:
        """Leave no trace of deleted rows in the file, its log, or a file that was set aside."""
        await self._run(lambda: scrub(self._db))

    async def record(self, events: Sequence[Event], *, at: datetime, run: str) -> None:
        """Apply events and put them into the outbox."""
        await self._write(lambda: self._record(events, at, run))

    async def settle(self, outcomes: Sequence[Outcome], *, at: datetime, run: str) -> Tally:
        """Record how units of work ended, and count each recording once a run."""

        def write() -> Tally:
            tally = Tally()
            for outcome in outcomes:
                judged = outcome.judged
                self._record((*outcome.events, judged), at, run)
                self._keep_row(outcome.call, judged)
                tally.calls[judged.state] += 1
                tally.unrecorded += is_unrecorded(judged.state, judged.talk_seconds)
                for result in outcome.results:
                    self._count(result, tally)
            return tally

        def note() -> None:
            self._horizon.note(one for done in outcomes for one in done.judged.recordings)

        return await self._turns.at_once(self._transaction(write, note))

    async def admit(
        self, calls: Sequence[Call], *, now: datetime, run: str, recheck: bool
    ) -> Admission:
        """Take a page of listed calls: each is admitted once a run, and decided about."""
        return await self._write(lambda: self._admit(calls, now, run, recheck))

    async def is_settled(self, call_id: int, now: datetime) -> bool:
        """Whether the call is known and nothing of it is due."""
        if await self._run(lambda: removals.is_erased(self._db, call_id, None, None)):
            return True
        found = (await self._run(lambda: queries.standing(self._db, [call_id]))).get(call_id)
        return found is not None and (found.due_at is None or found.due_at > now)

    async def rate(self) -> float | None:
        """Bytes a second of the archived audio, by the lengths that the API gave; None: unknown."""
        row = await self._run(lambda: self._db.execute(queries.RATE).fetchone())
        return None if row[0] is None else float(row[0])

    async def due(
        self, now: datetime, *, leads: Sequence[int] = (), orders: Sequence[int] = (), most: int
    ) -> list[Task]:
        """Calls that are due and were not listed in this run (of those leads and orders, if any):
        at most `most` of them, which now count as listed."""

        def write() -> list[Task]:
            tasks = queries.due_tasks(self._db, now, leads=leads, orders=orders, most=most)
            self._mark_listed(task.call.id for task in tasks)
            return tasks

        return await self._write(write)

    async def outbox(self, most: int) -> tuple[int, list[bytes]]:
        """The oldest lines that are in no segment yet, and the number of the last of them."""
        rows = await self._run(
            lambda: self._db.execute(
                "SELECT seq, line FROM outbox ORDER BY seq LIMIT ?", (most,)
            ).fetchall()
        )
        return (rows[-1][0] if rows else 0), [bytes(line) for _, line in rows]

    async def published(self, last: int, head: Head) -> None:
        """The lines up to number `last` are in the segment `head` now."""

        def write() -> None:
            sent = self._db.execute("DELETE FROM outbox WHERE seq <= ?", (last,))
            self._set_head(head)
            self.waiting_events -= sent.rowcount

        await self._write(write)
        await self._turns.checkpoint()

    async def orders_seen(self) -> set[int]:
        """Every order that this archive has ever seen."""
        rows = await self._run(lambda: self._db.execute("SELECT order_id FROM orders").fetchall())
        return {row[0] for row in rows}

    async def cursors(self, kind: str, narrowed_to: str) -> dict[int, datetime]:
        """How far the scopes of that kind are enumerated, under that filter."""
        rows = await self._run(
            lambda: self._db.execute(
                "SELECT id, until FROM cursors WHERE kind = ? AND narrowed_to = ?",
                (kind, narrowed_to),
            ).fetchall()
        )
        return {one: moment(until) for one, until in rows}

    async def problems(self, most: int) -> tuple[list[Problem], int]:
        """What is open, lowest call first: at most `most` of it, and how much there is."""
        return await self._run(lambda: queries.open_problems(self._db, most))

    async def pending_summaries(self) -> int:
        """Archived recordings without a summary whose call will be looked at again."""
        return await self._run(lambda: self._number(queries.PENDING_SUMMARIES))

    async def gone(self) -> int:
        """How many recordings the source no longer has."""
        return await self._run(lambda: self._number(queries.GONE))

    def known(self, record_ids: Collection[int]) -> dict[int, KnownRecording]:
        """What is known of those recordings: a look-up by key, short enough for the event loop.

        Most recordings are newer than all that are known, and then nothing is looked up.
        """
        if self._horizon.is_beyond(record_ids):
            return {}
        with CATALOG.sqlite_errors():
            return queries.known(self._db, record_ids)

    def was_erased(self, lead_id: int | None, created_at: datetime | None) -> bool:
        """Whether the lead was erased after that moment: a look-up by key."""
        if not self._horizon.has_erasures:
            return False
        with CATALOG.sqlite_errors():
            return removals.is_erased(self._db, None, lead_id, seconds(created_at))

    async def ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """The answer to one of this package's questions, such as `take_stock`; changes nothing."""
        return await self._run(lambda: question(self._db))

    async def _run(self, work: Callable[[], T]) -> T:
        return await self._turns.in_thread(work)

    async def _write(self, work: Callable[[], T]) -> T:
        return await self._turns.in_thread(self._transaction(work, self._horizon.look_again))

    def _transaction(self, work: Callable[[], T], note: Callable[[], None]) -> Callable[[], T]:
        """The work as one transaction; `note` tells the horizon what it changes."""

        def transaction() -> T:
            before = self.waiting_events
            try:
                with self._db:
                    done = work()
                    note()
                    return done
            except BaseException:
                self.waiting_events = before  # as the transaction was taken back
                raise

        return transaction

    def _number(self, question: str) -> int:
        return int(self._db.execute(question).fetchone()[0])

    def _set_head(self, head: Head) -> None:
        self._db.execute("UPDATE head SET number = ?, digest = ?", (head.number, head.digest))

    def _record(self, events: Sequence[Event], at: datetime, run: str) -> None:
        for event in events:
            apply(self._db, Entry(at, run, event))
        lines = [(encode(at, run, event),) for event in events]
        self._db.executemany("INSERT INTO outbox (line) VALUES (?)", lines)
        self.waiting_events += len(lines)

    def _keep_row(self, call: Call, judged: CallJudged) -> None:
        """A call that will be looked at again keeps its row, since its list may not come again."""
        if judged.due_at is None:
            self._db.execute("DELETE FROM rows WHERE call_id = ?", (call.id,))
        elif call.row:
            row = json.dumps(clean_row(call.row), ensure_ascii=True)
            self._db.execute("INSERT OR REPLACE INTO rows VALUES (?, ?)", (call.id, row))

    def _count(self, result: Result, tally: Tally) -> None:
        """One recording counts once a run; under a second call it may have come home after all."""
        before = self._db.execute(
            "SELECT ended FROM temp.counted WHERE record_id = ?", (result.record_id,)
        ).fetchone()
        if before is not None and (before[0] in _AT_HOME or result.ended not in _AT_HOME):
            return
        if before is not None:
            tally.recordings[before[0]] -= 1
        self._db.execute(
            "INSERT OR REPLACE INTO temp.counted VALUES (?, ?)", (result.record_id, result.ended)
        )
        tally.recordings[result.ended] += 1
        tally.refreshed += result.refreshed
        tally.bytes += result.size

    def _mark_listed(self, call_ids: Iterable[int]) -> None:
        self._db.executemany("INSERT INTO temp.listed VALUES (?)", [(one,) for one in call_ids])

    def _admit(self, calls: Sequence[Call], now: datetime, run: str, recheck: bool) -> Admission:
        calls = self._unlisted(calls)
        self._mark_listed(call.id for call in calls)
        ids = [call.id for call in calls]
        standing = queries.standing(self._db, ids)
        recordings = queries.known_of_calls(self._db, ids)
        tasks, tally = [], Tally()
        for call in calls:
            stands = standing.get(call.id)
            if self._is_erased(call):
                tally.calls[CallState.NONE] += 1
                tally.erased += 1
                continue
            match decide(call, stands, now=now, recheck=recheck):
                case Decision.ASK:
                    tasks.append(
                        Task(
                            call,
                            recordings.get(call.id, ()),
                            stands.attempts if stands else 0,
                            stands.open_since if stands else None,
                            stands.created_at if stands else None,
                        )
                    )
                case Decision.NONE:
                    self._record([_none(call)], now, run)
                    tally.calls[CallState.NONE] += 1
                case Decision.SKIP if stands:
                    tally.calls[stands.state] += 1
                    tally.unrecorded += is_unrecorded(stands.state, call.talk_seconds)
                    for recording in recordings.get(call.id, ()):
                        self._count(_stands(recording), tally)
        return Admission(tuple(tasks), tally)

    def _is_erased(self, call: Call) -> bool:
        created = seconds(call.created_at)
        return removals.is_erased(self._db, call.id, call.lead_id, created)

    def _unlisted(self, calls: Sequence[Call]) -> list[Call]:
        distinct = {call.id: call for call in calls}
        listed = self._db.execute(
            "SELECT call_id FROM temp.listed WHERE call_id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(distinct)),),
        ).fetchall()
        for (call_id,) in listed:
            del distinct[call_id]
        return list(distinct.values())


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
