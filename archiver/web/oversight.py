"""What whoever oversees the desk sees: who listened to what, and every verdict as a table."""

from collections.abc import AsyncIterator
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from archiver.desk.journal import Act
from archiver.desk.judgement.sheets import note_rows, verdict_rows
from archiver.web.view_address import read_id
from archiver.web.visit import Visit

_LINES: Final = 100


async def journal(visit: Visit) -> Response:
    """The access log, the newest first."""
    asked = visit.request.query_params
    name, record_id = asked.get("name", "").strip() or None, _number(asked.get("recording"))
    entries = await visit.desk.journal.page(
        visit.person,
        before=_number(asked.get("before")),
        limit=_LINES,
        name=name,
        record_id=record_id,
    )
    return visit.page(
        "journal.html",
        section="journal",
        entries=entries,
        name=name,
        record_id=record_id,
        is_full=len(entries) == _LINES,
    )


async def journal_table(visit: Visit) -> Response:
    """The access log as CSV."""
    return await _table(visit, "access-log.csv", visit.desk.journal.rows(visit.person))


async def verdicts_table(visit: Visit) -> Response:
    """Every verdict of every reviewer as CSV."""
    describe = visit.desk.library.index.entries
    rows = verdict_rows(visit.person, visit.desk.verdicts, describe, language=visit.say.language)
    return await _table(visit, "verdicts.csv", rows)


async def notes_table(visit: Visit) -> Response:
    """Every note of everybody as CSV."""
    rows = note_rows(visit.person, visit.desk.notes, visit.desk.library.index.entries)
    return await _table(visit, "notes.csv", rows)


async def _table(visit: Visit, name: str, rows: AsyncIterator[str]) -> Response:
    await visit.desk.journal.record(
        visit.person.name, visit.address, Act.EXPORT, detail=visit.request.url.path
    )
    return StreamingResponse(
        rows,
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


def _number(text: str | None) -> int | None:
    if not text or not text.strip():
        return None
    try:
        return read_id(text.strip())
    except ValueError:
        raise HTTPException(400) from None
