"""A view as a table, created in separate processes: two hundred thousand rows delay nobody.

A thread would share the interpreter with all pages served meanwhile; a process does not. It opens
the index itself, read-only, and returns finished lines.
"""

import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import datetime, tzinfo
from functools import lru_cache, partial
from pathlib import Path
from typing import Final

import anyio
import anyio.to_process

from archiver.desk.index import rows as sql
from archiver.desk.index.border import index_errors
from archiver.desk.index.index import DeskIndex, Piece
from archiver.desk.index.view import View
from archiver.text.csv import BOM, csv_line, lines_of_safe_cells, safe_cell

COLUMNS: Final = (
    "recordId", "callId", "createdAt", "agent", "userId", "order", "orderId", "leadId", "phone",
    "direction", "status", "seconds", "state", "held", "reviewed", "tags", "summary",
)  # fmt: skip
"""Of a view. They are the same in every language, for whatever reads the table."""

_ROWS: Final = 2000
"""Made at once: some 80 ms of work, and 700 kB of text."""

_PROCESSES: Final = 2
"""Making a piece takes more than twice as long as compressing and sending it."""

_NICENESS: Final = 10
"""Two processes can keep two cores busy, on which the desk has to make its pages meanwhile."""

_NO_FLAGS: Final = sql.Flags(is_held=False, is_reviewed=False)


async def table(
    index: DeskIndex, view: View, zone: tzinfo
) -> AsyncIterator[Callable[[], Awaitable[bytes]]]:
    """The whole view as CSV in UTF-8: what makes it, piece by piece, in its order; times are in the
    given zone. Pieces can be made at the same time.

    The rows are those of the moment of the first one; their data is read on the way. Raises
    StorageError.
    """
    yield _head
    processes = anyio.CapacityLimiter(_PROCESSES)
    async for piece in index.pieces(view, _ROWS):
        work = partial(_lines_behind_pages, index.upkeep.store.path, piece, zone)
        yield partial(anyio.to_process.run_sync, work, cancellable=True, limiter=processes)


async def _head() -> bytes:
    return (BOM + csv_line(COLUMNS)).encode()


def _lines_behind_pages(path: Path, piece: Piece, zone: tzinfo) -> bytes:
    """`lines_of`, by a worker process that takes what pages leave of the processor from now on."""
    os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)
    return lines_of(path, piece, zone)


def lines_of(path: Path, piece: Piece, zone: tzinfo) -> bytes:
    """The lines of a piece. For a worker process."""
    with index_errors(path):
        db = _reader(path, path.stat().st_ino)
        found = sql.lines(db, piece.record_ids)
    return lines_of_safe_cells(_cells(found, piece, zone)).encode()


@lru_cache(maxsize=1)
def _reader(path: Path, inode: int) -> sqlite3.Connection:
    """A read-only connection; a new one for a rebuilt index."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def _cells(lines: Iterable[sql.Line], piece: Piece, zone: tzinfo) -> Iterator[Sequence[object]]:
    """The cells of each line, made safe. Moments and lengths are safe, and names and words are the
    same again and again."""
    word = lru_cache(maxsize=None)(safe_cell)
    names, flags, tags = piece.names, piece.flags, piece.tags
    for line in lines:
        record_id, call_id, at, user, order, lead, phone, way, status, seconds, state, said = line
        is_held, is_reviewed = flags.get(record_id, _NO_FLAGS)
        yield (
            safe_cell(record_id),
            safe_cell(call_id),
            "" if at is None else datetime.fromtimestamp(at, zone).isoformat(timespec="seconds"),
            word(None if user is None else names.get(("agent", user))),
            word(user),
            word(None if order is None else names.get(("order", order))),
            word(order),
            safe_cell(lead),
            safe_cell(phone),
            word(way),
            word(status),
            None if seconds is None else f"{seconds:.1f}",
            state,
            int(is_held),
            int(is_reviewed),
            safe_cell(", ".join(tags.get(record_id, ()))),
            safe_cell(said),
        )
