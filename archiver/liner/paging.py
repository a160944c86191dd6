"""Reading a whole list by offset and limit from a server that guarantees very little.

The API documentation has `offset`, `limit`, `next` and `total`. It does not specify `next` on the
last page, the order of rows, or the effect of changes to the list on offsets. Rows are inserted and
removed while we read, limits may be reduced silently, rows may be missing from a page. So a list is
read in passes:

1. A pass begins at offset 0 and follows `next` if it advances and a `total` will reveal gaps;
   otherwise it advances by the number of rows received. It ends where `offset + rows` equals
   `total`, or with an empty page after the end. A short page alone ends nothing, nor does an empty
   one in the middle; a client error (4xx) does only after the end given by `total`.
2. A pass is complete if all passes so far together found as many distinct ids as the first page of
   this one counted, and `total` did not shrink meanwhile: a removed row moves later ones across the
   edge of a page that was read already. A total that grows loses nothing.
3. Up to three passes are made. The later ones advance by the number of rows received, one page
   after the other, so no gap can be caused by a step that is too wide.
4. If the list is still incomplete, that is reported, never ignored. A server that returns the same
   rows for every offset is given up immediately.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar

from msgspec import Struct

from archiver.errors import RequestError, RequestNotFound, RequestRejected
from archiver.liner.protocol import PAGE_LIMIT, Page
from archiver.tasks.lanes import in_lanes

_PASSES: Final = 3
_MOST_PAGES: Final = 50_000
"""Pages of one pass: 5 million rows. No finite list is longer, and a pass must end."""
_PATIENCE: Final = 3
"""Consecutive pages that are empty, or repeat what the pass has read, before it is given up."""


class HasId(Protocol):
    """A row that can be distinguished from the others."""

    @property
    def id(self) -> int:
        """Unique within its list."""


RowT = TypeVar("RowT", bound=HasId)
Fetch: TypeAlias = Callable[[int], Awaitable[Page[RowT]]]
Take: TypeAlias = Callable[[list[RowT]], Awaitable[None]]


class Listing(Struct, frozen=True):
    """The result of reading a list: distinct ids, the server's count, and the problem, if any."""

    got: int
    expected: int | None
    problem: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing, as far as the server's own count shows."""
        return not self.problem


class Progress(Struct, frozen=True):
    """The progress of one pass.

    `expected` is the first page's count, `known_total` the newest plausible one; `idle` and `empty`
    count consecutive pages that repeated what the pass had read, or had no rows.
    """

    expected: int | None = None
    known_total: int | None = None
    shrank: bool = False
    malformed: int = 0
    pages: int = 0
    idle: int = 0
    empty: int = 0

    @property
    def repeats(self) -> bool:
        """Whether consecutive pages repeated what this pass had read before."""
        return self.idle >= _PATIENCE

    @property
    def is_stuck(self) -> bool:
        """Whether there is no point in continuing."""
        return self.repeats or self.empty >= _PATIENCE or self.pages >= _MOST_PAGES


def advance(progress: Progress, page: Page[Any], offset: int, *, fresh: int) -> Progress:
    """The progress after the page at that offset, of which `fresh` rows were new to the pass.

    An impossible total is ignored: after the end, servers return all kinds of values.
    """
    total = page.total
    if total is not None and (total < offset + page.received or (page.is_empty and offset)):
        total = None
    expected = progress.expected if progress.pages else total
    return Progress(
        expected=expected,
        known_total=progress.known_total if total is None else total,
        shrank=progress.shrank or (total is not None and expected is not None and total < expected),
        malformed=progress.malformed + page.malformed,
        pages=progress.pages + 1,
        idle=0 if fresh or page.is_empty else progress.idle + 1,
        empty=progress.empty + 1 if page.is_empty else 0,
    )


async def read_list(
    fetch: Fetch[RowT], take: Take[RowT], *, lanes: int = 1, first: Page[RowT] | None = None
) -> Listing:
    """Read the list to its end; `take` receives every row once, page by page.

    `fetch` reads the page at an offset; up to `lanes` pages are read in parallel once the first one
    has returned the total. `first` is the page at offset 0 if the caller has it already. Errors of
    `fetch` and `take` are raised.
    """
    ids: set[int] = set()
    ended = await _Pass(fetch, take, ids, ids).read(first, lanes)
    for _ in range(_PASSES - 1):
        if not ended.problem(len(ids)) or ended.progress.repeats:
            break
        ended = await _Pass(fetch, take, ids, set(), by_received=True).read()
    problem = ended.problem(len(ids))
    if ended.refusal is not None and problem:
        raise ended.refusal
    return Listing(len(ids), ended.progress.expected, problem)


class _Ended(Struct, frozen=True):
    """How a pass ended: at the end of the list, with a rejected request, or stuck."""

    progress: Progress
    reached_end: bool
    refusal: RequestError | None = None

    def problem(self, got: int) -> str:
        """The problem with the list after so many distinct rows, if any."""
        progress = self.progress
        if progress.expected is not None and got < progress.expected:
            return f"{got} of {progress.expected} rows arrived"
        if progress.repeats:
            return "every offset returns the same rows"
        if progress.shrank:
            return "the list shrank while it was read, each time"
        if progress.expected is None and progress.malformed:
            return f"{progress.malformed} rows have no valid id"
        return "" if self.reached_end else "the list does not end"


class _Pass(Struct, Generic[RowT]):
    """One pass: `ids` are those of all passes, `own` those of this one."""

    fetch: Fetch[RowT]
    take: Take[RowT]
    ids: set[int]
    own: set[int]
    by_received: bool = False
    progress: Progress = Progress()

    async def read(self, first: Page[RowT] | None = None, lanes: int = 1) -> _Ended:
        """Read from offset 0 to the end, or until stuck."""
        offset = 0
        page = await self._note(first if first is not None else await self.fetch(0), 0)
        step, expected = page.step(0), self.progress.expected
        if lanes > 1 and expected is not None and step and not page.is_last(0):
            offset, page = await self._fan_out(page, expected, lanes)
        else:
            step = 0
        while not self._ends_at(page, offset):
            if self.progress.is_stuck:
                return _Ended(self.progress, reached_end=False)
            by_received = self.by_received or self.progress.known_total is None
            step = (page.received if by_received else page.step(offset)) or step
            offset += step or PAGE_LIMIT
            try:
                page = await self._note(await self.fetch(offset), offset)
            except (RequestRejected, RequestNotFound) as error:
                total = self.progress.known_total
                return _Ended(self.progress, total is not None and offset >= total, error)
        return _Ended(self.progress, reached_end=True)

    def _ends_at(self, page: Page[RowT], offset: int) -> bool:
        total = self.progress.known_total
        return page.is_last(offset) or (page.is_empty and (total is None or offset >= total))

    async def _fan_out(self, first: Page[RowT], total: int, lanes: int) -> tuple[int, Page[RowT]]:
        """Read the pages that the first one counted, several at a time; the last one of them."""
        step, last = first.step(0), (0, first)

        async def read_one(offset: int) -> None:
            nonlocal last
            if self.progress.is_stuck:
                return
            page = await self._note(await self.fetch(offset), offset)
            last = max(last, (offset, page), key=lambda one: one[0])

        await in_lanes(lanes, range(step, total, step), read_one)
        return last

    async def _note(self, page: Page[RowT], offset: int) -> Page[RowT]:
        """Count the page and pass on its new rows."""
        fresh = [row for row in page.rows if row.id not in self.own]
        self.progress = advance(self.progress, page, offset, fresh=len(fresh))
        new: dict[int, RowT] = {row.id: row for row in fresh if row.id not in self.ids}
        self.own.update(row.id for row in fresh)
        self.ids.update(new)
        if new:
            await self.take(list(new.values()))
        return page
