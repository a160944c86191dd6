"""Packages that people ask for: who sees them, and what becomes of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from archiver.desk.packages.orders import MOST_RECORDINGS, Orders, Packed, Stage, Wish
from archiver.errors import NoSuchThing, NotAllowed, WrongInput
from tests.desk.parts import ADA, LENA, RITA, ROSS, desk_file
from tests.support.world import ManualClock

pytestmark = pytest.mark.anyio

WISH = Wish((3, 1, 2), "a complaint", case="C-17", recipient="court")
PACKED = Packed(1234, "ab" * 32, 0)


@asynccontextmanager
async def orders(folder: Path) -> AsyncIterator[tuple[Orders, ManualClock]]:
    clock = ManualClock()
    async with desk_file(folder) as file:
        yield Orders(file, clock), clock


async def test_one_form_sent_three_times_asks_for_one_package(tmp_path: Path) -> None:
    async with orders(tmp_path) as (desk, _):
        ids = {await desk.ask(RITA, WISH, "token") for _ in range(3)}
        assert len(ids) == 1
        (order,) = await desk.shown(RITA)
        assert (order.wish, order.recordings, order.stage) == (WISH, 3, Stage.WAITING)


async def test_everybody_sees_their_own_and_an_overseer_all(tmp_path: Path) -> None:
    async with orders(tmp_path) as (desk, _):
        mine = await desk.ask(RITA, WISH, "")
        theirs = await desk.ask(ROSS, WISH, "")
        assert [one.package_id for one in await desk.shown(RITA)] == [mine]
        assert [one.package_id for one in await desk.shown(ADA)] == [theirs, mine]
        for act in (desk.find, desk.remove):
            with pytest.raises(NoSuchThing):
                await act(RITA, theirs)
        with pytest.raises(NotAllowed):
            await desk.ask(LENA, WISH, "")


@pytest.mark.parametrize(
    ("wish", "field", "problem"),
    [
        (Wish((1,), " \u202e "), "why", "empty"),
        (Wish((1,), "x" * 501), "why", "too-long"),
        (Wish((1,), "why", case="x" * 501), "case", "too-long"),
        (Wish((), "why"), "recordings", "empty"),
        (Wish(tuple(range(1, MOST_RECORDINGS + 2)), "why"), "recordings", "range"),
    ],
)
async def test_a_wish_that_cannot_be_met_names_its_field(
    tmp_path: Path, wish: Wish, field: str, problem: str
) -> None:
    async with orders(tmp_path) as (desk, _):
        with pytest.raises(WrongInput) as refused:
            await desk.ask(RITA, wish, "")
        assert (refused.value.field, refused.value.problem) == (field, problem)
        assert await desk.shown(RITA) == []


async def test_what_a_desk_had_begun_when_it_ended_is_made_by_the_next_one(tmp_path: Path) -> None:
    async with orders(tmp_path) as (desk, _):
        package_id = await desk.ask(RITA, WISH, "")
        assert await desk.next() is not None
        assert await desk.next() is None
        await desk.begin_again()
        again = await desk.next()
        assert again is not None
        assert again.package_id == package_id
        assert await desk.finish(package_id, PACKED)
        assert (await desk.find(RITA, package_id)).packed == PACKED


async def test_a_package_expires_after_its_time_and_forgets_what_was_in_it(tmp_path: Path) -> None:
    async with orders(tmp_path) as (desk, clock):
        package_id = await desk.ask(RITA, WISH, "")
        await desk.next()
        await desk.finish(package_id, PACKED)
        await desk.expire(timedelta(days=7))
        assert await desk.files() == {f"export-{package_id}.zip"}
        clock.advance(days=8)
        await desk.expire(timedelta(days=7))
        assert await desk.files() == set()
        order = await desk.find(RITA, package_id)
        assert (order.stage, order.wish.record_ids) == (Stage.EXPIRED, ())


async def test_a_package_with_a_recording_that_was_erased_is_removed(tmp_path: Path) -> None:
    async with orders(tmp_path) as (desk, _):
        kept = await desk.ask(RITA, Wish((7, 8), "other"), "")
        gone = await desk.ask(RITA, WISH, "")
        await desk.bury([2, 99])
        stages = {one.package_id: one.stage for one in await desk.shown(RITA)}
        assert stages == {kept: Stage.WAITING, gone: Stage.REMOVED}


async def test_a_package_that_is_removed_while_it_is_made_does_not_come_back(
    tmp_path: Path,
) -> None:
    async with orders(tmp_path) as (desk, _):
        package_id = await desk.ask(RITA, WISH, "")
        await desk.next()
        await desk.remove(RITA, package_id)
        assert not await desk.finish(package_id, PACKED)
        assert await desk.files() == set()
        assert (await desk.find(RITA, package_id)).stage is Stage.REMOVED
