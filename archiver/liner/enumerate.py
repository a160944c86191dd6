"""Every call of some orders or leads within a window, and what may be missing.

The call list requires orders or leads and a period, and is paged by offset; how it treats long
lists, unknown ids and long periods is not documented. So the request is divided into small ones:

- Scopes are requested in batches of up to 25. A batch that the API rejects, or answers with an
  invalid response, is halved until the one scope that causes it is alone. If rows do not have the
  id of their scope, one scope is requested at a time and the rows get its id.
- Windows are requested in slices of up to 31 days. A slice with more calls than `deep` is divided
  again, since deep offsets are slow and shift. A single scope that is still rejected, or never
  answered, is requested in shorter and shorter slices before it is given up; the length that worked
  is used for the following slices.
- A server that ignores the period returns the same list for every slice. This shows in the rows and
  in the totals; such a list is paged through as a whole.

Rows are passed on as pages arrive, and only the ids of one slice are kept. Slices overlap by a
second and requests are repeated, so a call may be passed on more than once.
"""

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from datetime import timedelta
from typing import Final, TypeAlias

import anyio
from msgspec import Struct
from msgspec.structs import replace

from archiver.errors import (
    AnswerMalformed,
    RequestError,
    RequestForbidden,
    RequestNotFound,
    RequestRejected,
    RequestThrottled,
    RequestUnanswered,
)
from archiver.liner.client import LinerClient
from archiver.liner.models import Call
from archiver.liner.paging import Listing, read_list
from archiver.liner.progress import ListingProgress, ProgressOfLists
from archiver.liner.protocol import Page
from archiver.liner.questions import Ask, Narrowing
from archiver.liner.scope import Scope, Stretch, Window
from archiver.tasks.lanes import Further, in_lanes, work_off

__all__ = ["Emit", "Enumerator", "Scope", "Shortfall", "Stretch", "Window"]

Emit: TypeAlias = Callable[[list[Call]], Awaitable[None]]

_BATCH: Final = 25
_LONGEST_SLICE: Final = timedelta(days=31)
_SLICES: Final = 4
_PAGES: Final = 4
_MOST_PIECES: Final = 64
_ECHOES: Final = 3
"""This many pieces of a slice with the same count as the slice itself: the period is being
ignored."""
_CLOCK_CONFUSION: Final = timedelta(hours=26)
"""Times of rows may be local times without an offset; a larger difference than this is no time
zone."""
_MAY_TAKE_LESS: Final = (RequestRejected, RequestUnanswered)
"""Errors after which a shorter slice may succeed."""


class Shortfall(Struct, frozen=True):
    """Calls of these scopes may be missing from this window.

    `expected` and `got` count distinct calls, if the API counted them. `retryable`: the next run
    may succeed without anyone's intervention.
    """

    scopes: tuple[Scope, ...]
    window: Window
    error: str
    retryable: bool
    expected: int | None = None
    got: int | None = None


class _RowsUnnamed(Exception):
    """Rows of a batch do not say which of its scopes they belong to."""


class _ListShort(AnswerMalformed):
    """Fewer calls arrived than the API counts."""

    def __init__(self, listing: Listing) -> None:
        super().__init__(f"GET /v2/call/: the list is incomplete: {listing.problem}")
        self.listing = listing


class Enumerator:
    """Enumerates calls through one client. An instance serves one run.

    `users` and `statuses` are filters of the requests; rows that contradict them are dropped.
    Slices with more than `deep` calls are divided. `in_one_piece` requests a window in one slice
    first, and in slices of the usual length if the API rejects that.
    """

    def __init__(
        self,
        client: LinerClient,
        *,
        users: Sequence[int] = (),
        statuses: Sequence[int] = (),
        deep: int = 2000,
        in_one_piece: bool = False,
        on_progress: Callable[[ListingProgress], None] = lambda progress: None,
    ) -> None:
        self._client = client
        self._users = frozenset(users)
        self._statuses = frozenset(statuses)
        self._deep = deep
        self._progress = ProgressOfLists(on_progress)
        self._longest = timedelta.max if in_one_piece else _LONGEST_SLICE
        self._slots = anyio.Semaphore(_SLICES)
        self._unnamed: set[str] = set()
        self._ignores_period = False
        self._has_read = False
        self._lost: dict[Scope, RequestError] = {}
        self._shortfalls: list[Shortfall] = []
        self._emit: Emit

    async def run(
        self, stretches: Iterable[Stretch] | AsyncIterable[Stretch], emit: Emit
    ) -> tuple[Shortfall, ...]:
        """Pass every call of the stretches to `emit`, page by page; returns what may be missing.

        Scopes that are in no shortfall are complete. Rows without a readable `createdAt` are kept.
        `emit` may be slow: only a few more pages are read meanwhile. SourceRefused and
        SourceUnreachable are raised.
        """
        self._emit = emit
        self._shortfalls = []
        if not isinstance(stretches, AsyncIterable):
            stretches = list(stretches)
            self._progress.begin(sum(1 for each in stretches for _ in _batches_of(each)))
        await in_lanes(_SLICES, _batches(stretches), self._enumerate)
        return tuple(self._shortfalls)

    async def _enumerate(self, batch: Stretch) -> None:
        """One batch: the first slice alone, since it shows how to request the others."""
        known = [scope for scope in batch.scopes if scope in self._lost]
        for scope in known:
            self._report((scope,), batch.window, self._lost[scope])
        whole = Ask(batch.scopes, batch.window, batch.window).without(known)
        first, *rest = whole.pieces(self._longest) or [whole]
        if batch.window.is_empty or not whole.scopes:
            self._progress.batch(0)
            return
        self._progress.more(1 + len(rest))
        if not rest:
            self._progress.wait_for(first.rows)
        await self._answer(first)
        self._progress.slice_read()
        if self._ignores_period and rest:
            rest = [whole]

        async def answer(ask: Ask | None) -> None:
            if ask is None:
                await self._count(whole)
            else:
                await self._answer(ask)
                self._progress.slice_read()

        await in_lanes(_SLICES, [None, *rest] if rest else [], answer)

    async def _count(self, whole: Ask) -> None:
        """Find out how many calls the slices of a batch have in total, with one request that may
        fail.

        It is only used for progress: long periods may be rejected or truncated.
        """
        whole = whole.without(self._lost)
        if not whole.scopes:
            return
        try:
            page = await self._page(whole, 0)
        except (RequestError, _RowsUnnamed):
            return
        self._progress.batch(None if self._sees_other_times(page, whole) else page.total)

    async def _answer(self, ask: Ask) -> None:
        """Read the calls, with smaller and smaller requests if necessary."""
        await work_off(_SLICES, ask, self._try)

    async def _try(self, ask: Ask) -> Further[Ask]:
        """Read the response to one request; returns what to request instead, if anything."""
        ask = ask.without(self._lost)
        smaller = self._smaller(ask)
        if smaller is not None:
            return smaller
        error: RequestError | None = None
        pieces: Sequence[Ask] = ()
        try:
            pieces = await self._read(ask)
        except _RowsUnnamed:
            self._unnamed.add(ask.scopes[0].kind)
            return Further(then=[ask])
        except RequestError as failed:
            error = failed
        if ask.narrowing is not None:
            return Further(then=self._narrowed(ask, ask.narrowing, error), beside=pieces)
        return Further(then=self._instead(ask, error) if error else (), beside=pieces)

    def _smaller(self, ask: Ask) -> Further[Ask] | None:
        """What to request instead, as earlier responses have shown; None: proceed."""
        if not ask.scopes:
            return Further()
        if ask.narrowing is not None:
            return None
        if ask.length > self._longest and not self._ignores_period:
            return Further(then=ask.pieces(self._longest))
        if len(ask.scopes) > 1 and ask.scopes[0].kind in self._unnamed:
            return Further(beside=ask.singles())
        return None

    def _instead(self, ask: Ask, error: RequestError) -> Sequence[Ask]:
        """Requests that may succeed instead of a failed one; what cannot is reported."""
        if _may_be_too_long(error, ask) and not self._ignores_period:
            self._longest = min(self._longest, _LONGEST_SLICE)
            return [ask]
        if len(ask.scopes) > 1 and not isinstance(error, RequestThrottled):
            if not self._is_hopeless:
                return ask.halves()
        elif isinstance(error, RequestNotFound | RequestForbidden):
            if ask.scopes[0] not in self._lost:
                self._lost[ask.scopes[0]] = error
                self._report(ask.scopes, ask.wanted, error)
            return ()
        elif isinstance(error, _MAY_TAKE_LESS):
            return self._narrowed(ask, Narrowing(error), error)
        self._report(ask.scopes, ask.slice, error)
        return ()

    @property
    def _is_hopeless(self) -> bool:
        """Whether nothing was ever read, although the scopes of a batch were tried one by one."""
        return not self._has_read and len(self._shortfalls) >= _BATCH

    def _narrowed(
        self, ask: Ask, narrowing: Narrowing, error: RequestError | None
    ) -> Sequence[Ask]:
        """The next piece of a failed slice, after this one was read or failed as well."""
        if error is None:
            narrowing = narrowing.after_success()
            if isinstance(narrowing.cause, RequestRejected):
                self._longest = min(self._longest, ask.length)
        elif isinstance(error, _MAY_TAKE_LESS):
            narrowing = narrowing.after_failure(ask.slice, error)
        else:
            self._report(ask.scopes, ask.slice, error)
        window, narrowing, given_up = narrowing.next()
        for one in given_up:
            self._report(ask.scopes, one.window, one.error)
        return [] if window is None else [replace(ask, slice=window, narrowing=narrowing)]

    async def _read(self, ask: Ask) -> Sequence[Ask]:
        """Read one slice; if it has too many calls for offsets, returns the pieces to read
        instead."""
        async with self._slots:
            first = ask.head if ask.head is not None else await self._page(ask, 0)
        total = first.total or 0
        sees_other_times = self._sees_other_times(first, ask)
        self._progress.head(ask.rows, None if sees_other_times else first.total)
        is_deep = not sees_other_times and total > self._deep
        if is_deep and (pieces := await self._pieces(ask, total)):
            return pieces
        async with self._slots:
            listing = await read_list(
                lambda offset: self._page(ask, offset),
                lambda rows: self._hand_over(ask, rows),
                lanes=_PAGES,
                first=first,
            )
        if not listing.is_whole:
            raise _ListShort(listing)
        self._has_read = True
        return ()

    async def _pieces(self, ask: Ask, total: int) -> Sequence[Ask]:
        """The slice in pieces; none if it cannot be divided or dividing changes nothing."""
        seconds = int(ask.length.total_seconds())
        count = min(-(-2 * total // self._deep), _MOST_PIECES, seconds)
        if count < 2:
            return ()
        pieces = ask.pieces(timedelta(seconds=-(-seconds // count)))
        headed = [replace(one, head=await self._page(one, 0)) for one in pieces[:_ECHOES]]
        if all(one.head is not None and (one.head.total or 0) >= total for one in headed):
            return ()
        return [*headed, *pieces[_ECHOES:]]

    def _sees_other_times(self, page: Page[Call], ask: Ask) -> bool:
        """Whether the server ignores the period: most rows are far outside it."""
        times = [row.created_at for row in page.rows if row.created_at is not None]
        far = [
            time
            for time in times
            if time - ask.slice.until > _CLOCK_CONFUSION
            or ask.slice.since - time > _CLOCK_CONFUSION
        ]
        self._ignores_period = self._ignores_period or 2 * len(far) > len(times)
        return self._ignores_period

    async def _page(self, ask: Ask, offset: int) -> Page[Call]:
        page = await self._client.calls_page(
            ask.scopes,
            ask.slice,
            offset,
            users=sorted(self._users),
            statuses=sorted(self._statuses),
        )
        if len(ask.scopes) > 1 and any(_scope_id(row, ask) is None for row in page.rows):
            raise _RowsUnnamed
        return page

    async def _hand_over(self, ask: Ask, rows: list[Call]) -> None:
        wanted = [_named(row, ask) for row in rows if self._is_wanted(row, ask.wanted)]
        if wanted:
            await self._emit(wanted)

    def _is_wanted(self, row: Call, window: Window) -> bool:
        """Whether nothing in the row contradicts the filters."""
        if row.created_at is not None and not window.holds(row.created_at):
            return False
        if self._users and row.user_id is not None and row.user_id not in self._users:
            return False
        return not self._statuses or row.status_id is None or row.status_id in self._statuses

    def _report(self, scopes: tuple[Scope, ...], window: Window, error: RequestError) -> None:
        listing = error.listing if isinstance(error, _ListShort) else None
        counted = (listing.expected, listing.got) if listing else (None, None)
        self._shortfalls.append(Shortfall(scopes, window, str(error), error.retryable, *counted))


async def _batches(
    stretches: Iterable[Stretch] | AsyncIterable[Stretch],
) -> AsyncIterator[Stretch]:
    if isinstance(stretches, AsyncIterable):
        async for stretch in stretches:
            for batch in _batches_of(stretch):
                yield batch
    else:
        for stretch in stretches:
            for batch in _batches_of(stretch):
                yield batch


def _batches_of(stretch: Stretch) -> Iterable[Stretch]:
    for start in range(0, len(stretch.scopes), _BATCH):
        yield Stretch(stretch.scopes[start : start + _BATCH], stretch.window)


def _may_be_too_long(error: RequestError, ask: Ask) -> bool:
    """Whether the API may have rejected the period because of its length."""
    return ask.length > _LONGEST_SLICE and isinstance(error, _MAY_TAKE_LESS)


def _scope_id(row: Call, ask: Ask) -> int | None:
    return row.order_id if ask.scopes[0].kind == "order" else row.lead_id


def _named(row: Call, ask: Ask) -> Call:
    """The row with the id of the one requested scope, if it does not have its own."""
    if len(ask.scopes) > 1 or _scope_id(row, ask) is not None:
        return row
    scope = ask.scopes[0]
    if scope.kind == "order":
        return replace(row, order_id=scope.id)
    return replace(row, lead_id=scope.id)
