"""Coming in and going out, and how a reader wants to see the desk."""

import secrets
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from archiver.desk.journal import Act
from archiver.errors import LogInFailed, LogInThrottled
from archiver.text.messages import LANGUAGES, Messages
from archiver.text.wording import Wording
from archiver.web import pages
from archiver.web.context import (
    TOKEN_FIELD,
    Visit,
    address_of,
    desk_of,
    language_of,
    look,
    visitor_of,
)
from archiver.web.cookies import GATE, LANGUAGE, SESSION, THEME, drop, keep
from archiver.web.desk import Desk
from archiver.web.error_pages import status_of
from archiver.web.forms import read_form
from archiver.web.messages import messages

_THEMES: Final = ("", "light", "dark")


async def show(request: Request) -> Response:
    """The log-in page; redirects users who are logged in already."""
    desk = desk_of(request)
    if await visitor_of(request, desk) is not None:
        return RedirectResponse(f"{desk.base}{inner_path(request, desk)}", 303)
    wish = request.query_params.get("language", "")
    if wish not in LANGUAGES:
        return _form(request, desk, language_of(request, desk))
    response = _form(request, desk, messages(wish))
    _keep(response, desk, LANGUAGE, wish, lasting=True)
    return response


async def log_in(request: Request) -> Response:
    """Take a name and a password; the form has to be one that this browser was given."""
    desk = desk_of(request)
    form = await read_form(request)
    given, sent = request.cookies.get(GATE, ""), form.get(TOKEN_FIELD, "")
    if not given or not secrets.compare_digest(given.encode(), sent.encode()):
        return _form(request, desk, language_of(request, desk), trouble="stale", status=403)
    name, address = form.get("name", ""), address_of(request, desk)
    try:
        token = await desk.door.log_in(name, form.get("password", ""), address=address)
    except (LogInFailed, LogInThrottled) as error:
        if isinstance(error, LogInFailed):  # the others are without number
            await desk.journal.record(name, address, Act.LOG_IN_REFUSED)
        return _refused(request, desk, error, name)
    await desk.journal.record(name, address, Act.LOG_IN)
    response = RedirectResponse(f"{desk.base}{inner_path(request, desk)}", 303)
    _keep(response, desk, SESSION, token)
    drop(response, GATE, path=f"{desk.base}/", secure=desk.is_secure)
    return response


async def log_out(visit: Visit) -> Response:
    """End the session, here and in the file."""
    desk = visit.desk
    token = visit.request.cookies.get(SESSION)
    if token is not None:
        await desk.door.log_out(token)
        await desk.journal.record(visit.person.name, visit.address, Act.LOG_OUT)
    response = visit.go("/log-in")
    drop(response, SESSION, path=f"{desk.base}/", secure=desk.is_secure)
    return response


async def settle(visit: Visit) -> Response:
    """Keep the language or the theme that the reader chose."""
    language, theme = visit.form.get("language"), visit.form.get("theme")
    response: Response = Response(status_code=204) if visit.is_live else visit.go(_back(visit))
    if language in LANGUAGES:
        _keep(response, visit.desk, LANGUAGE, str(language), lasting=True)
    elif theme in _THEMES:
        _keep(response, visit.desk, THEME, str(theme), lasting=True)
    else:
        raise HTTPException(400)
    return response


def inner_path(request: Request, desk: Desk) -> str:
    """The `to` of the address, if it is a path of this desk; else the beginning."""
    return _inner(request.query_params.get("to", ""), desk.base)


def _refused(
    request: Request, desk: Desk, error: LogInFailed | LogInThrottled, name: str
) -> Response:
    trouble = "failed" if isinstance(error, LogInFailed) else "throttled"
    say = language_of(request, desk)
    response = _form(request, desk, say, trouble=trouble, status=status_of(error), name=name)
    if error.retry_after:
        response.headers["retry-after"] = str(max(1, round(error.retry_after)))
    return response


def _back(visit: Visit) -> str:
    return _inner(visit.form.get("back", ""), visit.desk.base)


def _inner(path: str, base: str) -> str:
    path = path.removeprefix(base) if base else path
    plain = path.isascii() and path.isprintable() and "\\" not in path and len(path) < 4000
    return path if plain and path.startswith("/") and not path.startswith("//") else "/"


def _form(
    request: Request,
    desk: Desk,
    say: Messages,
    *,
    trouble: str = "",
    status: int = 200,
    name: str = "",
) -> Response:
    token = request.cookies.get(GATE) or secrets.token_urlsafe(24)
    surroundings = look(request, desk, say, Wording(say, desk.config.window.timezone))
    markup = pages.render(
        "log_in.html",
        {
            **surroundings,
            "token": token,
            "trouble": trouble,
            "name": name[:200],
            "to": inner_path(request, desk),
        },
    )
    response = HTMLResponse(markup, status)
    _keep(response, desk, GATE, token)
    return response


def _keep(response: Response, desk: Desk, name: str, value: str, *, lasting: bool = False) -> None:
    path = f"{desk.base}/"
    keep(response, name, value, path=path, secure=desk.is_secure, lasting=lasting)
