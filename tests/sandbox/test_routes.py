"""What a healthy sandbox answers is what the API documentation shows."""

from collections.abc import AsyncIterator

import pytest

from archiver.sandbox.model import ABSENT
from archiver.sandbox.server import Sandbox
from archiver.sandbox.world import World
from tests.sandbox.client import get

pytestmark = pytest.mark.anyio

CALL_MEMBERS = {
    "id", "sipEndpointId", "finishInitiator", "direction", "leadId", "userId", "orderId",
    "statusId", "statusCode", "totalDurationSeconds", "waitTimeDurationSeconds",
    "talkTimeDurationSeconds", "isPredictive", "clientPhone", "hasRecords", "createdAt",
}  # fmt: skip
RECORDING_MEMBERS = {
    "id", "userId", "leadId", "isTransfer", "durationSeconds", "fileUrl", "recordSummary",
    "createdAt",
}  # fmt: skip
EVERY_API_PATH = [
    "/v2/call/?orderIds[]=1",
    "/v2/call/detail/1/",
    "/v2/call-record/?callId=1",
    "/v2/call-record/detail/11/",
    "/v2/order/",
    "/v1/order/list/",
    "/v2/user/list/",
    "/v2/user/detail/101/",
    "/v2/call-status/",
    "/v2/lead/",
    "/v2/lead/detail/50001/",
    "/v1/health/check/",
]


def small_world() -> World:
    world = World().order(1).order(2, "Second").order(3, archived=True).user(101)
    world.user(102, active=False)
    world.call(1, at="2026-11-02T09:00:00Z").recording(11).recording(12, is_transfer=True)
    world.call(2, order=2, at="2026-11-02T10:00:00Z", status="busy", user_id=102)
    return world.call(3, at="2026-11-02T11:00:00Z", fields={"hasRecords": ABSENT})


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(small_world()) as running:
        yield running


@pytest.mark.parametrize("path", EVERY_API_PATH)
async def test_every_method_wants_the_key(sandbox: Sandbox, path: str) -> None:
    assert (await get(sandbox, path)).status == 200
    assert (await get(sandbox, path, key=None)).status == 401
    assert (await get(sandbox, path, key="wrong")).status == 401


async def test_the_envelope_has_three_members(sandbox: Sandbox) -> None:
    seen = await get(sandbox, "/v2/call/?orderIds[]=1")
    assert seen.headers["content-type"] == "application/json"
    assert seen.body.startswith(b'{"success":true,"message":"","data":{"list":[')
    assert set(seen.data) == {"list", "next", "total"}


async def test_a_call_has_every_member_of_table_and_example(sandbox: Sandbox) -> None:
    listed = (await get(sandbox, "/v2/call/?orderIds[]=1")).rows[0]
    detail = (await get(sandbox, "/v2/call/detail/1")).data
    assert set(listed) == CALL_MEMBERS
    assert listed == detail
    assert (listed["orderId"], listed["leadId"], listed["hasRecords"]) == (1, 50001, True)
    assert (listed["statusId"], listed["statusCode"]) == (1, "answered")
    assert listed["createdAt"] == "2026-11-02T09:00:00Z"


async def test_a_recording_has_the_eight_documented_members(sandbox: Sandbox) -> None:
    listed = await get(sandbox, "/v2/call-record/?callId=1")
    assert listed.ids == [11, 12]
    assert [set(row) for row in listed.rows] == [RECORDING_MEMBERS] * 2
    assert listed.rows[0] == (await get(sandbox, "/v2/call-record/detail/11")).data
    assert listed.rows[0]["fileUrl"] == f"{sandbox.url}/files/11.wav"
    assert isinstance(listed.rows[0]["durationSeconds"], int)


@pytest.mark.parametrize(
    "spelled", ["orderIds[]=1&orderIds[]=2", "orderIds%5B%5D=1&orderIds%5B%5D=2",
                "orderIds%5B0%5D=1&orderIds%5B1%5D=2"],
)  # fmt: skip
async def test_all_three_spellings_of_an_array_are_read(sandbox: Sandbox, spelled: str) -> None:
    assert (await get(sandbox, f"/v2/call/?{spelled}")).ids == [1, 2, 3]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("orderIds[]=2", [2]),
        ("leadIds[]=50003", [3]),
        ("orderIds[]=1&leadIds[]=50003", [3]),
        ("orderIds[]=1&orderIds[]=2&userIds[]=102", [2]),
        ("orderIds[]=1&orderIds[]=2&statusIds[]=3", [2]),
        ("orderIds[]=1&createdAt[0]=2026-11-02T09:00:01Z", [3]),
        ("orderIds[]=1&createdAt[0]=2026-11-02T09:00:00Z&createdAt[1]=2026-11-02T09:00:00Z", [1]),
        ("orderIds[]=1&createdAt[1]=2026-11-02T10:59:59Z", [1]),
        ("orderIds[]=9", []),
        ("orderIds[]=1&offset=1&limit=1", [3]),
    ],
)  # fmt: skip
async def test_calls_are_filtered(sandbox: Sandbox, query: str, ids: list[int]) -> None:
    assert (await get(sandbox, f"/v2/call/?{query}")).ids == ids


@pytest.mark.parametrize(
    "path",
    [
        "/v2/call/",
        "/v2/call/?userIds[]=101",
        "/v2/call/?orderIds[]=0",
        "/v2/call/?orderIds[]=x",
        "/v2/call/?orderIds[]=1&limit=101",
        "/v2/call/?orderIds[]=1&limit=0",
        "/v2/call/?orderIds[]=1&offset=-1",
        "/v2/call/?orderIds[]=1&createdAt[0]=yesterday",
        "/v2/call-record/",
        "/v2/call-record/?callId=0",
    ],
)
async def test_a_malformed_parameter_is_refused(sandbox: Sandbox, path: str) -> None:
    seen = await get(sandbox, path)
    assert seen.status == 422
    assert seen.body.startswith(b'{"success":false,"message":"')


@pytest.mark.parametrize("path", EVERY_API_PATH[1:4] + EVERY_API_PATH[7:8])
async def test_details_answer_with_and_without_slash(sandbox: Sandbox, path: str) -> None:
    with_slash, without = await get(sandbox, path), await get(sandbox, path.rstrip("/"))
    assert with_slash.body == without.body


@pytest.mark.parametrize(
    "path", ["/v2/call/detail/99", "/v2/call-record/?callId=99", "/files/99.mp3",
             "/v2/call-record/detail/99", "/v2/call-statuses/", "/v3/", "/v2/user/detail/9"],
)  # fmt: skip
async def test_what_is_not_there_is_404(sandbox: Sandbox, path: str) -> None:
    assert (await get(sandbox, path)).status == 404


async def test_paging_says_offset_plus_limit_and_the_total(sandbox: Sandbox) -> None:
    first = (await get(sandbox, "/v2/call/?orderIds[]=1&limit=1")).data
    assert (first["next"], first["total"], len(first["list"])) == (1, 2, 1)
    assert (await get(sandbox, "/v2/call/?orderIds[]=1")).data["next"] == 50
    beyond = (await get(sandbox, "/v2/call/?orderIds[]=1&offset=7")).data
    assert (beyond["list"], beyond["total"]) == ([], 2)


async def test_orders_are_a_list_in_v2_and_a_bare_array_of_active_ones_in_v1(
    sandbox: Sandbox,
) -> None:
    assert (await get(sandbox, "/v2/order/")).ids == [1, 2, 3]
    v1 = (await get(sandbox, "/v1/order/list/")).data
    assert v1[0] == {
        "id": 1, "title": "Delivery line", "code": "order-1", "callsAllowed": True,
    }  # fmt: skip
    assert [row["id"] for row in v1] == [1, 2]


async def test_users_statuses_and_leads_are_listed(sandbox: Sandbox) -> None:
    assert (await get(sandbox, "/v2/user/list/")).ids == [101, 102]
    assert (await get(sandbox, "/v2/user/list/?isActive=1")).ids == [101]
    assert (await get(sandbox, "/v2/user/detail/101/")).data["lastName"] == "Price"
    assert (await get(sandbox, "/v2/call-status/")).data[0]["code"] == "answered"
    assert (await get(sandbox, "/v2/lead/?orderIds[]=2")).ids == [50002]
    assert (await get(sandbox, "/v2/lead/detail/50001")).data["orderId"] == 1
