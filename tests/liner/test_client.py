"""What the client asks for, and how it reads what it is told."""

from datetime import timedelta

import pytest

from archiver.errors import (
    AnswerMalformed,
)
from archiver.liner.scope import Scope, Window
from tests.liner.fake import Asked, Route
from tests.liner.talking import (
    KEY,
    NOW,
    ORDERS,
    RECORDING,
    Waits,
    by_path,
    listing,
    refusing,
    saying,
    talking,
)

pytestmark = pytest.mark.anyio


async def test_recordings_of_a_call_take_one_request_with_the_documented_headers() -> None:
    async with talking(saying(listing([RECORDING]))) as (client, fake):
        recordings = (await client.recordings(123)).found
        asked = fake.asked[0]
    assert [(one.id, one.file_url) for one in recordings] == [(456, RECORDING["fileUrl"])]
    assert fake.targets == ["/v2/call-record/?callId=123&offset=0&limit=100"]
    assert asked.header("x-api-key") == KEY
    assert asked.header("content-type") == asked.header("accept") == "application/json"
    assert asked.header("accept-encoding") == "identity"
    assert (asked.header("user-agent") or "").startswith("liner-archiver/")
    assert (client.requests, client.throttled) == (1, 0)


@pytest.mark.parametrize("count", [0, 1, 2, 100])
@pytest.mark.parametrize("total", ["number", "string"])
async def test_no_second_request_when_the_total_says_all_arrived(count: int, total: str) -> None:
    rows = [{"id": number} for number in range(1, count + 1)]
    said = str(count) if total == "string" else count
    async with talking(saying(listing(rows, said))) as (client, _):
        listed = await client.recordings(1)
        assert (len(listed.found), listed.problem) == (count, "")
        assert client.requests == 1


async def test_long_lists_of_recordings_are_read_to_the_end_without_duplicates() -> None:
    async def route(asked: Asked) -> None:
        offset = asked.number("offset")
        rows = [{"id": number} for number in range(offset + 1, min(offset + 51, 121))]
        await asked.data(listing(rows + rows[:1] if not offset else rows, 120, offset + 50))

    async with talking(route) as (client, _):
        recordings = (await client.recordings(1)).found
    assert [one.id for one in recordings] == list(range(1, 121))


async def test_recordings_that_are_counted_and_never_listed_are_told() -> None:
    async def route(asked: Asked) -> None:
        await asked.data(listing([] if asked.number("offset") else [RECORDING], 3))

    async with talking(route) as (client, _):
        listed = await client.recordings(9)
    assert ([one.id for one in listed.found], listed.problem) == ([456], "1 of 3 rows arrived")


async def test_an_empty_list_that_counts_something_is_not_empty() -> None:
    async with talking(saying(listing([], 2))) as (client, _):
        assert (await client.recordings(9)).problem == "0 of 2 rows arrived"


@pytest.mark.parametrize(
    "route",
    [
        lambda asked: asked.json({"success": False, "message": "No such call", "data": []}),
        lambda asked: asked.json({"success": True, "data": None}),
        lambda asked: asked.json({"success": True, "data": []}),
        lambda asked: asked.reply(b"<html>maintenance</html>"),
        lambda asked: asked.reply(b'{"success": true, "data": {"list": ['),
        lambda asked: asked.reply(b""),
        lambda asked: asked.reply(b"", 204),
    ],
)
async def test_only_a_well_formed_empty_list_means_none(route: Route) -> None:
    waits = Waits()
    async with talking(route, sleep=waits) as (client, _):
        with pytest.raises(AnswerMalformed):
            await client.recordings(1)
        assert (client.requests, len(waits)) == (3, 2)


async def test_orders_come_from_the_second_version_of_the_list() -> None:
    async with talking(by_path(v2_order=saying(ORDERS))) as (client, _):
        orders = await client.orders()
        assert client.orders_version == 2
    assert [(one.id, one.title) for one in orders] == [(1, "One"), (2, "two")]


@pytest.mark.parametrize(
    "broken", [refusing(404), refusing(403), refusing(405), saying([]), saying(None)]
)
async def test_orders_fall_back_to_the_first_version(broken: Route) -> None:
    old = saying([{"id": 3, "title": "Three", "code": "c", "callsAllowed": True}])
    async with talking(by_path(v2_order=broken, v1_order_list=old)) as (client, _):
        orders = await client.orders()
        assert client.orders_version == 1
    assert [(one.id, one.title) for one in orders] == [(3, "Three")]


async def test_orders_that_are_counted_and_not_listed_are_told() -> None:
    async with talking(by_path(v2_order=saying(listing([{"id": 1}], 3)))) as (client, _):
        assert len(await client.orders()) == 1
        assert client.orders_missing == 2


@pytest.mark.parametrize("path", ["v2_call_status", "v2_call_statuses"])
async def test_statuses_are_found_under_either_path(path: str) -> None:
    async with talking(by_path(**{path: saying([{"id": 7, "code": "answered"}])})) as (client, _):
        statuses = await client.statuses()
    assert [(one.id, one.code) for one in statuses] == [(7, "answered")]


async def test_details_are_asked_by_the_declared_path() -> None:
    async def route(asked: Asked) -> None:
        await asked.data({"id": asked.path.rstrip("/").rsplit("/", 1)[1], "name": "Anna"})

    async with talking(route) as (client, fake):
        assert (await client.call(123)).id == 123
        assert (await client.user(101)).name == "Anna"
        assert fake.targets == ["/v2/call/detail/123/", "/v2/user/detail/101/"]


async def test_a_detail_about_something_else_is_malformed() -> None:
    async with talking(saying({"id": 6})) as (client, _):
        with pytest.raises(AnswerMalformed, match="another id"):
            await client.recording(5)


async def test_a_page_of_calls_is_asked_for_as_documented() -> None:
    window = Window(NOW, NOW + timedelta(hours=1))
    async with talking(saying(listing([{"id": 5, "orderId": 1}], 9))) as (client, fake):
        page = await client.calls_page([Scope("order", 1)], window, 200, users=[5])
        assert (page.rows[0].order_id, page.total, page.next) == (1, 9, 50)
        assert fake.asked[0].query == [
            ("createdAt[0]", "2026-10-01T11:59:59Z"),
            ("createdAt[1]", "2026-10-01T13:00:00Z"),
            ("orderIds[]", "1"),
            ("userIds[]", "5"),
            ("offset", "200"),
            ("limit", "100"),
        ]


async def test_the_health_of_components_is_told_and_judged_by_nobody() -> None:
    parts = {"a": {"success": True}, "b": {"success": False, "message": "down"}, "c": None}
    async with talking(by_path(v1_health_check=saying(parts))) as (client, _):
        assert await client.health() == {"a": True, "b": False, "c": False}


async def test_the_clock_of_the_api_is_told_by_its_date() -> None:
    async def route(asked: Asked) -> None:
        body = b'{"success": true, "data": {"list": [], "total": 0}}'
        await asked.reply(body, headers=(("Date", "Thu, 01 Oct 2026 12:00:42 GMT"),))

    async with talking(route) as (client, _):
        assert client.server_time is None
        await client.recordings(1)
        assert client.clock_offset == timedelta(seconds=42)
        assert client.server_time == NOW + timedelta(seconds=42)
