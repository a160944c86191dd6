"""What the index answered before is given again only while nothing has changed."""

from pathlib import Path

import pytest

from archiver.desk.index.entries import Entry
from archiver.desk.index.view import View
from archiver.desk.kept import Kept
from archiver.desk.library import Library
from tests.desk.readers import centre, reading
from tests.retention.acts import erased
from tests.support.world import bench

pytestmark = pytest.mark.anyio


def test_an_answer_is_given_for_the_source_that_it_was_made_from() -> None:
    kept, older, newer = Kept[str](2), object(), object()
    assert kept.of(older, "asked", lambda: "old") == "old"
    assert kept.of(older, "asked", lambda: "made again") == "old"
    assert kept.of(newer, "asked", lambda: "new") == "new"
    assert kept.get(older, "asked") is None
    assert kept.get(newer, "asked") == "new"


def test_the_answers_asked_for_last_are_kept() -> None:
    kept, source = Kept[int](2), object()
    for asked in (1, 2):
        kept.put(source, asked, asked)
    assert kept.get(source, 1) == 1
    kept.put(source, 3, 3)
    assert kept.get_all(source, [1, 3]) == [1, 3]
    assert kept.get_all(source, [1, 2]) is None


async def _shown(library: Library) -> dict[int, Entry]:
    """The list of everything, asked for twice: the second answer is the first, as it was kept."""
    page, facets = await library.index.find_with_facets(View())
    assert await library.index.find_with_facets(View()) == (page, facets)
    assert facets.is_reviewed[1] == sum(entry.is_reviewed for entry in page.rows)
    return {entry.record_id: entry for entry in page.rows}


async def test_a_list_that_was_kept_shows_what_was_reviewed_since(tmp_path: Path) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        async with reading(night) as library:
            assert not (await _shown(library))[11].is_reviewed
            library.index.mark_reviewed(11)
            assert (await _shown(library))[11].is_reviewed
            library.index.mark_reviewed(11, is_reviewed=False)
            assert not (await _shown(library))[11].is_reviewed


async def test_a_list_that_was_kept_shows_what_runs_bring_and_no_word_of_what_was_erased(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, centre()) as night:
        await night.run()
        async with reading(night) as library:
            assert (await _shown(library))[21].summary is None
            night.world.change_recording(21, summary="It was a complaint.")
            night.world.user(101, "Anna", "Miller")
            night.world.call(3, lead=790, user_id=101, at=night.clock.now).recording(31)
            night.clock.advance(days=1)
            await night.run()
            await library.catch_up()
            shown = await _shown(library)
            assert shown[21].summary == "It was a complaint."
            assert {entry.agent for entry in shown.values()} == {"Anna Miller"}
            await erased(night, 1, 789)
            await library.catch_up()
            shown = await _shown(library)
            assert (shown[11].state, shown[11].summary) == ("erased", None)
