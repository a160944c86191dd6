"""Saved searches and playlists: kept once, seen by those they are for, removed by their owners."""

from pathlib import Path

import pytest

from archiver.desk.forgetting import forget
from archiver.desk.review.playlists import Playlists
from archiver.desk.review.searches import Searches, searches_of
from archiver.errors import NoSuchThing, NotAllowed, WrongInput
from tests.desk.parts import ADA, LENA, RITA, ROSS, desk_file
from tests.support.world import ManualClock

pytestmark = pytest.mark.anyio


async def test_a_search_is_ones_own_until_it_is_shared(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        searches = Searches(file, ManualClock())
        await searches.save(RITA, "Refunds", "?q=refund", is_shared=False)
        assert await file.read(lambda db: searches_of(db, LENA)) == []
        await searches.save(RITA, "Refunds", "?q=refund&agent=101", is_shared=True)
        (found,) = await file.read(lambda db: searches_of(db, LENA))
        assert (found.owner, found.query) == ("rita", "?q=refund&agent=101")
        with pytest.raises(NoSuchThing):
            await searches.remove(LENA, found.search_id)
        await searches.remove(RITA, found.search_id)
        assert await file.read(lambda db: searches_of(db, RITA)) == []


@pytest.mark.parametrize("name", ["", " ", "x" * 61])
async def test_a_search_needs_a_short_name(tmp_path: Path, name: str) -> None:
    async with desk_file(tmp_path) as file:
        with pytest.raises(WrongInput) as caught:
            await Searches(file, ManualClock()).save(RITA, name, "?q=x", is_shared=False)
        assert caught.value.field == "name"


async def test_a_playlist_keeps_moments_in_order_each_once_and_forgets_what_is_erased(
    tmp_path: Path,
) -> None:
    async with desk_file(tmp_path) as file:
        lists = Playlists(file, ManualClock())
        one = await lists.add(
            RITA, {"record_id": 7, "seconds": 12.5}, "Listen", playlist_id=None, title="Openings"
        )
        for _ in range(3):
            place = {"record_id": 8, "seconds": 1}
            assert await lists.add(ROSS, place, "Name", playlist_id=one, token="t") == one
        playlist, moments = await lists.find(one)
        assert (playlist.title, playlist.moments) == ("Openings", 2)
        assert [(m.record_id, m.seconds, m.name) for m in moments] == [
            (7, 12.5, "rita"),
            (8, 1, "ross"),
        ]
        with pytest.raises(NotAllowed):
            await lists.take_out(RITA, moments[1].moment_id)
        with pytest.raises(NotAllowed):
            await lists.remove(ROSS, one)
        await forget(file, [8])
        assert [m.record_id for m in (await lists.find(one))[1]] == [7]
        assert await lists.take_out(ADA, moments[0].moment_id) == one
        await lists.remove(RITA, one)
        with pytest.raises(NoSuchThing):
            await lists.find(one)


@pytest.mark.parametrize(
    ("seconds", "title", "field"),
    [(float("nan"), "x", "at"), (-1, "x", "at"), (1, " ", "playlist"), (1, "x" * 101, "playlist")],
)
async def test_what_is_no_moment_is_refused_by_its_field(
    tmp_path: Path, seconds: float, title: str, field: str
) -> None:
    async with desk_file(tmp_path) as file:
        with pytest.raises(WrongInput) as caught:
            await Playlists(file, ManualClock()).add(
                RITA, {"record_id": 1, "seconds": seconds}, "", playlist_id=None, title=title
            )
        assert caught.value.field == field
