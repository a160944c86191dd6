"""Tables to take away, as CSV: each is told to the access log before its first row leaves."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from starlette.responses import Response, StreamingResponse

from archiver.desk.index.entries import Entry
from archiver.desk.index.view import View
from archiver.desk.journal import Act
from archiver.desk.review.sheets import note_rows, verdict_rows
from archiver.text.csv import BOM, csv_line
from archiver.web.context import Visit
from archiver.web.view_address import changed, query, read_view

COLUMNS: Final = (
    "recordId", "callId", "createdAt", "agent", "userId", "order", "orderId", "leadId", "phone",
    "direction", "status", "seconds", "state", "held", "reviewed", "tags", "summary",
)  # fmt: skip
"""Of a view. They are the same in every language, for whatever reads the table."""

_ROWS_A_PIECE: Final = 500


async def recordings(visit: Visit) -> Response:
    """A whole view, whichever page of it the address shows."""
    view = changed(read_view(visit.request.query_params)[0])
    return await _taken(visit, "recordings.csv", _recording_rows(visit, view), query(view))


async def journal(visit: Visit) -> Response:
    """The access log."""
    return await _taken(visit, "access-log.csv", visit.desk.journal.rows(visit.person))


async def verdicts(visit: Visit) -> Response:
    """Every verdict of every reviewer."""
    describe = visit.desk.library.index.entries
    rows = verdict_rows(visit.person, visit.desk.verdicts, describe, language=visit.say.language)
    return await _taken(visit, "verdicts.csv", rows)


async def notes(visit: Visit) -> Response:
    """Every note of everybody."""
    rows = note_rows(visit.person, visit.desk.notes, visit.desk.library.index.entries)
    return await _taken(visit, "notes.csv", rows)


async def _taken(visit: Visit, name: str, rows: AsyncIterator[str], asked: str = "") -> Response:
    await visit.desk.journal.record(
        visit.person.name, visit.address, Act.EXPORT, detail=visit.request.url.path + asked
    )
    return StreamingResponse(
        rows,
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


async def _recording_rows(visit: Visit, view: View) -> AsyncIterator[str]:
    """The table, a piece at a time: thousands of rows never wait in memory."""
    yield BOM + csv_line(COLUMNS)
    entries: list[Entry] = []
    async for entry in visit.desk.library.index.stream(view):
        entries.append(entry)
        if len(entries) == _ROWS_A_PIECE:
            yield await _piece(visit, entries)
            entries.clear()
    yield await _piece(visit, entries)


async def _piece(visit: Visit, entries: Sequence[Entry]) -> str:
    tags = await visit.desk.tags.of_many([entry.record_id for entry in entries])
    return "".join(csv_line(_cells(visit, each, tags.get(each.record_id, []))) for each in entries)


def _cells(visit: Visit, entry: Entry, tags: Sequence[str]) -> list[str | int | None]:
    return [
        entry.record_id,
        entry.call_id,
        visit.wording.machine(entry.created_at),
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
