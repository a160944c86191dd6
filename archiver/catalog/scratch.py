"""A catalog in a temporary file, for questions about a ledger that the catalog of this machine must
not answer: that is no evidence."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import Connection
from typing import TypeVar

from archiver.catalog.file import CATALOG, connect
from archiver.catalog.projection.recordings import apply
from archiver.ledger.lines import decode
from archiver.sqlite.errors import UNFIT

T = TypeVar("T")


class ScratchCatalog:
    """The catalog; every method blocks. Used by one thread at a time."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def take(self, lines: Sequence[bytes]) -> None:
        """Apply lines of the ledger, but for those that are no events: `verify` names these."""
        with CATALOG.sqlite_errors(), self._db:
            for line in lines:
                try:
                    apply(self._db, decode(line))
                except UNFIT:
                    continue

    def ask(self, question: Callable[[Connection], T]) -> T:
        """The result of one of this package's queries."""
        with CATALOG.sqlite_errors():
            return question(self._db)


@contextmanager
def scratch_catalog(archive_id: str) -> Iterator[ScratchCatalog]:
    """An empty one, removed at the end."""
    with (
        tempfile.TemporaryDirectory(prefix="archiver-") as folder,
        closing(connect(Path(folder) / "catalog.sqlite", archive_id)) as db,
    ):
        db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
        yield ScratchCatalog(db)
