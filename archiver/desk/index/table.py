"""A view as a table, created in a separate process: two hundred thousand rows delay nobody.

A thread would share the interpreter with all pages served meanwhile; a process does not. It opens
the index itself, read-only, and returns finished lines.
"""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from datetime import tzinfo
from functools import lru_cache, partial
from pathlib import Path
from typing import Final

import anyio
import anyio.to_process

from archiver.desk.index import rows as sql
from archiver.desk.index.border import index_errors
from archiver.desk.index.entries import Entry
from archiver.desk.index.index import DeskIndex, Piece
from archiver.desk.index.view import View
from archiver.text.csv import BOM, csv_line, csv_lines

COLUMNS: Final = (
    "recordId", "callId", "createdAt", "agent", "userId", "order", "orderId", "leadId", "phone",
    "direction", "status", "seconds", "state", "held", "reviewed", "tags", "summary",
)  # fmt: skip
"""Of a view. They are the same in every language, for whatever reads the table."""

_ROWS: Final = 2000
"""Made at once: some 80 ms of work, and 700 kB of text."""


async def table(index: DeskIndex, view: View, zone: tzinfo) -> AsyncIterator[str]:
    """The whole view as CSV, piece by piece, in its order; times are in the given zone.

    The rows are those of the moment of the first one; their data is read on the way. Raises
    StorageError.
    """
    yield BOM + csv_line(COLUMNS)
    one_at_a_time = anyio.CapacityLimiter(1)
    async for piece in index.pieces(view, _ROWS):
        work = partial(lines_of, index.upkeep.store.path, piece, zone)
        yield await anyio.to_process.run_sync(work, cancellable=True, limiter=one_at_a_time)


def lines_of(path: Path, piece: Piece, zone: tzinfo) -> str:
    """The lines of a piece. For a worker process."""
    with index_errors(path):
        db = _reader(path, path.stat().st_ino)
        found = sql.entries(db, piece.record_ids, piece.names, piece.flags)
    return csv_lines(_cells(one, piece.tags.get(one.record_id, ()), zone) for one in found)


@lru_cache(maxsize=1)
def _reader(path: Path, inode: int) -> sqlite3.Connection:
    """A read-only connection; a new one for a rebuilt index."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def _cells(entry: Entry, tags: Sequence[str], zone: tzinfo) -> list[str | int | None]:
    at = entry.created_at
    return [
        entry.record_id,
        entry.call_id,
        at.astimezone(zone).isoformat(timespec="seconds") if at else "",
        entry.agent,
        entry.user_id,
        entry.order,
        entry.order_id,
        entry.lead_id,
        entry.phone,
        entry.direction,
        entry.status,
        None if entry.seconds is None else f"{entry.seconds:.1f}",
        entry.state.value,
        int(entry.is_held),
        int(entry.is_reviewed),
        ", ".join(tags),
        entry.summary,
    ]
