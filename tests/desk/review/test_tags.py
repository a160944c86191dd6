"""Tags: the same for everybody, however they are typed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.desk.review.tags import TagCount, Tags, proper_tag, tags_of
from archiver.errors import NotAllowed, WrongInput
from tests.desk.parts import LENA, RITA, ROSS, desk_file
from tests.support.world import ManualClock

pytestmark = pytest.mark.anyio


async def test_a_tag_is_on_a_recording_once_whoever_types_it(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        tags = Tags(file, ManualClock())
        assert await tags.add(RITA, 456, " #Жалоба  на   доставку") == "жалоба на доставку"
        assert await tags.add(ROSS, 456, "жалоба на Доставку") == "жалоба на доставку"
        await tags.add(ROSS, 456, "churn")
        await tags.add(ROSS, 457, "churn")
        assert await tags.of(456) == ["churn", "жалоба на доставку"]
        assert await file.read(lambda db: tags_of(db, [456, 457, 458])) == {
            456: ["churn", "жалоба на доставку"],
            457: ["churn"],
        }
        await tags.remove(RITA, 456, "#CHURN")
        await tags.remove(RITA, 456, "never there")
        assert await tags.of(456) == ["жалоба на доставку"]


async def test_known_tags_come_by_how_often_they_are_used(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        tags = Tags(file, ManualClock())
        for record_id in (1, 2, 3):
            await tags.add(RITA, record_id, "discount")
        await tags.add(RITA, 1, "dis%_")
        await tags.add(RITA, 1, "refund")
        assert await tags.known() == [
            TagCount("discount", 3),
            TagCount("dis%_", 1),
            TagCount("refund", 1),
        ]
        assert await tags.known("DISC") == [TagCount("discount", 3)]
        assert await tags.known("dis%") == [TagCount("dis%_", 1)]


async def test_a_listener_puts_on_and_takes_off_none(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        tags = Tags(file, ManualClock())
        await tags.add(RITA, 456, "churn")
        for act in (tags.add(LENA, 456, "x"), tags.remove(LENA, 456, "churn")):
            with pytest.raises(NotAllowed):
                await act
        assert await tags.of(456) == ["churn"]


async def test_a_recording_has_only_so_many(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        tags = Tags(file, ManualClock())
        for number in range(30):
            await tags.add(RITA, 456, f"tag {number}")
        await tags.add(RITA, 456, "tag 29")
        with pytest.raises(WrongInput, match="at most 30"):
            await tags.add(RITA, 456, "one more")


@pytest.mark.parametrize("text", ["", "#", "  ", "\x00", "x" * 41, "a, b"])
def test_what_is_no_tag_is_refused(text: str) -> None:
    with pytest.raises(WrongInput) as caught:
        proper_tag(text)
    assert caught.value.field == "tag"


@given(st.text(max_size=60))
def test_a_tag_that_is_kept_stays_as_it_is(text: str) -> None:
    try:
        tag = proper_tag(text)
    except WrongInput:
        return
    assert proper_tag(tag) == tag
