"""What goes over the sandbox's socket: a request as understood, an answer as it will be sent. Pure.

An `Answer` can say things that no honest server would: a length that is not the body's, a body
that stops half-way, a connection that stays open and silent. `wire` sends exactly what it says.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, TypeAlias

from archiver.sandbox.audio import Audio

Row: TypeAlias = dict[str, Any]
"""A JSON object of the API."""


class Route(Enum):
    """What a request asks for. The value names it in logs."""

    CALLS = "calls"
    CALL = "call"
    RECORDINGS = "recordings"
    RECORDING = "recording"
    ORDERS = "orders"
    ORDERS_V1 = "orders-v1"
    USERS = "users"
    USER = "user"
    STATUSES = "statuses"
    LEADS = "leads"
    LEAD = "lead"
    HEALTH = "health"
    FILE = "file"
    UNKNOWN = "unknown"


API = frozenset(Route) - {Route.FILE, Route.UNKNOWN}
"""Every route that wants the key."""
LISTINGS = frozenset({Route.RECORDINGS, Route.RECORDING})
"""Where an address of a file comes from."""
LISTS = frozenset({Route.CALLS, Route.RECORDINGS, Route.ORDERS, Route.USERS, Route.LEADS})
"""Every list that is read page by page."""

_ARRAY = re.compile(r"(\w+)\[\d*\]")


@dataclass(frozen=True)
class Request:
    """A request as the routes and the faults see it.

    `id` is the id in the address: a call's (CALL, RECORDINGS), a recording's (RECORDING, FILE),
    a user's or a lead's. `origin` and `other` are the sandbox's two origins. The last fields are
    what a fault changes about the reading of a request.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    route: Route
    id: int | None
    origin: str
    other: str
    target: str = ""
    page_cap: int | None = None
    next_by_cap: bool = True
    shift: int = 0
    newest_first: bool = False
    ignored: frozenset[str] = frozenset()
    audio: Audio | None = None

    @cached_property
    def params(self) -> Mapping[str, str]:
        """The query without arrays; of a repeated name the last."""
        return {k: v for k, v in self.query if k not in self.ignored}

    def array(self, name: str) -> list[str]:
        """The values of `name[]=1&name[]=2` or `name[0]=1&name[1]=2`, brackets encoded or not."""
        if name in self.ignored:
            return []
        return [v for k, v in self.query if (m := _ARRAY.fullmatch(k)) and m[1] == name]

    def offset(self) -> int:
        """The offset asked for; 0 when there is none or it makes no sense."""
        text = self.params.get("offset", "")
        return int(text) if text.isdecimal() else 0


class Framing(Enum):
    """How the end of a body is marked."""

    LENGTH = "Content-Length"
    CHUNKED = "chunked"
    CLOSE = "the connection closes"


class Ending(Enum):
    """What happens after the last byte that is sent."""

    WHOLE = "the next request may follow"
    CLOSE = "the connection closes"
    RESET = "the connection is reset"
    STALL = "nothing, until the client leaves"


Body: TypeAlias = bytes | memoryview | Callable[[], Iterable[bytes]]


@dataclass(frozen=True)
class Answer:
    """An answer as it will be sent.

    `stop_after` ends the body after that many bytes, with `ending`; `declared` is the length to
    claim instead of the true one; `drip` sends pieces of so many bytes with so many seconds
    between them; `delay` is the wait before the first byte; `silent` sends no head at all.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body = b""
    framing: Framing = Framing.LENGTH
    ending: Ending = Ending.WHOLE
    stop_after: int | None = None
    declared: int | None = None
    drip: tuple[int, float] | None = None
    delay: float = 0.0
    silent: bool = False

    def content(self) -> bytes:
        """The body in one piece, whatever it is made of."""
        return b"".join(self.body()) if callable(self.body) else bytes(self.body)

    def with_headers(self, changes: Mapping[str, str | None]) -> dict[str, str]:
        """The headers with `changes` made; None takes one away. Names compare without case."""
        changed = {name.lower() for name in changes}
        kept = {k: v for k, v in self.headers.items() if k.lower() not in changed}
        return kept | {k: v for k, v in changes.items() if v is not None}


def json_answer(status: int, document: object) -> Answer:
    """An answer with that document as its body."""
    body = json.dumps(document, separators=(",", ":")).encode()
    return Answer(status, {"Content-Type": "application/json"}, body)


def refusal(status: int, message: str) -> Answer:
    """The API's envelope for a request that was not carried out."""
    return json_answer(status, {"success": False, "message": message, "data": None})


def success(data: object) -> Answer:
    """The API's envelope around `data`."""
    return json_answer(200, {"success": True, "message": "", "data": data})


def page(rows: Sequence[Row], *, following: int, total: int) -> Row:
    """The data of a paginated list."""
    return {"list": list(rows), "next": following, "total": total}
