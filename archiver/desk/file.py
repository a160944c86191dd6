"""The file of the desk's own data: sessions, notes, tags, verdicts, queues and the access log.

None of it exists elsewhere: unlike the catalog it is never set aside or recreated, it is synced
with each write, and it should be backed up. One connection writes, one reads; each is used by one
thread at a time.
"""

import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, Final, TypeVar, cast

import anyio
import anyio.to_thread

from archiver.config import Config
from archiver.desk.schema import prepare
from archiver.errors import UsageError
from archiver.sqlite.connections import PATIENCE_MS, open_reader
from archiver.sqlite.errors import Database
from archiver.tasks.batch import SharedHop
from archiver.tasks.contexts import entered

T = TypeVar("T")

DESK: Final = Database(
    name="the desk's file",
    if_full="free some disk space, or point desk.data to a larger disk",
    if_unusable="check desk.data; if the file is damaged, restore its last backup",
    if_not_opened="check the permissions of its folder, or set desk.data",
)


class DeskFile:
    """An open file. Raises StorageError for what SQLite cannot."""

    def __init__(
        self, writer: sqlite3.Connection, reader: sqlite3.Connection, secret: bytes
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._one_writes = anyio.CapacityLimiter(1)
        self._reading = SharedHop(self._answers)
        self._one_reads = Lock()
        self.secret = secret

    async def read(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        """The answer to a question, as of one moment. Questions that arrive together are answered
        in one switch to a thread: a page has many small ones."""
        return cast(T, await self._reading.take(ask))

    async def write(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Change something in one transaction: all of it is there afterwards, or nothing.

        A visitor who leaves meanwhile does not undo what he did.
        """
        return await anyio.to_thread.run_sync(
            _transact, self._writer, "BEGIN IMMEDIATE", change, limiter=self._one_writes
        )

    async def scrub(self) -> None:
        """Remove all traces of deleted rows, from the file and its log.

        VACUUM rewrites every page: moved rows leave copies that `secure_delete` does not reach.
        """

        def act() -> None:
            with self._one_reads, DESK.sqlite_errors():  # a reader would keep the log as it is
                self._writer.execute("VACUUM")
                self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")

        await anyio.to_thread.run_sync(act, limiter=self._one_writes)

    def _answers(
        self, questions: Sequence[Callable[[sqlite3.Connection], Any]]
    ) -> list[Any | Exception]:
        answers: list[Any | Exception] = []
        with self._one_reads:
            for ask in questions:
                try:
                    answers.append(_transact(self._reader, "BEGIN", ask))
                except Exception as error:  # noqa: BLE001 - raised where the question was asked
                    answers.append(error)
        return answers


def desk_data(config: Config, archive_id: str, state_folder: Path) -> Path:
    """The folder of the desk's own data about that archive on this machine."""
    return config.desk.data or state_folder / "desk" / archive_id / "desk.sqlite"


@asynccontextmanager
async def open_desk_file(path: Path, archive_id: str) -> AsyncIterator[DeskFile]:
    """The desk's data about that archive; a new file can be read by its owner alone.

    Raises UsageError for the file of another archive or of a newer version, and StorageError for
    one that cannot be read.
    """
    async with AsyncExitStack() as stack:
        with DESK.sqlite_errors(), DESK.file_errors(path):
            opening = entered(partial(_connected, path, archive_id))
            connections, secret = await stack.enter_async_context(opening)
        yield DeskFile(*connections, secret)


@contextmanager
def _connected(
    path: Path, archive_id: str
) -> Iterator[tuple[tuple[sqlite3.Connection, sqlite3.Connection], bytes]]:
    """The connections that write and read, and the desk's secret."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    with closing(_in_turns(sqlite3.connect(path, check_same_thread=False))) as writer:
        prepare(writer, archive_id)
        found, secret = writer.execute("SELECT archive_id, secret FROM head").fetchone()
        if found != archive_id:
            raise UsageError(
                f"{path} is the desk's file of another archive ({found})",
                hint="use a separate desk.data for each archive, or do not set desk.data",
            )
        with closing(_in_turns(open_reader(path))) as reader:
            yield (writer, reader), secret


def _in_turns(db: sqlite3.Connection) -> sqlite3.Connection:
    """The connection with rows by name, with explicit transactions."""
    db.execute(f"PRAGMA busy_timeout = {PATIENCE_MS}")
    db.isolation_level = None
    db.row_factory = sqlite3.Row
    return db


def _transact(db: sqlite3.Connection, begin: str, act: Callable[[sqlite3.Connection], T]) -> T:
    with DESK.sqlite_errors(), db:
        db.execute(begin)
        return act(db)
