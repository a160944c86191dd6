"""What the catalog of this machine remembers that an archive alone cannot tell.

Two things: the newest segment that this machine has seen, which shows a ledger whose tail was cut
off, and the events that a killed run has not published yet. The file is read as it lies there, and
one that cannot be read tells nothing: the catalog is no evidence.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from archiver.ledger.segments import Head
from archiver.sqlite.connections import open_reader


@dataclass(frozen=True, slots=True)
class Glimpse:
    """The newest segment that was seen, and the lines that are in no segment yet."""

    head: Head = field(default_factory=Head)
    outbox: tuple[bytes, ...] = ()


def glimpse(path: Path, archive_id: str | None) -> Glimpse:
    """What the catalog at `path` remembers of that archive; nothing where it is of another one."""
    if not path.is_file():
        return Glimpse()
    try:
        with closing(read_only(path)) as db:
            found, number, digest = db.execute(
                "SELECT archive_id, number, digest FROM head"
            ).fetchone()
            if found != archive_id:
                return Glimpse()
            lines = db.execute("SELECT line FROM outbox ORDER BY seq").fetchall()
            return Glimpse(Head(int(number), digest), tuple(bytes(line) for (line,) in lines))
    except (sqlite3.Error, TypeError, ValueError):
        return Glimpse()


def read_only(path: Path) -> sqlite3.Connection:
    """A catalog as it lies there, to be read and nothing else. Raises sqlite3.Error.

    Without a log beside it, the file is all there is: then SQLite need not write anything.
    """
    return open_reader(path, immutable=not Path(f"{path}-wal").exists())
