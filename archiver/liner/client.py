"""The endpoints of the Liner API that an archiver needs, as methods.

Paths are those that the API documentation declares; if its examples spell one differently, that
spelling is tried when the first does not exist.
"""

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, TypeVar

import anyio
import httpx
from msgspec import Struct

from archiver.clock import Clock, system_clock
from archiver.config import LinerConfig
from archiver.errors import (
    AnswerMalformed,
    RequestForbidden,
    RequestNotFound,
    RequestRejected,
)
from archiver.liner.deviations import Oddities
from archiver.liner.fields import (
    as_bool,
    read_call,
    read_order,
    read_recording,
    read_status,
    read_user,
)
from archiver.liner.models import Call, Order, Recording, Row, Status, User
from archiver.liner.paging import HasId, Listing, read_list
from archiver.liner.protocol import PAGE_LIMIT, Page, calls_query, read_item, read_items, read_page
from archiver.liner.requests import Exchange
from archiver.liner.scope import Scope, Window
from archiver.tasks.retry import RetryPolicy, RetryScheduled

_Row = TypeVar("_Row", bound=HasId)


class RecordingList(Struct, frozen=True):
    """The recordings of one call. `problem` says why some may be missing; empty if none are."""

    found: tuple[Recording, ...]
    problem: str = ""


class LinerClient:
    """The Liner API through one transport, which it closes at the end.

    Every method raises a RequestError if its request failed after the retries that its kind allows,
    SourceRefused if the API rejects the key (401), and SourceUnreachable if the API no longer
    returns valid responses at all. Retries wait through `sleep`; `on_retry` is called for each.

    `oddities` are deviations of call and recording rows from the documentation. `orders_version` is
    the version of the order list used (2, or 1 as the fallback, which omits archived orders), and
    `orders_missing` the minimum number of orders missing from it.
    """

    def __init__(
        self,
        config: LinerConfig,
        transport: httpx.AsyncBaseTransport,
        *,
        retry: RetryPolicy,
        sleep: Callable[[float], Awaitable[object]] = anyio.sleep,
        rng: Callable[[], float] = random.random,
        clock: Clock = system_clock,
        on_retry: Callable[[RetryScheduled], None] | None = None,
    ) -> None:
        self._clock = clock
        self._exchange = Exchange(
            config, transport, retry=retry, sleep=sleep, rng=rng, clock=clock, on_retry=on_retry
        )
        self.oddities = Oddities()
        self.orders_version: int | None = None
        self.orders_missing = 0

    async def __aenter__(self) -> "LinerClient":
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._exchange.aclose()

    @property
    def requests(self) -> int:
        """Requests sent so far, retries and redirects included."""
        return self._exchange.requests

    @property
    def throttled(self) -> int:
        """How many of them the API answered with 429."""
        return self._exchange.throttled

    @property
    def clock_offset(self) -> timedelta | None:
        """How far the API's clock is ahead of ours, by its last `Date` header."""
        return self._exchange.clock_offset

    @property
    def server_time(self) -> datetime | None:
        """The current time by the API's clock; None before the first response."""
        offset = self.clock_offset
        return None if offset is None else self._clock() + offset

    async def orders(self) -> list[Order]:
        """All orders of the v2 list, or of the v1 list if v2 is unavailable."""
        try:
            orders, listing = await self._whole_list("/v2/order/", "", read_order)
        except (RequestNotFound, RequestForbidden, RequestRejected, AnswerMalformed) as error:
            if isinstance(error, RequestRejected) and error.status != 405:
                raise
            orders = await self._array("/v1/order/list/", read_order)
            self.orders_version, self.orders_missing = 1, 0
            return orders
        self.orders_version = 2
        counted = (listing.expected or 0) - listing.got
        self.orders_missing = 0 if listing.is_whole else max(1, counted)
        return orders

    async def users(self, *, active: bool | None = None) -> list[User]:
        """The user list, or its active or blocked part; as much of it as the API returns."""
        query = "" if active is None else f"isActive={int(active)}"
        users, _ = await self._whole_list("/v2/user/list/", query, read_user)
        return users

    async def user(self, user_id: int) -> User:
        """One user."""
        return await self._detail("/v2/user/detail/", user_id, read_user)

    async def statuses(self) -> list[Status]:
        """The call statuses; declared as `call-status`, spelled `call-statuses` in examples."""
        try:
            return await self._array("/v2/call-status/", read_status)
        except RequestNotFound:
            return await self._array("/v2/call-statuses/", read_status)

    async def call(self, call_id: int) -> Call:
        """One call."""
        return await self._detail("/v2/call/detail/", call_id, read_call)

    async def calls_page(
        self,
        scopes: Sequence[Scope],
        window: Window,
        offset: int = 0,
        limit: int = PAGE_LIMIT,
        *,
        users: Sequence[int] = (),
        statuses: Sequence[int] = (),
    ) -> Page[Call]:
        """One page of the calls of these orders or leads, created within the window.

        The window is requested with a second to spare; the caller must drop rows outside it.
        """
        query = calls_query(scopes, window, users, statuses)
        return await self._page("/v2/call/", query, self._read_call, offset, limit)

    async def recordings(self, call_id: int) -> RecordingList:
        """Every recording of the call, once each; one request, unless the list is long.

        An empty list without a problem is always a well-formed empty list of the API.
        """
        query = f"callId={call_id}"
        about = f"call {call_id}"

        async def fetch(offset: int) -> Page[Recording]:
            path = "/v2/call-record/"
            return await self._page(path, query, self._read_recording, offset, about=about)

        first = await fetch(0)
        if first.is_last(0) and not first.malformed and len(first.rows) < 2:
            return RecordingList(tuple(first.rows))
        found: list[Recording] = []
        listing = await read_list(fetch, _into(found), first=first)
        return RecordingList(tuple(found), listing.problem)

    async def recording(self, record_id: int) -> Recording:
        """One recording, with a new address."""
        return await self._detail("/v2/call-record/detail/", record_id, read_recording)

    async def health(self) -> Mapping[str, bool]:
        """The API's own component status; the names are its own. Unhealthy ones raise nothing."""
        return await self._exchange.get("/v1/health/check/", "", _read_health)

    def _read_call(self, row: Row) -> Call | None:
        self.oddities.look_at("call", row)
        return read_call(row)

    def _read_recording(self, row: Row) -> Recording | None:
        self.oddities.look_at("recording", row)
        return read_recording(row)

    async def _page(
        self,
        path: str,
        query: str,
        read_row: Callable[[Row], _Row | None],
        offset: int,
        limit: int = PAGE_LIMIT,
        about: str = "",
    ) -> Page[_Row]:
        paging = f"offset={offset}&limit={limit}"
        return await self._exchange.get(
            path,
            f"{query}&{paging}" if query else paging,
            lambda subject, data: read_page(subject, data, read_row),
            about=about,
        )

    async def _whole_list(
        self, path: str, query: str, read_row: Callable[[Row], _Row | None]
    ) -> tuple[list[_Row], Listing]:
        found: list[_Row] = []

        async def fetch(offset: int) -> Page[_Row]:
            return await self._page(path, query, read_row, offset)

        return found, await read_list(fetch, _into(found))

    async def _array(self, path: str, read_row: Callable[[Row], _Row | None]) -> list[_Row]:
        return await self._exchange.get(
            path, "", lambda subject, data: read_items(subject, data, read_row)
        )

    async def _detail(
        self, path: str, item_id: int, read_row: Callable[[Row], _Row | None]
    ) -> _Row:
        """One object, by the declared path: with a slash at its end."""

        def read(subject: str, data: Any) -> _Row:
            item = read_item(subject, data, read_row)
            if item.id != item_id:
                raise AnswerMalformed(f"{subject}: the response has another id", status=200)
            return item

        return await self._exchange.get(f"{path}{item_id}/", "", read)


def _read_health(subject: str, data: Any) -> dict[str, bool]:
    if not isinstance(data, dict):
        raise AnswerMalformed(f"{subject}: the response lists no components", status=200)
    return {
        name: isinstance(part, dict) and as_bool(part.get("success")) is True
        for name, part in data.items()
    }


def _into(found: list[_Row]) -> Callable[[list[_Row]], Awaitable[None]]:
    async def take(rows: list[_Row]) -> None:
        found.extend(rows)

    return take
