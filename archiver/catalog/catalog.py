"""The catalog of one archive: what is known of its calls and recordings, and what is due.

One connection writes, in one thread at a time, each write in one transaction. An event is applied
to the tables and put into the outbox in the same transaction, so whatever the catalog believes
reaches the ledger, even when the process dies in between.
"""

import contextlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread

from archiver.catalog import queries
from archiver.catalog.projection import apply, moment
from archiver.catalog.schema import prepare
from archiver.catalog.states import CallState, Decision, decide
from archiver.catalog.work import (
    Admission,
    KnownRecording,
    Outcome,
    Problem,
    Result,
    Tally,
    Task,
)
from archiver.errors import StorageError, StorageFull, UsageError
from archiver.ledger.events import CallJudged, Entry, Event, decode, encode
from archiver.ledger.segments import Head, Segment
from archiver.liner.models import Call

T = TypeVar("T")


class Catalog:
    """The index of one archive, in one SQLite file. Raises StorageError for what SQLite cannot.

    `waiting_events` counts the events that are in no segment yet.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._one_at_a_time = anyio.CapacityLimiter(1)
        self.waiting_events: int = db.execute("SELECT count(*) FROM outbox").fetchone()[0]

    @classmethod
    async def open(cls, path: Path | None, archive_id: str) -> "Catalog":
        """Open or create the catalog of that archive (None: in memory, for a dry run).

        A file that SQLite cannot read is set aside, since the ledger can fill a new one. Raises
        UsageError when the file is the catalog of another archive.
        """
        with _sqlite_errors(), _file_errors(path):
            return cls(await anyio.to_thread.run_sync(_connect, path, archive_id))

    @classmethod
    async def open_copy(cls, path: Path, copy: Path, archive_id: str) -> "Catalog":
        """Open a catalog that starts as a consistent copy of the one at `path`, or empty.

        The original may be in use, and is left as it is.
        """

        def connect() -> sqlite3.Connection:
            if path.exists():
                _copy(path, copy)
            return _connect(copy, archive_id)

        with _sqlite_errors(), _file_errors(path):
            return cls(await anyio.to_thread.run_sync(connect))

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
        """Apply a segment that this catalog has not seen."""

        def write() -> None:
            for line in segment.lines:
                apply(self._db, decode(line))
            self._set_head(segment.head)

        await self._write(write)

    async def record(self, events: Sequence[Event], *, at: datetime, run: str) -> None:
        """Apply events and put them into the outbox."""
        await self._write(lambda: self._record(events, at, run))

    async def settle(self, outcomes: Sequence[Outcome], *, at: datetime, run: str) -> Tally:
        """Record how units of work ended, and count each recording once a run."""

        def write() -> Tally:
            tally = Tally()
            for outcome in outcomes:
                self._record((*outcome.events, outcome.judged), at, run)
                self._keep_row(outcome.call, outcome.judged)
                tally.calls[outcome.judged.state] += 1
                for result in outcome.results:
                    self._count(result, tally)
            return tally

        return await self._write(write)

    async def admit(
        self, calls: Sequence[Call], *, now: datetime, run: str, recheck: bool
    ) -> Admission:
        """Take a page of listed calls: each is admitted once a run, and decided about."""
        return await self._write(lambda: self._admit(calls, now, run, recheck))

    async def is_settled(self, call_id: int, now: datetime) -> bool:
        """Whether the call is known and nothing of it is due."""
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
        """What is known of those recordings: a look-up by key, short enough for the event loop."""
        with _sqlite_errors():
            return queries.known(self._db, record_ids)

    async def _run(self, work: Callable[[], T]) -> T:
        with _sqlite_errors():
            return await anyio.to_thread.run_sync(work, limiter=self._one_at_a_time)

    async def _write(self, work: Callable[[], T]) -> T:
        def transaction() -> T:
            with self._db:
                return work()

        return await self._run(transaction)

    def _number(self, question: str) -> int:
        return int(self._db.execute(question).fetchone()[0])

    def _set_head(self, head: Head) -> None:
        self._db.execute("UPDATE head SET number = ?, digest = ?", (head.number, head.digest))

    def _record(self, events: Iterable[Event], at: datetime, run: str) -> None:
        for event in events:
            self._db.execute("INSERT INTO outbox (line) VALUES (?)", (encode(at, run, event),))
            apply(self._db, Entry(at, run, event))
            self.waiting_events += 1

    def _keep_row(self, call: Call, judged: CallJudged) -> None:
        """A call that will be looked at again keeps its row, since its list may not come again."""
        if judged.due_at is None:
            self._db.execute("DELETE FROM rows WHERE call_id = ?", (call.id,))
        elif call.row:
            row = json.dumps(call.row, ensure_ascii=True)
            self._db.execute("INSERT OR REPLACE INTO rows VALUES (?, ?)", (call.id, row))

    def _count(self, result: Result, tally: Tally) -> None:
        added = self._db.execute(
            "INSERT OR IGNORE INTO temp.counted VALUES (?)", (result.record_id,)
        )
        if added.rowcount == 0:
            return  # listed under another call before: one recording counts once
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
                    for recording in recordings.get(call.id, ()):
                        self._count(_stands(recording), tally)
        return Admission(tuple(tasks), tally)

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


def _copy(path: Path, copy: Path) -> None:
    """Copy a catalog that may be in use. One that is not gets no company of SQLite's own files."""
    log = Path(f"{path}-wal")
    if not log.exists():
        shutil.copyfile(path, copy)
    if log.exists():
        address = f"{path.absolute().as_uri()}?mode=ro"
        with (
            contextlib.closing(sqlite3.connect(address, uri=True)) as source,
            contextlib.closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)


def _connect(path: Path | None, archive_id: str) -> sqlite3.Connection:
    if path is None:
        return _prepared(":memory:", archive_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _prepared(str(path), archive_id)
    except sqlite3.OperationalError:
        raise  # locked, full, no rights: nothing is wrong with what is in it
    except sqlite3.DatabaseError:
        path.replace(path.with_suffix(".unreadable"))
        for rest in ("-wal", "-shm"):
            Path(f"{path}{rest}").unlink(missing_ok=True)
        return _prepared(str(path), archive_id)


def _prepared(name: str, archive_id: str) -> sqlite3.Connection:
    db = sqlite3.connect(name, check_same_thread=False)
    try:
        prepare(db)
        with db:
            db.execute(
                "INSERT OR IGNORE INTO head (id, archive_id, number) VALUES (1, ?, 0)",
                (archive_id,),
            )
        (found,) = db.execute("SELECT archive_id FROM head").fetchone()
        if found != archive_id:
            raise UsageError(
                f"{name} is the catalog of another archive ({found})",
                hint="give each archive a catalog.path of its own, or leave catalog.path out",
            )
    except BaseException:
        db.close()
        raise
    return db


@contextlib.contextmanager
def _sqlite_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if error.sqlite_errorname == "SQLITE_FULL":
            raise StorageFull(
                "no space left for the catalog",
                hint="free some space, or point catalog.path to a larger disk",
            ) from error
        raise StorageError(
            f"the catalog cannot be used: {error}",
            hint="check catalog.path; the file may be removed, the ledger fills a new one",
        ) from error


@contextlib.contextmanager
def _file_errors(path: Path | None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"the catalog {path} cannot be opened: {error.strerror}",
            hint="check the rights of its folder, or set catalog.path",
        ) from error
