"""Names are found where the key may read them, and their absence never ends a run."""

import pytest

from archiver.errors import SourceRefused
from archiver.liner.models import Order
from archiver.liner.names import Directory
from tests.liner.fake import Asked, Route
from tests.liner.talking import by_path, listing, refusing, saying, talking

pytestmark = pytest.mark.anyio

STATUSES = saying([{"id": 3, "code": "answered"}])


def users(asked: Asked) -> list[dict[str, object]]:
    if asked.number("isActive", 1) == 0:
        return [{"id": 2, "name": "Blocked"}]
    return [{"id": 1, "name": "Anna", "lastName": "Price"}]


async def user_list(asked: Asked) -> None:
    await asked.data(listing(users(asked), 1))


async def test_names_titles_and_codes_are_found() -> None:
    async with talking(by_path(v2_user_list=user_list, v2_call_status=STATUSES)) as (client, fake):
        directory = Directory(client)
        await directory.load([Order(202, "Delivery line")])
        assert await directory.user_name(1) == "Anna Price"
        assert directory.order_title(202) == "Delivery line"
        assert directory.status_code(3) == "answered"
        assert (await directory.user_name(None), directory.order_title(None)) == (None, None)
        assert (directory.order_title(9), directory.status_code(9)) == (None, None)
        assert directory.notes == []
        assert len(fake.asked) == 2


async def test_a_blocked_user_is_found_and_a_deleted_one_is_asked_for_once() -> None:
    routes = {"v2_user_list": user_list, "v2_call_status": STATUSES}
    async with talking(by_path(**routes)) as (client, fake):
        directory = Directory(client)
        await directory.load()
        assert await directory.user_name(2) == "Blocked"
        assert [await directory.user_name(77) for _ in range(3)] == [None] * 3
        assert [one.path for one in fake.asked].count("/v2/user/detail/77/") == 1
        assert directory.notes == []


async def test_a_user_whom_no_list_names_has_a_page_of_its_own() -> None:
    routes = {"v2_user_list": user_list, "v2_user_detail_5": saying({"id": 5, "name": "Eve"})}
    async with talking(by_path(**routes)) as (client, _):
        assert await Directory(client).user_name(5) == "Eve"


@pytest.mark.parametrize("broken", [refusing(403), refusing(404), refusing(500), saying(None)])
async def test_what_the_key_may_not_read_is_a_note(broken: Route) -> None:
    routes = {
        "v2_user_list": broken,
        "v2_call_status": broken,
        "v2_call_statuses": broken,
        "v2_user_detail_1": broken,
        "v2_user_detail_2": broken,
    }
    async with talking(by_path(**routes), attempts=1) as (client, fake):
        directory = Directory(client)
        await directory.load()
        assert await directory.user_name(1) is None
        assert await directory.user_name(2) is None
        assert directory.status_code(3) is None
        assert any("list of users" in note for note in directory.notes)
        assert any("call statuses" in note for note in directory.notes)
        assert len(fake.asked) <= 6


async def test_a_refused_key_is_no_note() -> None:
    async with talking(refusing(401)) as (client, _):
        with pytest.raises(SourceRefused):
            await Directory(client).load()
