"""Reading a whole list by offset and limit from a server that promises very little.

The API documentation gives `offset`, `limit`, `next` and `total`. It does not say what `next` is on
the last page, in which order rows come, or what happens to offsets while the list changes. Rows are
inserted and removed while we read, limits may be capped silently, rows may be left out of a page.
So reading goes by passes:

1. A pass begins at offset 0 and goes on by `next` where that leads on and a `total` will tell of
   gaps, else by the number of rows received. It ends where `offset + rows` equals `total`, or with
   an empty page behind the end. A short page alone ends nothing; nor does an empty one in the
   middle; an error of ours (4xx) does only behind the end that `total` names.
2. A pass is whole when every pass so far together brought as many distinct ids as the first page of
   this one counted, and `total` did not shrink on the way: a row that is removed moves later ones
   over the edge of a page that was read already. A total that grows loses nothing.
3. Up to three passes are made. The later ones go by the number of rows received, one page after
   the other, so no gap can come from a step that is too wide.
4. What is not whole then is said, never swallowed. A server that gives the same rows at every
   offset is left at once.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeAlias, TypeVar

from archiver.errors import RequestError, RequestNotFound, RequestRejected
from archiver.liner.protocol import PAGE_LIMIT, Page
from archiver.tasks.lanes import in_lanes

_PASSES: Final = 3
_MOST_PAGES: Final = 50_000
"""Of one pass: 5 million rows. No list that ends is longer, and a pass must end."""
_PATIENCE: Final = 3
"""Pages in a row that are empty, or repeat what the pass has read, before it is given up."""


class HasId(Protocol):
    """A row that can be told apart from the others."""

    @property
    def id(self) -> int:
        """Unique within its list."""


RowT = TypeVar("RowT", bound=HasId)
Fetch: TypeAlias = Callable[[int], Awaitable[Page[RowT]]]
Take: TypeAlias = Callable[[list[RowT]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Listing:
    """What came of reading a list: distinct ids, the server's count, and what is wrong, if so."""

    got: int
    expected: int | None
    problem: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing, as far as the server's own count tells."""
        return not self.problem


async def read_list(
    fetch: Fetch[RowT], take: Take[RowT], *, lanes: int = 1, first: Page[RowT] | None = None
) -> Listing:
    """Read the list to its end; `take` is given every row once, page by page.

    `fetch` reads the page at an offset; `lanes` of them are read at a time once the first one has
    told the total. `first` is the page at offset 0 where the caller has it already. Errors of
    `fetch` and `take` go through.
    """
    ids: set[int] = set()
    one = _Pass(fetch, take, ids, ids)
    await one.read(first, lanes)
    for _ in range(_PASSES - 1):
        if one.is_whole or one.repeats:
            break
        one = _Pass(fetch, take, ids, set(), by_received=True)
        await one.read()
    if one.refusal is not None and not one.is_whole:
        raise one.refusal
    return Listing(len(ids), one.expected, one.problem)


@dataclass(slots=True)
class _Pass(Generic[RowT]):
    """One pass: `ids` are those of all passes, `own` those of this one."""

    fetch: Fetch[RowT]
    take: Take[RowT]
    ids: set[int]
    own: set[int]
    by_received: bool = False
    expected: int | None = None
    known_total: int | None = None
    shrank: bool = False
    reached_end: bool = False
    malformed: int = 0
    pages: int = 0
    idle: int = 0
    empty: int = 0
    step: int = 0
    refusal: RequestError | None = None

    @property
    def repeats(self) -> bool:
        """Whether page after page brought what this pass had read before."""
        return self.idle >= _PATIENCE

    @property
    def is_stuck(self) -> bool:
        """Whether there is no use in going on."""
        return self.repeats or self.empty >= _PATIENCE or self.pages >= _MOST_PAGES

    @property
    def is_whole(self) -> bool:
        return not self.problem

    @property
    def problem(self) -> str:
        """What is wrong with the list, or nothing."""
        if self.expected is not None and len(self.ids) < self.expected:
            return f"{len(self.ids)} of {self.expected} rows arrived"
        if self.repeats:
            return "the same rows are served at every offset"
        if self.shrank:
            return "the list shrank each time while it was read"
        if self.expected is None and self.malformed:
            return f"{self.malformed} rows have no usable id"
        return "" if self.reached_end else "the list does not end"

    async def read(self, first: Page[RowT] | None = None, lanes: int = 1) -> None:
        """Read from offset 0 to the end, or until stuck."""
        offset = 0
        page = await self._note(first if first is not None else await self.fetch(0), 0)
        self.expected = self.known_total
        if lanes > 1 and self.expected is not None and page.step(0) and not page.is_last(0):
            offset, page = await self._fan_out(page, self.expected, lanes)
        while not self._ends_at(page, offset) and not self.is_stuck:
            by_received = self.by_received or self.known_total is None
            self.step = (page.received if by_received else page.step(offset)) or self.step
            offset += self.step or PAGE_LIMIT
            try:
                page = await self._note(await self.fetch(offset), offset)
            except (RequestRejected, RequestNotFound) as error:
                self.refusal = error
                self.reached_end = self.known_total is not None and offset >= self.known_total
                return

    def _ends_at(self, page: Page[RowT], offset: int) -> bool:
        behind = self.known_total is None or offset >= self.known_total
        self.reached_end = page.is_last(offset) or (page.is_empty and behind)
        return self.reached_end

    async def _fan_out(self, first: Page[RowT], total: int, lanes: int) -> tuple[int, Page[RowT]]:
        """Read the pages that the first one counted, several at a time; the last one of them."""
        self.step = first.step(0)
        last = (0, first)

        async def read_one(offset: int) -> None:
            nonlocal last
            if self.is_stuck:
                return
            page = await self._note(await self.fetch(offset), offset)
            last = max(last, (offset, page), key=lambda one: one[0])

        await in_lanes(lanes, range(self.step, total, self.step), read_one)
        return last

    async def _note(self, page: Page[RowT], offset: int) -> Page[RowT]:
        """Count the page and hand its new rows over."""
        self.pages += 1
        self.malformed += page.malformed
        fresh = [row for row in page.rows if row.id not in self.own]
        self._note_total(page, offset)
        self.empty = self.empty + 1 if page.is_empty else 0
        self.idle = 0 if fresh or page.is_empty else self.idle + 1
        new: dict[int, RowT] = {row.id: row for row in fresh if row.id not in self.ids}
        self.own.update(row.id for row in fresh)
        self.ids.update(new)
        if new:
            await self.take(list(new.values()))
        return page

    def _note_total(self, page: Page[RowT], offset: int) -> None:
        """Remember a total that can be true; behind the end servers say all kinds of things."""
        total = page.total
        if total is None or total < offset + page.received or (page.is_empty and offset):
            return
        self.shrank = self.shrank or (self.expected is not None and total < self.expected)
        self.known_total = total
