"""Every refusal and every failure as a page of one sentence that says what to do."""

import logging
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from archiver.desk.accounts.authenticator import Visitor
from archiver.errors import (
    ArchiverError,
    ConfigError,
    DeskRefused,
    LogInFailed,
    LogInThrottled,
    NoSuchThing,
    NotAllowed,
    StorageError,
    UsageError,
    WrongInput,
)
from archiver.web import pages
from archiver.web.context import LIVE_HEADER, Forged, Visit, desk_of, language_of, look, visitor_of
from archiver.web.desk import Desk
from archiver.web.wording import Wording

_LOG: Final = logging.getLogger(__name__)
_STATUS: Final[tuple[tuple[type[ArchiverError], int], ...]] = (
    (LogInFailed, 401),
    (LogInThrottled, 429),
    (NotAllowed, 403),
    (NoSuchThing, 404),
    (WrongInput, 422),
    (ConfigError, 503),
    (DeskRefused, 400),
    (UsageError, 400),
    (StorageError, 503),
)
"""The first that fits. What cannot be done now is 503: a disk or S3 fails, a file is broken."""
_TOLD: Final = frozenset({400, 401, 403, 404, 405, 413, 415, 422, 429, 500, 503})


def status_of(error: ArchiverError) -> int:
    """The status that an error of ours is answered with."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 503)


async def on_http_error(request: Request, error: Exception) -> Response:
    """What the routes refuse."""
    if isinstance(error, Forged):
        return await refusal(request, 403, "forged")
    return await refusal(request, error.status_code if isinstance(error, HTTPException) else 500)


async def on_archiver_error(request: Request, error: Exception) -> Response:
    """What the parts behind the pages refuse, or fail to do."""
    if not isinstance(error, ArchiverError):
        raise error
    status = status_of(error)
    if status == 503:
        _LOG.warning("%s: %s", type(error).__name__, error)
    word = "setting" if isinstance(error, ConfigError) else ""
    return await refusal(request, status, word, retry_after=error.retry_after)


async def on_any_error(request: Request, error: Exception) -> Response:
    """A bug of ours: its traceback goes to the console, the reader gets a sentence."""
    _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return await refusal(request, 500)


async def refusal(
    request: Request, status: int, word: str = "", *, retry_after: float | None = None
) -> Response:
    """The refusal in the reader's language: a page, or a line for what is no page.

    Who is known keeps the bar of every page, and with it the way back.
    """
    desk = desk_of(request)
    say = language_of(request, desk)
    told = word or str(status if status in _TOLD else 400)
    headers = {"retry-after": str(max(1, round(retry_after)))} if retry_after else {}
    if LIVE_HEADER in request.headers or "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse(say(f"error.{told}.text"), status, headers)
    wording = Wording(say, desk.config.window.timezone)
    said = {"status": status, "told": told}
    visitor = await _visitor(request, desk)
    if visitor is None:
        markup = pages.render("error.html", {**look(request, desk, say, wording), **said})
    else:
        markup = Visit(request, desk, visitor, say, wording).render("refused.html", **said)
    return HTMLResponse(markup, status, headers)


async def _visitor(request: Request, desk: Desk) -> Visitor | None:
    try:
        return await visitor_of(request, desk)
    except ArchiverError:  # who it is cannot be told either
        return None
