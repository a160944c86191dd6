"""Tables for download, as CSV: each is logged before its first row is sent."""

from collections.abc import AsyncIterator
from typing import Final

from starlette.responses import Response, StreamingResponse

from archiver.desk.index.table import table
from archiver.desk.journal import Act
from archiver.desk.review.sheets import note_rows, verdict_rows
from archiver.web.admin import wanted_entries
from archiver.web.ahead import MadeAhead
from archiver.web.asked import asked_view
from archiver.web.context import Visit
from archiver.web.view_address import changed, query

_CSV: Final = "text/csv; charset=utf-8"


async def recordings(visit: Visit) -> Response:
    """A whole view, whichever page of it the address shows."""
    view = changed((await asked_view(visit))[0])
    await _log(visit, query(view))
    pieces = table(visit.desk.library.index, view, visit.wording.zone)
    return MadeAhead(pieces, media_type=_CSV, headers=_download("recordings.csv"))


async def journal(visit: Visit) -> Response:
    """The access log, as far as its page shows it."""
    wanted, address, _ = wanted_entries(visit)
    rows = visit.desk.journal.rows(visit.person, visit.wording.zone, wanted)
    return await _taken(visit, "access-log.csv", rows, address)


async def verdicts(visit: Visit) -> Response:
    """Every verdict of every reviewer."""
    describe = visit.desk.library.index.entries
    rows = verdict_rows(
        visit.person,
        visit.desk.verdicts,
        describe,
        language=visit.say.language,
        zone=visit.wording.zone,
    )
    return await _taken(visit, "verdicts.csv", rows)


async def notes(visit: Visit) -> Response:
    """Everyone's notes."""
    describe = visit.desk.library.index.entries
    rows = note_rows(visit.person, visit.desk.notes, describe, zone=visit.wording.zone)
    return await _taken(visit, "notes.csv", rows)


async def _log(visit: Visit, asked: str = "") -> None:
    await visit.desk.journal.record(
        visit.person.name, visit.address, Act.EXPORT, detail=visit.request.url.path + asked
    )


async def _taken(visit: Visit, name: str, rows: AsyncIterator[str], asked: str = "") -> Response:
    await _log(visit, asked)
    return StreamingResponse(rows, media_type=_CSV, headers=_download(name))


def _download(name: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{name}"'}
