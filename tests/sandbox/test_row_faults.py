"""Faults in the data of answers play as announced."""

import pytest

from archiver.sandbox.faults import (
    ABSENT,
    AS_IN_EXAMPLE,
    LEAN,
    LISTINGS,
    AsText,
    Data,
    Fault,
    Fields,
    FileUrl,
    LastNext,
    LastPage,
    Member,
    Reordered,
    Route,
    ShortPage,
    expired_then_renewed,
    later,
    without,
)
from archiver.sandbox.server import Sandbox
from archiver.sandbox.world import World
from tests.sandbox.client import Seen, get

pytestmark = pytest.mark.anyio

CALLS = "/v2/call/?orderIds[]=1&limit=2"
RECORDINGS = "/v2/call-record/?callId=3"


def three_calls() -> World:
    return World().call(1).call(2).call(3).recording(11).recording(12)


async def seen_with(fault: Fault, path: str) -> Seen:
    async with Sandbox(three_calls(), faults=[fault]) as sandbox:
        return await get(sandbox, path)


@pytest.mark.parametrize(
    ("spelling", "value"),
    [
        (LastNext.NULL, None),
        (LastNext.ZERO, 0),
        (LastNext.ABSENT, "absent"),
        (LastNext.SAME, 2),
        (LastNext.TOTAL, 3),
        (LastNext.BEYOND, 1_000_003),
        (LastNext.TEXT, "4"),
    ],
)
async def test_the_last_page_spells_next_another_way(spelling: LastNext, value: object) -> None:
    fault = Fault(Route.CALLS, LastPage(spelling))
    assert (await seen_with(fault, CALLS)).data["next"] == 2
    assert (await seen_with(fault, CALLS + "&offset=2")).data.get("next", "absent") == value


@pytest.mark.parametrize(
    ("value", "expected"), [(ABSENT, None), ("3", "3"), (99, 99), (lambda n: n - 1, 2)]
)
async def test_the_total_is_missing_or_wrong(value: object, expected: object) -> None:
    data = (await seen_with(Fault(Route.CALLS, Member("total", value)), CALLS)).data
    assert data.get("total") == expected
    assert ("total" in data) is (value is not ABSENT)


@pytest.mark.parametrize(("keep", "ids"), [(1, [1]), (0, [])])
async def test_a_page_is_short_or_empty_though_more_follow(keep: int, ids: list[int]) -> None:
    seen = await seen_with(Fault(Route.CALLS, ShortPage(keep)), CALLS)
    assert (seen.ids, seen.data["next"], seen.data["total"]) == (ids, 2, 3)


async def test_rows_lack_members() -> None:
    calls = await seen_with(Fault(Route.CALLS, without(*AS_IN_EXAMPLE)), CALLS)
    assert not set(AS_IN_EXAMPLE) & set(calls.rows[0])
    lean = await seen_with(Fault(LISTINGS, without(*LEAN)), RECORDINGS)
    assert set(lean.rows[0]) == {"id", "isTransfer", "durationSeconds", "fileUrl", "createdAt"}
    detail = await seen_with(Fault(LISTINGS, without(*LEAN)), "/v2/call-record/detail/11")
    assert "leadId" not in detail.data


async def test_numbers_are_strings_and_truth_is_a_number() -> None:
    data = (await seen_with(Fault(Route.CALLS, AsText()), CALLS)).data
    assert (data["total"], data["next"], data["list"][0]["id"]) == ("3", "2", "1")
    assert data["list"][0]["hasRecords"] == 0
    assert data["list"][0]["hasRecords"] is not False


async def test_hostile_values_arrive_as_they_are() -> None:
    changes = {"id": "../../etc", "recordSummary": "<b>\ud800</b>", "leadId": lambda row: -1}
    seen = await seen_with(Fault(LISTINGS, Fields(changes, only=11)), RECORDINGS)
    first, second = seen.rows
    assert (first["id"], first["recordSummary"], first["leadId"]) == (
        "../../etc", "<b>\ud800</b>", -1,
    )  # fmt: skip
    assert second["id"] == 12


async def test_rows_come_in_another_order() -> None:
    fault = Fault(Route.CALLS, Reordered(lambda row: -row["id"]))
    assert (await seen_with(fault, CALLS)).ids == [2, 1]


@pytest.mark.parametrize("value", [None, [], 7, {"list": None}])
async def test_data_is_something_else(value: object) -> None:
    assert (await seen_with(Fault(Route.CALLS, Data(value)), CALLS)).data == value


@pytest.mark.parametrize("name", ["recordSummary", "fileUrl"])
async def test_a_member_is_null_at_first(name: str) -> None:
    async with Sandbox(three_calls(), faults=[later(12, name, times=2)]) as sandbox:
        await get(sandbox, "/v2/call-record/detail/11")
        first = (await get(sandbox, RECORDINGS)).rows
        second = (await get(sandbox, "/v2/call-record/detail/12")).data
        third = (await get(sandbox, RECORDINGS)).rows
    assert first[0][name] is not None
    assert (first[1][name], second[name]) == (None, None)
    assert third[1][name] is not None


@pytest.mark.parametrize(
    ("template", "address"),
    [
        (None, None),
        ("", ""),
        ("{path}", "/files/11.wav"),
        ("{other}/files/{id}.wav", "OTHER/files/11.wav"),
        ("{origin}/files/{id}.mp3;rm", "ORIGIN/files/11.mp3;rm"),
        ("http://10.0.0.1/{id}.mp3", "http://10.0.0.1/11.mp3"),
        ("file:///etc/passwd", "file:///etc/passwd"),
    ],
)
async def test_the_address_is_another(template: str | None, address: str | None) -> None:
    async with Sandbox(three_calls(), faults=[Fault(LISTINGS, FileUrl(template))]) as sandbox:
        named = (await get(sandbox, RECORDINGS)).rows[0]["fileUrl"]
        if address is not None:
            address = address.replace("OTHER", sandbox.other).replace("ORIGIN", sandbox.url)
        assert named == address


async def test_the_second_origin_serves_files_and_a_strange_extension_too() -> None:
    async with Sandbox(three_calls()) as sandbox:
        there = await get(sandbox, f"{sandbox.other}/files/11.mp3;rm", key=None)
        assert there.body == (await get(sandbox, "/files/11.wav")).body
        assert [each.at_other for each in sandbox.requests] == [True, False]
        assert [each.key_sent for each in sandbox.requests] == [False, True]


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_an_address_expires_and_the_next_listing_renews_it(status: int) -> None:
    async with Sandbox(three_calls(), faults=[expired_then_renewed(11, status)]) as sandbox:
        stale, healthy = (row["fileUrl"] for row in (await get(sandbox, RECORDINGS)).rows)
        assert (await get(sandbox, stale)).status == status
        assert (await get(sandbox, healthy)).status == 200
        fresh = (await get(sandbox, "/v2/call-record/detail/11/")).data["fileUrl"]
        assert (await get(sandbox, fresh)).status == 200
        assert (await get(sandbox, stale)).status == status
