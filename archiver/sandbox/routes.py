"""The documented routes over a world: what a healthy Liner API answers. Pure.

Sources: the method pages of the API documentation. Where they are silent the sandbox is strict:
a malformed parameter is a 422, an unknown id a 404. Faults play the other guesses.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from archiver.sandbox.exchange import Answer, Request, Route, Row, page, refusal
from archiver.sandbox.fileserver import Addresses, serve_file
from archiver.sandbox.model import CallQuery, Recording, Source, parse_moment
from archiver.sandbox.rows import (
    lead_row,
    order_row,
    order_v1_row,
    recording_row,
    status_row,
    user_row,
)

LARGEST_PAGE = 100
DEFAULT_PAGE = 50

_FIXED = {
    "/v2/call/": Route.CALLS,
    "/v2/call-record/": Route.RECORDINGS,
    "/v2/order/": Route.ORDERS,
    "/v1/order/list/": Route.ORDERS_V1,
    "/v2/user/list/": Route.USERS,
    "/v2/call-status/": Route.STATUSES,
    "/v2/call-statuses/": Route.STATUSES,
    "/v2/lead/": Route.LEADS,
    "/v1/health/check/": Route.HEALTH,
}
_DETAILS = {
    "call": Route.CALL,
    "call-record": Route.RECORDING,
    "user": Route.USER,
    "lead": Route.LEAD,
}
_DETAIL = re.compile(r"/v2/([a-z-]+)/detail/(\d{1,19})/?")
_FILE = re.compile(r"/files/(\d{1,19})(?!\d).*")

Reply: TypeAlias = Any
"""The `data` of a success, or an `Answer` that is none."""


class MalformedError(Exception):
    """A parameter makes no sense; the text is the API's message."""


def find_route(path: str, query: Mapping[str, str]) -> tuple[Route, int | None]:
    """What an address asks for, and the id in it."""
    if route := _FIXED.get(path):
        call_id = query.get("callId", "") if route is Route.RECORDINGS else ""
        return route, int(call_id) if call_id.isdecimal() else None
    if (found := _DETAIL.fullmatch(path)) and found[1] in _DETAILS:
        return _DETAILS[found[1]], int(found[2])
    if found := _FILE.fullmatch(path):
        return Route.FILE, int(found[1])
    return Route.UNKNOWN, None


@dataclass(frozen=True)
class Routes:
    """Answers requests from a world; `addresses` makes and checks the addresses of files."""

    world: Source
    addresses: Addresses

    def reply(self, request: Request) -> Reply:
        """The data of a success, or an `Answer`."""
        handler = _HANDLERS.get(request.route)
        if handler is None:
            return refusal(404, "There is no such method.")
        try:
            return handler(self, request)
        except MalformedError as error:
            return refusal(422, str(error))

    def calls(self, request: Request) -> Reply:
        """`GET /v2/call/`."""
        orders, leads = _ids(request, "orderIds"), _ids(request, "leadIds")
        if orders is None and leads is None:
            raise MalformedError("orderIds or leadIds is required.")
        query = CallQuery(
            orders=orders,
            leads=leads,
            users=_ids(request, "userIds"),
            statuses=_ids(request, "statusIds"),
            since=_bound(request, 0),
            until=_bound(request, 1),
            newest_first=request.newest_first,
        )
        offset, limit, following = _paging(request)
        rows, total = self.world.calls(query, offset, limit)
        return page(rows, following=following, total=total)

    def call(self, request: Request) -> Reply:
        """`GET /v2/call/detail/{callId}/`."""
        return self.world.call_row(_id(request)) or _unknown("call")

    def recordings(self, request: Request) -> Reply:
        """`GET /v2/call-record/`."""
        if request.id is None or request.id <= 0:
            raise MalformedError("callId is required.")
        found = self.world.recordings_of(request.id)
        if found is None:
            return _unknown("call")
        offset, limit, following = _paging(request)
        rows = [self._recording_row(each, request) for each in found[offset : offset + limit]]
        return page(rows, following=following, total=len(found))

    def recording(self, request: Request) -> Reply:
        """`GET /v2/call-record/detail/{callRecordId}/`."""
        found = self.world.recording_of(_id(request))
        return self._recording_row(found, request) if found else _unknown("call record")

    def orders(self, request: Request) -> Reply:
        """`GET /v2/order/`."""
        rows = [order_row(order) for order in self.world.orders.values() if order.listed]
        return _paged(rows, request)

    def orders_v1(self, _request: Request) -> Reply:
        """`GET /v1/order/list/`: a bare array of the orders that are not archived."""
        orders = self.world.orders.values()
        return [order_v1_row(each) for each in orders if each.listed and not each.archived]

    def users(self, request: Request) -> Reply:
        """`GET /v2/user/list/`."""
        active = request.params.get("isActive")
        users = [
            user
            for user in self.world.users.values()
            if active is None or user.active == (active == "1")
        ]
        return _paged([user_row(user) for user in users], request)

    def user(self, request: Request) -> Reply:
        """`GET /v2/user/detail/{userId}/`."""
        found = self.world.users.get(_id(request))
        return user_row(found) if found else _unknown("user")

    def statuses(self, request: Request) -> Reply:
        """`GET /v2/call-status/`; the plural of the examples is a fault (`PluralStatuses`)."""
        if request.path != "/v2/call-status/":
            return refusal(404, "There is no such method.")
        return [status_row(status) for status in self.world.statuses.values()]

    def leads(self, request: Request) -> Reply:
        """`GET /v2/lead/`."""
        orders, since, until = _ids(request, "orderIds"), _bound(request, 0), _bound(request, 1)
        leads = [
            lead
            for lead in self.world.all_leads()
            if (orders is None or lead.order_id in orders)
            and (since is None or since <= lead.created_at)
            and (until is None or lead.created_at <= until)
        ]
        return _paged([lead_row(lead) for lead in leads], request)

    def lead(self, request: Request) -> Reply:
        """`GET /v2/lead/detail/{leadId}/`."""
        found = self.world.lead_of(_id(request))
        return lead_row(found) if found else _unknown("lead")

    def health(self, _request: Request) -> Reply:
        """`GET /v1/health/check/`."""
        names = ("linerMonolithPhpGateway", "linerMicroMqHub", "linerMicroStt")
        part = {"success": True, "message": "", "data": {"executionTime": 0.002}}
        return dict.fromkeys(names, part)

    def file(self, request: Request) -> Reply:
        """The audio behind a recording."""
        found = self.world.recording_of(_id(request))
        if found is None:
            return _unknown("file")
        if not self.addresses.admit(request, found.id):
            return refusal(403, "The address has expired.")
        return serve_file(request, request.audio or found.audio, found.created_at)

    def _recording_row(self, recording: Recording, request: Request) -> Row:
        row = recording_row(recording)
        template = row.get("fileUrl")
        if isinstance(template, str):
            path = self.addresses.path(recording.id, recording.audio.extension)
            row["fileUrl"] = fill(template, request, path)
        return row


_HANDLERS: dict[Route, Callable[[Routes, Request], Reply]] = {
    Route.CALLS: Routes.calls,
    Route.CALL: Routes.call,
    Route.RECORDINGS: Routes.recordings,
    Route.RECORDING: Routes.recording,
    Route.ORDERS: Routes.orders,
    Route.ORDERS_V1: Routes.orders_v1,
    Route.USERS: Routes.users,
    Route.USER: Routes.user,
    Route.STATUSES: Routes.statuses,
    Route.LEADS: Routes.leads,
    Route.LEAD: Routes.lead,
    Route.HEALTH: Routes.health,
    Route.FILE: Routes.file,
}


def fill(template: str, request: Request, path: str) -> str:
    """The address that a template of `Recording.file_url` stands for."""
    filled = template.replace("{origin}", request.origin).replace("{other}", request.other)
    return filled.replace("{path}", path)


def _id(request: Request) -> int:
    return request.id or 0


def _unknown(what: str) -> Answer:
    return refusal(404, f"There is no such {what}.")


def _ids(request: Request, name: str) -> frozenset[int] | None:
    texts = request.array(name)
    if not all(text.isdecimal() and int(text) > 0 for text in texts):
        raise MalformedError(f"{name} takes ids greater than 0.")
    return frozenset(map(int, texts)) or None


def _bound(request: Request, index: int) -> Any:
    name = f"createdAt[{index}]"
    text = "" if "createdAt" in request.ignored else request.params.get(name, "")
    try:
        return parse_moment(text) if text else None
    except ValueError:
        raise MalformedError(f"{name} is not an ISO 8601 time.") from None


def _paging(request: Request) -> tuple[int, int, int]:
    """The offset to read from, how many rows, and the healthy `next`: offset + limit."""
    texts = [request.params.get("offset", "0"), request.params.get("limit", str(DEFAULT_PAGE))]
    if not all(text.isdecimal() for text in texts):
        raise MalformedError("offset and limit take whole numbers.")
    offset, limit = map(int, texts)
    if not 1 <= limit <= LARGEST_PAGE:
        raise MalformedError(f"limit is at most {LARGEST_PAGE}.")
    given = min(limit, request.page_cap or limit)
    following = offset + (given if request.next_by_cap else limit)
    return max(0, offset - request.shift), given, following


def _paged(rows: list[Row], request: Request) -> Row:
    offset, limit, following = _paging(request)
    return page(rows[offset : offset + limit], following=following, total=len(rows))
