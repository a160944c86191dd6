"""Taking turns on the one connection of a catalog: in a worker thread, or at once.

SQLite lets go of the interpreter for each step of each statement. In a worker thread, beside a busy
event loop, the two threads then wait for each other some twenty times a recording: that was a fifth
of a run's processor time (measured). So what is short and frequent is done at once, on the event
loop. Nothing in it waits for a disk: in WAL mode a commit is not synced, but for one after each
checkpoint, and checkpoints, which sync all of it, are made in a thread.
"""

import sqlite3
from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

from archiver.catalog.file import CATALOG
from archiver.sqlite.connections import PATIENCE_MS
from archiver.sqlite.errors import is_busy

T = TypeVar("T")


class Turns:
    """Whose turn it is on `db`; `work` is done by one at a time."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._one_at_a_time = anyio.CapacityLimiter(1)

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Do it in a worker thread, where it may take its time. Raises StorageError."""
        with CATALOG.sqlite_errors():
            return await anyio.to_thread.run_sync(work, limiter=self._one_at_a_time)

    async def at_once(self, work: Callable[[], T]) -> T:
        """Do it on the event loop. Raises StorageError.

        Where another process is writing, it is done over in a thread, so what fails must leave
        nothing behind: it is one transaction.
        """
        async with self._one_at_a_time:
            self._wait_for_others(0)
            try:
                with CATALOG.sqlite_errors():
                    return _unless_busy(work)
            except _BusyError:
                pass
            finally:
                self._wait_for_others(PATIENCE_MS)
        return await self.in_thread(work)

    async def checkpoint(self) -> None:
        """Bring what was committed from the log into the file, as far as nobody reads it."""
        await self.in_thread(lambda: self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone())

    def _wait_for_others(self, milliseconds: int) -> None:
        self._db.execute(f"PRAGMA busy_timeout = {milliseconds}")


class _BusyError(Exception):
    """Another process is writing."""


def _unless_busy(work: Callable[[], T]) -> T:
    try:
        return work()
    except sqlite3.OperationalError as error:
        if is_busy(error):
            raise _BusyError from error
        raise
