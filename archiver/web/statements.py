"""The statement of a month for administrators of the desk: as a page, and to download.

It is made from the index of the desk, so that it says what the desk knows of the archive by now;
runs and verifications are those that this machine remembers.
"""

import re
from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Final

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.responses import Response

from archiver.catalog.coverage import oldest_call
from archiver.catalog.overview import Period
from archiver.desk.journal import Act
from archiver.extras import is_installed
from archiver.statement.document import document_of
from archiver.statement.gather import Statement, gather
from archiver.statement.months import month_of, months_between
from archiver.statement.page import body_of, page_of
from archiver.statement.parts import Document
from archiver.web.context import Visit

EVERYTHING: Final = "all"
"""In place of a month: all that is archived."""

_MOST_MONTHS: Final = 240
_NAME: Final = re.compile(r"[0-9a-z-]+")


async def show(visit: Visit) -> Response:
    """The page, with the months to choose from."""
    months = await _months(visit)
    chosen = visit.request.query_params.get("month") or (months[0] if months else EVERYTHING)
    _, document = await _made(visit, chosen)
    return visit.page(
        "statement.html",
        section="statement",
        document=document,
        body=await to_thread.run_sync(body_of, document),
        months=[(month, _said(month, visit)) for month in months],
        chosen=chosen,
        has_pdf=is_installed("pdf"),
    )


async def page(visit: Visit) -> Response:
    """The same as one HTML file to keep or to print."""
    _, document = await _made(visit, _chosen(visit))
    data = await to_thread.run_sync(page_of, document)
    return await _taken(visit, data.encode(), "html", "text/html; charset=utf-8")


async def pdf(visit: Visit) -> Response:
    """The same as a PDF; 404 where the extra for it is not installed."""
    from archiver.statement.pdf import pdf_of

    if not is_installed("pdf"):
        raise HTTPException(404)
    found, document = await _made(visit, _chosen(visit))
    data = await to_thread.run_sync(partial(pdf_of, document, found.at))
    return await _taken(visit, data, "pdf", "application/pdf")


async def _made(visit: Visit, month: str) -> tuple[Statement, Document]:
    zone = visit.wording.zone
    try:
        period = Period(zone) if month == EVERYTHING else month_of(month, zone)
    except ValueError:
        raise HTTPException(404) from None
    desk = visit.desk
    found = await gather(
        desk.library,
        desk.config,
        period,
        names=await desk.library.catalog.names(),
        state_folder=desk.state_folder,
        clock=desk.clock,
    )
    return found, await to_thread.run_sync(document_of, found, visit.say.language)


async def _months(visit: Visit) -> Sequence[str]:
    """The months from the first call to now, the newest first."""

    first = await visit.desk.library.catalog.ask(oldest_call)
    if first is None:
        return []
    return months_between(first, visit.desk.clock(), visit.wording.zone)[:_MOST_MONTHS]


def _said(month: str, visit: Visit) -> str:
    """`November 2026`."""
    return visit.wording.month(date.fromisoformat(f"{month}-01"))


def _chosen(visit: Visit) -> str:
    return visit.request.query_params.get("month", EVERYTHING)


async def _taken(visit: Visit, data: bytes, kind: str, media_type: str) -> Response:
    """The download; it is in the access log before its first byte leaves."""
    month = _chosen(visit)
    await visit.desk.journal.record(
        visit.person.name,
        visit.address,
        Act.EXPORT,
        detail=f"{visit.request.url.path}?month={month}",
    )
    name = month if _NAME.fullmatch(month) else EVERYTHING
    disposition = f'attachment; filename="statement-{name}.{kind}"'
    return Response(data, media_type=media_type, headers={"content-disposition": disposition})
