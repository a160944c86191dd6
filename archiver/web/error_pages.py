"""Every rejection and every failure as a page with one sentence and the next step."""

import logging
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from archiver.desk.accounts.authenticator import Visitor
from archiver.errors import (
    ArchiverError,
    ChangedMeanwhile,
    ConfigError,
    DeskRefused,
    LogInFailed,
    LogInThrottled,
    NoSuchThing,
    NotAllowed,
    StorageError,
    UsageError,
    WrongAnswer,
    WrongInput,
)
from archiver.text.wording import Wording
from archiver.web import pages
from archiver.web.answers import QUESTION
from archiver.web.context import LIVE_HEADER, Forged, Visit, desk_of, language_of, look, visitor_of
from archiver.web.desk import Desk

_LOG: Final = logging.getLogger(__name__)
_STATUS: Final[tuple[tuple[type[ArchiverError], int], ...]] = (
    (LogInFailed, 401),
    (LogInThrottled, 429),
    (NotAllowed, 403),
    (NoSuchThing, 404),
    (ChangedMeanwhile, 409),
    (WrongInput, 422),
    (ConfigError, 503),
    (DeskRefused, 400),
    (UsageError, 400),
    (StorageError, 503),
)
"""The first that fits. What cannot be done now is 503: a disk or S3 fails, a file is broken."""
_TOLD: Final = frozenset({400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 503})
FIELD_HEADER: Final = "x-desk-field"
"""Of a refusal: the name of the field that our script leads to."""
SESSION_HEADER: Final = "x-desk-session"
"""Of a refusal: the page's session is over; what it sent is good, and can be sent again after a
log-in."""


def status_of(error: ArchiverError) -> int:
    """The status that an error of ours is answered with."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 503)


async def on_http_error(request: Request, error: Exception) -> Response:
    """What the routes refuse."""
    if isinstance(error, Forged):
        return await refusal(request, 403, "forged", headers={SESSION_HEADER: "over"})
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = {SESSION_HEADER: "over"} if status == 401 else {}
    return await refusal(request, status, headers=headers)


async def on_archiver_error(request: Request, error: Exception) -> Response:
    """What the parts behind the pages refuse, or fail to do."""
    if not isinstance(error, ArchiverError):
        raise error
    status = status_of(error)
    if status == 503:
        _LOG.warning("%s: %s", type(error).__name__, error)
    word = "setting" if isinstance(error, ConfigError) else ""
    headers = {"retry-after": str(max(1, round(error.retry_after)))} if error.retry_after else {}
    if not isinstance(error, WrongInput):
        return await refusal(request, status, word, headers=headers)
    prefix = QUESTION if isinstance(error, WrongAnswer) else ""
    headers[FIELD_HEADER] = quote(f"{prefix}{error.field}")
    return await refusal(request, status, headers=headers, text=_wrong(request, error))


def _wrong(request: Request, error: WrongInput) -> str:
    """Which field cannot be taken, and what it may be."""
    desk, say = desk_of(request), language_of(request, desk_of(request))
    question = desk.cards.question(error.field) if isinstance(error, WrongAnswer) else None
    field = question.text.said(say.language) if question else say.named("field", error.field)
    limit = "" if error.limit is None else say.number(error.limit)
    return say(f"wrong.{error.problem}", field=field, limit=limit)


async def on_any_error(request: Request, error: Exception) -> Response:
    """A bug of ours: its traceback goes to the console, the reader gets a sentence."""
    _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return await refusal(request, 500)


async def refusal(
    request: Request,
    status: int,
    word: str = "",
    *,
    text: str = "",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The rejection in the user's language: a page, or one line where a page is not expected.

    A logged-in user keeps the navigation bar, and with it the way back. `text` replaces the usual
    sentence of the status.
    """
    desk = desk_of(request)
    say = language_of(request, desk)
    told = word or str(status if status in _TOLD else 400)
    text = text or say(f"error.{told}.text")
    if LIVE_HEADER in request.headers or "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse(text, status, headers)
    wording = Wording(say, desk.config.window.timezone)
    said = {"status": status, "told": told, "text": text}
    visitor = await _visitor(request, desk)
    if visitor is None:
        markup = pages.render("error.html", {**look(request, desk, say, wording), **said})
    else:
        markup = Visit(request, desk, visitor, say, wording).render("refused.html", **said)
    return HTMLResponse(markup, status, headers)


async def _visitor(request: Request, desk: Desk) -> Visitor | None:
    try:
        return await visitor_of(request, desk)
    except ArchiverError:  # the user is unknown as well
        return None
