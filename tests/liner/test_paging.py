"""A list is read to its end or said to be short, however the server spells its pages."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.errors import RequestRejected, RequestUnanswered
from archiver.liner.models import Call
from archiver.liner.paging import Listing, read_list
from archiver.liner.protocol import PAGE_LIMIT, Page

pytestmark = pytest.mark.anyio

Spelling = Callable[[int, int, int], int | None]

NEXT: dict[str, Spelling] = {
    "offset plus limit": lambda offset, got, total: offset + PAGE_LIMIT,
    "offset plus rows": lambda offset, got, total: offset + got,
    "null at the end": lambda offset, got, total: offset + got if offset + got < total else None,
    "zero at the end": lambda offset, got, total: offset + got if offset + got < total else 0,
    "the same offset": lambda offset, got, total: offset,
    "never there": lambda offset, got, total: None,
    "the total": lambda offset, got, total: total,
    "far beyond": lambda offset, got, total: 10**9,
}
TOTAL: dict[str, Callable[[int, int], int | None]] = {
    "right": lambda total, got: total,
    "missing": lambda total, got: None,
    "smaller than the page": lambda total, got: min(total, 1),
}


@dataclass
class Server:
    """A list with habits. `before_page` may change the list between pages."""

    ids: list[int]
    cap: int = PAGE_LIMIT
    following: Spelling = NEXT["offset plus rows"]
    total: Callable[[int, int], int | None] = TOTAL["right"]
    before_page: Callable[["Server"], None] = lambda server: None
    hidden: frozenset[int] = frozenset()
    error_behind: bool = False
    offsets: list[int] = field(default_factory=list)

    async def fetch(self, offset: int) -> Page[Call]:
        await anyio.lowlevel.checkpoint()
        self.before_page(self)
        self.offsets.append(offset)
        count = len(self.ids)
        if self.error_behind and offset >= count and offset:
            raise RequestRejected("behind the end", status=400)
        rows = [Call(i) for i in self.ids[offset : offset + self.cap] if i not in self.hidden]
        return Page(
            rows,
            total=self.total(count, len(rows)),
            next=self.following(offset, len(rows), count),
        )


async def read(server: Server, lanes: int = 1) -> tuple[list[int], Listing]:
    found: list[int] = []

    async def take(rows: list[Call]) -> None:
        found.extend(row.id for row in rows)

    listing = await read_list(server.fetch, take, lanes=lanes)
    assert len(found) == len(set(found)) == listing.got
    return found, listing


@pytest.mark.parametrize("total", TOTAL)
@pytest.mark.parametrize("following", NEXT)
async def test_every_spelling_of_the_last_page_is_read_to_its_end(
    following: str, total: str
) -> None:
    for cap, count, lanes in product((100, 50, 20), (0, 1, 99, 100, 101, 250, 300), (1, 4)):
        server = Server(list(range(1, count + 1)), cap, NEXT[following], TOTAL[total])
        found, listing = await read(server, lanes)
        case = f"{count} rows, at most {cap} a page, {lanes} at a time"
        assert listing.is_whole, case
        assert sorted(found) == server.ids, case


async def test_a_list_that_fits_on_one_page_takes_one_request() -> None:
    server = Server(list(range(1, 101)))
    await read(server)
    assert server.offsets == [0]


async def test_rows_inserted_in_front_are_read_twice_and_handed_over_once() -> None:
    def grow(server: Server) -> None:
        if len(server.ids) < 330:
            server.ids.insert(0, len(server.ids) + 1)

    server = Server(list(range(1, 301)), before_page=grow)
    found, listing = await read(server)
    assert listing.is_whole
    assert set(range(1, 301)) <= set(found)


async def test_rows_removed_while_reading_lead_to_another_pass() -> None:
    def shrink(server: Server) -> None:
        if len(server.offsets) == 1:
            del server.ids[:10]

    server = Server(list(range(1, 301)), before_page=shrink)
    found, listing = await read(server)
    assert listing.is_whole
    assert set(range(11, 301)) <= set(found)


async def test_rows_that_never_come_are_a_shortfall_after_three_passes() -> None:
    server = Server(list(range(1, 251)), hidden=frozenset({7, 120}))
    found, listing = await read(server)
    assert (len(found), listing.got, listing.expected) == (248, 248, 250)
    assert not listing.is_whole
    assert server.offsets.count(0) == 3


async def test_an_empty_page_in_the_middle_ends_nothing() -> None:
    server = Server(
        list(range(1, 401)),
        following=NEXT["offset plus limit"],
        hidden=frozenset(range(101, 201)),
    )
    found, listing = await read(server)
    assert (len(found), listing.is_whole) == (300, False)


@pytest.mark.parametrize("lanes", [1, 4])
@pytest.mark.parametrize("total", TOTAL)
async def test_a_server_that_ignores_the_offset_is_left_and_told_on(total: str, lanes: int) -> None:
    async def fetch(offset: int) -> Page[Call]:
        rows = [Call(i) for i in range(1, 51)]
        return Page(rows, total=TOTAL[total](500, 50), next=offset + 50)

    async def take(rows: list[Call]) -> None:
        assert len(rows) == 50

    with anyio.fail_after(5):
        listing = await read_list(fetch, take, lanes=lanes)
    assert not listing.is_whole


async def test_an_error_behind_the_end_is_the_end_when_everything_has_arrived() -> None:
    def drop_one(server: Server) -> None:
        if server.offsets == [0]:
            server.ids.pop()

    server = Server(list(range(1, 102)), error_behind=True, before_page=drop_one)
    found, _ = await read(server)
    assert len(found) == 100
    assert 100 in server.offsets


async def test_an_error_where_nothing_is_counted_goes_through() -> None:
    server = Server([1, 2, 3], total=TOTAL["missing"], error_behind=True)
    with pytest.raises(RequestRejected):
        await read(server)


@pytest.mark.parametrize("lanes", [1, 4])
async def test_an_error_in_the_middle_goes_through_as_it_is(lanes: int) -> None:
    server = Server(list(range(1, 1001)))

    async def fetch(offset: int) -> Page[Call]:
        if offset == 500:
            raise RequestUnanswered("HTTP 500", status=500)
        return await server.fetch(offset)

    async def take(rows: list[Call]) -> None:
        assert rows

    with pytest.raises(RequestUnanswered):
        await read_list(fetch, take, lanes=lanes)


async def test_rows_without_an_id_are_missed_even_where_nothing_is_counted() -> None:
    async def fetch(offset: int) -> Page[Call]:
        return Page([] if offset else [Call(1)], malformed=0 if offset else 1)

    async def take(rows: list[Call]) -> None:
        assert rows == [Call(1)]

    assert not (await read_list(fetch, take)).is_whole


async def test_a_slow_receiver_holds_the_reading_back() -> None:
    server = Server(list(range(1, 10_001)))
    taken = 0

    async def take(rows: list[Call]) -> None:
        nonlocal taken
        await anyio.lowlevel.checkpoint()
        taken += 1
        assert len(server.offsets) - taken <= 4

    await read_list(server.fetch, take, lanes=4)
    assert taken == 100


@settings(max_examples=150, deadline=None)
@given(
    count=st.integers(0, 700),
    cap=st.sampled_from([100, 60, 50, 20, 7]),
    following=st.sampled_from(sorted(NEXT)),
    lanes=st.sampled_from([1, 4]),
    removed=st.lists(st.integers(0, 12), max_size=3, unique=True),
    inserted=st.lists(st.integers(0, 12), max_size=3, unique=True),
    front=st.booleans(),
    hidden=st.frozensets(st.integers(1, 700), max_size=3),
)
def test_a_list_is_never_silently_short(
    count: int,
    cap: int,
    following: str,
    lanes: int,
    removed: list[int],
    inserted: list[int],
    front: bool,
    hidden: frozenset[int],
) -> None:
    """Whatever changes between pages, what stays in the list arrives, or the listing says so.

    A row removed and another inserted between the same two pages cannot be told from a quiet list
    by any count, so one example does one or the other.
    """

    def change(server: Server) -> None:
        number = len(server.offsets)
        if removed and number in removed and server.ids:
            del server.ids[0 if front else len(server.ids) // 2]
        elif not removed and number in inserted:
            server.ids.insert(0 if front else len(server.ids), 10_000 + number)

    original = set(range(1, count + 1))
    server = Server(
        sorted(original), cap, NEXT[following], before_page=change, hidden=hidden & original
    )

    async def main() -> tuple[list[int], Listing]:
        with anyio.fail_after(20):
            return await read(server, lanes)

    found, listing = anyio.run(main)
    if listing.is_whole:
        assert original & set(server.ids) - hidden <= set(found)
        assert len(found) >= (listing.expected or 0)
    else:
        assert removed or inserted or hidden & original
