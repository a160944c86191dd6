"""Faults in how requests are understood play as announced."""

import pytest

from archiver.sandbox.audio import wav
from archiver.sandbox.faults import (
    AddressLimit,
    BatchLimit,
    DepthLimit,
    Fault,
    Happens,
    Ignores,
    IgnoresRange,
    NeedsKey,
    NewestFirst,
    OnlySpelling,
    OtherFile,
    PageCap,
    PluralStatuses,
    Route,
    Shift,
    UnknownRefused,
    WrongStart,
)
from archiver.sandbox.server import Sandbox
from archiver.sandbox.world import World
from tests.sandbox.client import Seen, get

pytestmark = pytest.mark.anyio

CALLS = "/v2/call/?orderIds[]=1"


def five_calls() -> World:
    world = World()
    for number in range(1, 6):
        world.call(number)
    return world.recording(11, audio=wav(5000))


async def seen_with(fault: Fault, path: str, **headers: str) -> Seen:
    async with Sandbox(five_calls(), faults=[fault]) as sandbox:
        return await get(sandbox, path, headers=headers)


async def test_a_limit_is_capped_in_silence() -> None:
    honest = await seen_with(Fault(Route.CALLS, PageCap(2)), CALLS + "&limit=4")
    assert (honest.ids, honest.data["next"], honest.data["total"]) == ([1, 2], 2, 5)
    lying = await seen_with(Fault(Route.CALLS, PageCap(2, honest_next=False)), CALLS + "&limit=4")
    assert (lying.ids, lying.data["next"]) == ([1, 2], 4)


@pytest.mark.parametrize(("by", "second"), [(1, [2, 3]), (-1, [4, 5])])
async def test_a_list_shifts_between_its_pages(by: int, second: list[int]) -> None:
    fault = Fault(Route.CALLS, Shift(by), after=1)
    async with Sandbox(five_calls(), faults=[fault]) as sandbox:
        assert (await get(sandbox, CALLS + "&limit=2")).ids == [1, 2]
        page = await get(sandbox, CALLS + "&limit=2&offset=2")
        assert (page.ids, page.data["total"]) == (second, 5)


async def test_newest_come_first() -> None:
    assert (await seen_with(Fault(Route.CALLS, NewestFirst()), CALLS)).ids == [5, 4, 3, 2, 1]


async def test_a_filter_or_an_offset_is_ignored() -> None:
    ends = "&createdAt[0]=2027-01-01T00:00:00Z&createdAt[1]=2027-01-02T00:00:00Z"
    ignored = await seen_with(Fault(Route.CALLS, Ignores("createdAt")), CALLS + ends)
    assert ignored.ids == [1, 2, 3, 4, 5]
    again = await seen_with(Fault(Route.CALLS, Ignores("offset")), CALLS + "&offset=3")
    assert again.ids == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(("indexed", "status"), [(True, 422), (False, 200)])
async def test_one_spelling_of_arrays_is_not_understood(indexed: bool, status: int) -> None:
    seen = await seen_with(Fault(Route.CALLS, OnlySpelling(indexed)), CALLS)
    assert seen.status == status


@pytest.mark.parametrize("status", [400, 414, 422])
async def test_too_many_ids_are_refused(status: int) -> None:
    fault = Fault(Route.CALLS, BatchLimit(2, status))
    assert (await seen_with(fault, CALLS + "&orderIds[]=2")).status == 200
    assert (await seen_with(fault, CALLS + "&orderIds[]=2&orderIds[]=3")).status == status


async def test_an_unknown_id_spoils_its_batch() -> None:
    fault = Fault(Route.CALLS, UnknownRefused())
    assert (await seen_with(fault, CALLS)).status == 200
    assert (await seen_with(fault, CALLS + "&orderIds[]=9")).status == 422
    assert (await seen_with(fault, "/v2/call/?leadIds[]=50001")).status == 200
    assert (await seen_with(fault, "/v2/call/?leadIds[]=9")).status == 422


async def test_a_deep_offset_or_a_long_address_is_refused() -> None:
    assert (await seen_with(Fault(Route.CALLS, DepthLimit(3)), CALLS + "&offset=3")).status == 200
    assert (await seen_with(Fault(Route.CALLS, DepthLimit(3)), CALLS + "&offset=4")).status == 400
    assert (await seen_with(Fault(Route.CALLS, AddressLimit(20)), CALLS)).status == 414


async def test_statuses_live_under_the_plural() -> None:
    fault = Fault(Route.STATUSES, PluralStatuses())
    assert (await seen_with(fault, "/v2/call-status/")).status == 404
    assert (await seen_with(fault, "/v2/call-statuses/")).data[0]["id"] == 1


async def test_files_want_the_key() -> None:
    async with Sandbox(five_calls(), faults=[Fault(Route.FILE, NeedsKey())]) as sandbox:
        assert (await get(sandbox, "/files/11.wav")).status == 200
        assert (await get(sandbox, "/files/11.wav", key=None)).status == 401


async def test_a_range_is_ignored_or_answered_from_elsewhere() -> None:
    whole = await seen_with(Fault(Route.FILE, IgnoresRange()), "/files/11.wav", Range="bytes=9-")
    assert (whole.status, len(whole.body)) == (200, 5000)
    wrong = await seen_with(Fault(Route.FILE, WrongStart(1)), "/files/11.wav", Range="bytes=9-")
    assert (wrong.status, wrong.headers["content-range"]) == (206, "bytes 10-4999/5000")


async def test_the_file_becomes_another_one() -> None:
    changed = Fault(Route.FILE, OtherFile(wav(6000, 1)), after=1)
    async with Sandbox(five_calls(), faults=[changed]) as sandbox:
        before = await get(sandbox, "/files/11.wav")
        after = await get(
            sandbox,
            "/files/11.wav",
            headers={"Range": "bytes=9-", "If-Range": before.headers["etag"]},
        )
    assert (after.status, len(after.body)) == (200, 6000)
    assert before.headers["etag"] != after.headers["etag"]


async def test_the_world_changes_on_cue() -> None:
    world = five_calls()
    grown = Fault(Route.CALLS, Happens(lambda: world.call(6)), after=1, times=1)
    async with Sandbox(world, faults=[grown]) as sandbox:
        assert [(await get(sandbox, CALLS)).data["total"] for _ in range(3)] == [5, 6, 6]
