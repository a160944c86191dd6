"""The catalog of one archive: its known calls and recordings.

One connection writes, in one thread at a time, each write in one transaction. An event is applied
to the tables and added to the outbox in the same transaction, so everything in the catalog reaches
the ledger, even if the process dies in between. Queries get a separate, read-only connection.
"""

import sqlite3
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import anyio.to_thread

from archiver.catalog import queries
from archiver.catalog.admission import Admission
from archiver.catalog.connection import Writer
from archiver.catalog.epoch import seconds
from archiver.catalog.file import CATALOG, connect, copy_catalog, scrub
from archiver.catalog.projection import removals
from archiver.catalog.projection.replay import replay
from archiver.catalog.selection import Selection
from archiver.catalog.states import is_unrecorded
from archiver.catalog.work import KnownRecording, Outcome, Tally
from archiver.ledger.events import Erasing, Event
from archiver.ledger.lines import beginning
from archiver.ledger.segments import Head, Segment
from archiver.recordings.sidecar import clean_row
from archiver.sqlite.connections import open_reader
from archiver.text.json import json_text

T = TypeVar("T")

_ERASING = beginning(Erasing)


class Catalog:
    """The index of one archive, in one SQLite file. Raises StorageError for errors of SQLite.

    `admission` admits listed calls, `selection` has those to be exported.
    """

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._writer = Writer(db)
        self._reader = open_reader(path)
        self.admission = Admission(self._writer)
        self.selection = Selection(path, self._writer.turns)

    @classmethod
    async def open(cls, path: Path, archive_id: str) -> "Catalog":
        """Open or create the catalog of that archive.

        A file that SQLite cannot read is set aside, since the ledger can fill a new one. Raises
        UsageError if the file is the catalog of another archive.
        """
        with CATALOG.sqlite_errors(), CATALOG.file_errors(path):
            return await anyio.to_thread.run_sync(cls._open, path, archive_id)

    @classmethod
    async def open_copy(cls, path: Path, copy: Path, archive_id: str) -> "Catalog":
        """Open a catalog that starts as a consistent copy of the one at `path`, or empty.

        The original may be in use, and is not changed.
        """

        def open_copy() -> Catalog:
            if path.exists():
                copy_catalog(path, copy)
            return cls._open(copy, archive_id)

        with CATALOG.sqlite_errors(), CATALOG.file_errors(path):
            return await anyio.to_thread.run_sync(open_copy)

    @classmethod
    def _open(cls, path: Path, archive_id: str) -> "Catalog":
        db = connect(path, archive_id)
        try:
            return cls(db, path)
        except BaseException:
            db.close()
            raise

    async def aclose(self) -> None:
        """Close the file; what was written is there."""

        def close() -> None:
            self.selection.close()
            self._reader.close()
            self._writer.db.close()  # last, since it takes SQLite's log with it

        await self._writer.turns.in_thread(close)

    async def ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """The result of one of this package's queries, such as `take_stock`.

        The query gets a read-only connection.
        """
        return await self._writer.turns.in_thread(lambda: question(self._reader))

    @property
    def waiting_events(self) -> int:
        """How many events are in no segment yet."""
        return self._writer.waiting_events

    async def head(self) -> Head:
        """The newest segment that is applied."""
        return await self.ask(queries.head)

    async def replay(self, segment: Segment) -> None:
        """Apply a segment that this catalog has not seen; ArchiveDamaged if it is invalid."""

        def write() -> None:
            replay(self._writer.db, segment)
            self._writer.set_head(segment.head)

        await self._writer.write(write)
        await self._writer.turns.checkpoint()
        if any(line.startswith(_ERASING) for line in segment.lines):
            await self.scrub()

    async def scrub(self) -> None:
        """Leave no trace of deleted rows in the file, its log, or a file that was set aside."""
        await self._writer.turns.patiently(lambda: scrub(self._writer.db))

    async def record(self, events: Sequence[Event], *, at: datetime, run: str) -> None:
        """Apply events and add them to the outbox."""
        await self._writer.write(lambda: self._writer.record(events, at, run))

    async def settle(self, outcomes: Sequence[Outcome], *, at: datetime, run: str) -> Tally:
        """Record how units of work ended, and count each recording once a run."""

        def write() -> Tally:
            tally = Tally()
            events = [one for done in outcomes for one in (*done.events, done.judged)]
            self._writer.record(events, at, run)
            self._keep_rows(outcomes)
            for outcome in outcomes:
                judged = outcome.judged
                tally.calls[judged.state] += 1
                tally.unrecorded += is_unrecorded(judged.state, judged.talk_seconds)
                for result in outcome.results:
                    self.admission.count(result, tally)
            return tally

        def note() -> None:
            known_ids = self._writer.known_ids
            known_ids.note(one for done in outcomes for one in done.judged.recordings)

        return await self._writer.write_at_once(write, note)

    async def outbox(self, most: int) -> tuple[int, list[bytes]]:
        """The oldest lines that are in no segment yet, and the number of the last of them."""
        return await self.ask(lambda db: queries.outbox(db, most))

    async def published(self, last: int, head: Head) -> None:
        """The lines up to number `last` are in the segment `head` now."""

        def write() -> None:
            self._writer.forget_sent(last)
            self._writer.set_head(head)

        await self._writer.write(write, self._writer.known_ids.note)
        await self._writer.turns.checkpoint()

    def known(self, record_ids: Collection[int]) -> dict[int, KnownRecording]:
        """The known state of those recordings: a look-up by key, fast enough for the event loop.

        Most recordings are newer than all known ones, and then nothing is looked up.
        """
        if self._writer.known_ids.is_beyond(record_ids):
            return {}
        with CATALOG.sqlite_errors():
            return queries.known(self._writer.db, record_ids)

    def was_erased(self, lead_id: int | None, created_at: datetime | None) -> bool:
        """Whether the lead was erased after that moment: a look-up by key."""
        if not self._writer.known_ids.has_erasures:
            return False
        with CATALOG.sqlite_errors():
            return removals.is_erased(self._writer.db, None, lead_id, seconds(created_at))

    def _keep_rows(self, outcomes: Sequence[Outcome]) -> None:
        """Calls that will be checked again keep their rows, since their lists may not be read
        again."""
        db = self._writer.db
        db.executemany(
            "DELETE FROM rows WHERE call_id = ?",
            [(one.call.id,) for one in outcomes if one.judged.due_at is None],
        )
        db.executemany(
            "INSERT OR REPLACE INTO rows VALUES (?, ?)",
            [
                (one.call.id, json_text(clean_row(one.call.row)))
                for one in outcomes
                if one.judged.due_at is not None and one.call.row
            ],
        )
