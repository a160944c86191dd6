"""Questions of the catalog, answered from the index, which has the same tables.

Sums over a whole archive take seconds: they are made beside the index, on a connection of their
own, one at a time, so that nobody who searches waits for them.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread

from archiver.archive.names import ArchivedNames
from archiver.desk.index.border import index_errors
from archiver.sqlite.connections import open_reader

T = TypeVar("T")


class IndexAnswers:
    """Answers questions as of one moment each. Raises StorageError for what SQLite cannot."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._one_at_a_time = anyio.CapacityLimiter(1)

    async def ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """The answer to a question of `archiver.catalog`."""

        def act() -> T:
            with index_errors(self._path), closing(open_reader(self._path)) as db:
                db.execute("BEGIN")
                return question(db)

        return await anyio.to_thread.run_sync(act, limiter=self._one_at_a_time)

    async def names(self) -> ArchivedNames:
        """What agents and orders are called, as far as their sidecars are read."""
        rows = await self.ask(lambda db: db.execute("SELECT kind, id, name FROM names").fetchall())
        agents = {one: name for kind, one, name in rows if kind == "agent"}
        orders = {one: name for kind, one, name in rows if kind == "order"}
        return ArchivedNames(agents, orders)
