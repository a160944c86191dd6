"""One request by one person: the only access to what is behind an address.

`guarded` enforces all permissions. A handler gets a `Visit`: its person may do what the route
requires, and its form has the token that only our own pages contain.
"""

import functools
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any, Final
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from archiver.desk.accounts.access import client_address
from archiver.desk.accounts.authenticator import Visitor
from archiver.desk.accounts.person import Person, Right
from archiver.text.messages import LANGUAGES, Messages
from archiver.text.wording import Wording
from archiver.web import pages
from archiver.web.cookies import LANGUAGE, SESSION, THEME
from archiver.web.desk import Desk
from archiver.web.forms import MOST_BYTES_OF_PEOPLE, Form, read_form
from archiver.web.messages import messages, spoken
from archiver.web.shortcuts import keys_of
from archiver.web.view_address import GREATEST_ID

TOKEN_FIELD: Final = "csrf"  # noqa: S105 - the name of a field
TOKEN_HEADER: Final = "x-csrf-token"  # noqa: S105 - the name of a header
LIVE_HEADER: Final = "x-desk-live"
"""Sent by our own scripts, which want a piece of a page instead of a whole one."""
GO_HEADER: Final = "x-desk-go"
"""Of an answer to a script of ours: where the browser goes next."""


class Forged(HTTPException):
    """A form without the code that only our own pages know, or with that of an older session."""

    def __init__(self) -> None:
        super().__init__(403)


@dataclass(frozen=True, slots=True)
class Visit:
    """A request that was let in. `form` is empty unless the request changes something."""

    request: Request
    desk: Desk
    visitor: Visitor
    say: Messages
    wording: Wording
    form: Form = field(default_factory=Form)

    @property
    def person(self) -> Person:
        """The user of the request."""
        return self.visitor.person

    @property
    def address(self) -> str:
        """The address of the machine in front of the person, as far as it is believed."""
        return address_of(self.request, self.desk)

    @property
    def is_live(self) -> bool:
        """Whether a script of ours made the request, which replaces a part of its page."""
        return LIVE_HEADER in self.request.headers

    @property
    def token(self) -> str:
        """A new token, for a form that creates something or a page that writes again and again."""
        return secrets.token_urlsafe(12)

    def id(self, name: str = "record_id") -> int:
        """An id in the path; 404 for one that no recording can have."""
        number = int(self.request.path_params[name])
        if number > GREATEST_ID:
            raise HTTPException(404)
        return number

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """A whole page, or a piece of one."""
        return HTMLResponse(self.render(template, **values), status)

    def render(self, template: str, **values: Any) -> str:
        """The markup of a template, for this person."""
        surroundings = look(self.request, self.desk, self.say, self.wording)
        section = str(values.get("section", ""))
        own = {"visit": self, "section": section, "keys": keys_of(section)}
        return pages.render(template, {**surroundings, **own, **values})

    def go(self, path: str) -> Response:
        """Send the browser elsewhere in the desk, after a form was taken. A script of ours gets the
        address: if it followed, it would load the page for nothing, and lose the `#` part."""
        there = RedirectResponse(f"{self.desk.base}{path}", 303)
        if self.is_live:
            return Response(status_code=204, headers={GO_HEADER: there.headers["location"]})
        return there


Handler = Callable[[Visit], Awaitable[Response]]


def guarded(handler: Handler, right: Right) -> Callable[[Request], Awaitable[Response]]:
    """The handler behind its right: who is not known logs in first, who may not is refused."""

    async def endpoint(request: Request) -> Response:
        desk = desk_of(request)
        visitor = await visitor_of(request, desk)
        if visitor is None:
            return _to_log_in(request, desk)
        if _is_home_of_agent(request, desk, visitor.person):
            return RedirectResponse(f"{desk.base}/my", 303)
        visitor.person.need(right)
        form = Form()
        if request.method == "POST":
            form = await read_form(request, MOST_BYTES_OF_PEOPLE)
            sent = request.headers.get(TOKEN_HEADER) or form.get(TOKEN_FIELD)
            if not visitor.trusts(sent):
                raise Forged
        say = language_of(request, desk)
        wording = _wording(say, desk.config.window.timezone)
        return await handler(Visit(request, desk, visitor, say, wording, form))

    return endpoint


def _is_home_of_agent(request: Request, desk: Desk, person: Person) -> bool:
    """The first page of everyone else is the list of all calls."""
    return not person.may(Right.LISTEN) and request.url.path == f"{desk.base}/"


def desk_of(request: Request) -> Desk:
    """The desk that the application serves."""
    desk: Desk = request.app.state.desk
    return desk


async def visitor_of(request: Request, desk: Desk) -> Visitor | None:
    """The user: by the header of a trusted proxy, by a session, or by being on this machine."""
    header = desk.config.desk.proxy_header
    named = request.headers.getlist(header) if header else []
    return await desk.door.visitor(
        peer=_peer(request), named=named, token=request.cookies.get(SESSION)
    )


def address_of(request: Request, desk: Desk) -> str:
    """Where the request comes from: proxies that the configuration names are believed."""
    forwarded = request.headers.getlist("x-forwarded-for")
    return client_address(_peer(request), forwarded, desk.config.desk.proxy_addresses)


def language_of(request: Request, desk: Desk) -> Messages:
    """The words of the language that the reader is answered in."""
    chosen = request.cookies.get(LANGUAGE)
    accepted = request.headers.get("accept-language")
    return messages(spoken(chosen, accepted, desk.config.desk.language))


def look(request: Request, desk: Desk, say: Messages, wording: Wording) -> Mapping[str, Any]:
    """The values that every page needs, for any user."""
    theme = request.cookies.get(THEME)
    return {
        "say": say,
        "wording": wording,
        "base": desk.base,
        "theme": theme if theme in {"light", "dark"} else "",
        "languages": LANGUAGES,
        "nonce": request.scope["state"]["nonce"],
        "here": here(request) if request.method == "GET" else f"{desk.base}/",
    }


def here(request: Request) -> str:
    """The path and query of the request, as sent by the browser."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


@functools.lru_cache(maxsize=8)
def _wording(say: Messages, zone: tzinfo) -> Wording:
    """One value for all requests, so that what was made with it can be kept."""
    return Wording(say, zone)


def _peer(request: Request) -> str:
    return request.client.host if request.client else ""


def _to_log_in(request: Request, desk: Desk) -> Response:
    """The log-in page for people; a plain refusal for what has no eyes."""
    wants_page = "text/html" in request.headers.get("accept", "")
    if request.method != "GET" or LIVE_HEADER in request.headers or not wants_page:
        raise HTTPException(401)
    return RedirectResponse(f"{desk.base}/log-in?to={quote(here(request), safe='')}", 303)
