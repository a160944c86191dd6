"""The one connection that writes to a catalog: in a worker thread, or on the event loop.

SQLite releases the interpreter lock for each step of each statement. In a worker thread, next to a
busy event loop, the two threads then wait for each other about twenty times per recording: that was
a fifth of a run's processor time (measured). So short and frequent writes are done on the event
loop. They never wait for a disk: in WAL mode a commit is not synced, except for the first one after
a checkpoint, and checkpoints, which sync everything, are done in a thread.
"""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

import anyio
import anyio.to_thread

from archiver.catalog.file import CATALOG
from archiver.catalog.known_ids import Horizon
from archiver.catalog.projection.replay import apply_all
from archiver.ledger.events import Event
from archiver.ledger.lines import Entry, encode
from archiver.ledger.segments import Head
from archiver.sqlite.connections import PATIENCE_MS
from archiver.sqlite.errors import is_busy
from archiver.sqlite.writing import write_rows

T = TypeVar("T")


class Turns:
    """Serialises the work on a catalog."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._one_at_a_time = anyio.CapacityLimiter(1)
        self._wait_for_others(0)

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Do it in a worker thread, where it may take its time. Raises StorageError.

        It reads, for which it never has to wait.
        """
        with CATALOG.sqlite_errors():
            return await anyio.to_thread.run_sync(work, limiter=self._one_at_a_time)

    async def patiently(self, work: Callable[[], T]) -> T:
        """Do it in a worker thread, and wait there if another process is writing. Raises
        StorageError."""

        def wait() -> T:
            self._wait_for_others(PATIENCE_MS)
            try:
                return work()
            finally:
                self._wait_for_others(0)

        return await self.in_thread(wait)

    async def at_once(self, work: Callable[[], T]) -> T:
        """Do it on the event loop. Raises StorageError.

        If another process is writing, it is repeated in a thread, so a failure must leave nothing
        behind: it is one transaction.
        """
        async with self._one_at_a_time:
            try:
                with CATALOG.sqlite_errors():
                    return _unless_busy(work)
            except _BusyError:
                pass
        return await self.patiently(work)

    async def checkpoint(self) -> None:
        """Move committed data from the log into the file, as far as no reader needs it."""
        await self.in_thread(lambda: self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone())

    def _wait_for_others(self, milliseconds: int) -> None:
        self._db.execute(f"PRAGMA busy_timeout = {milliseconds}")


class Writer:
    """Writes a catalog: each write is one transaction, and includes adding each event to the
    outbox.

    `waiting_events` counts the events that are in no segment yet. For the modules of this package.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        self.turns = Turns(db)
        self.known_ids = Horizon(db)
        self.waiting_events: int = db.execute("SELECT count(*) FROM outbox").fetchone()[0]

    async def write(self, work: Callable[[], T], note: Callable[[], None] | None = None) -> T:
        """Do the work as one transaction, in a worker thread.

        `note` passes its changes to `known_ids`, which without it has to find them.
        """
        transaction = self._transaction(work, note or self.known_ids.look_again)
        return await self.turns.patiently(transaction)

    async def write_at_once(self, work: Callable[[], T], note: Callable[[], None]) -> T:
        """Do short work as one transaction on the event loop.

        `note` passes its changes to `known_ids`.
        """
        return await self.turns.at_once(self._transaction(work, note))

    def record(self, events: Sequence[Event], at: datetime, run: str) -> None:
        """Apply events and put them into the outbox. Within a transaction, as what follows."""
        apply_all(self.db, [Entry(at, run, event) for event in events], self.known_ids)
        lines = [(encode(at, run, event),) for event in events]
        write_rows(self.db, "INSERT INTO outbox (line) VALUES (?)", lines)
        self.waiting_events += len(lines)

    def forget_sent(self, last: int) -> None:
        """The lines up to number `last` wait no longer."""
        self.waiting_events -= self.db.execute(
            "DELETE FROM outbox WHERE seq <= ?", (last,)
        ).rowcount

    def set_head(self, head: Head) -> None:
        """Everything up to that segment is applied."""
        self.db.execute("UPDATE head SET number = ?, digest = ?", (head.number, head.digest))

    def _transaction(self, work: Callable[[], T], note: Callable[[], None]) -> Callable[[], T]:
        def transaction() -> T:
            before = self.waiting_events
            try:
                with self.db:
                    done = work()
                    note()
                    return done
            except BaseException:
                self.waiting_events = before  # as the transaction was taken back
                raise

        return transaction


class _BusyError(Exception):
    """Another process is writing."""


def _unless_busy(work: Callable[[], T]) -> T:
    try:
        return work()
    except sqlite3.OperationalError as error:
        if is_busy(error):
            raise _BusyError from error
        raise
