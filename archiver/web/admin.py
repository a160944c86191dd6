"""Pages for admins only: who listened to what, and who downloaded what."""

from typing import Final

from starlette.responses import Response

from archiver.web.context import Visit
from archiver.web.forms import number

LINES: Final = 100
"""Of one page."""


async def journal(visit: Visit) -> Response:
    """The access log, the newest first."""
    asked = visit.request.query_params
    name, record_id = asked.get("name", "").strip() or None, number(asked.get("recording"))
    entries = await visit.desk.journal.page(
        visit.person,
        before=number(asked.get("before")),
        limit=LINES,
        name=name,
        record_id=record_id,
    )
    return visit.page(
        "journal.html",
        section="journal",
        entries=entries,
        name=name,
        record_id=record_id,
        is_full=len(entries) == LINES,
    )
