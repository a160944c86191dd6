"""Finding recordings in an archive that a real run made of the sample calls."""

from collections.abc import AsyncIterator
from datetime import date

import pytest

from archiver.desk.index.entries import Choice, Entry
from archiver.desk.index.view import Sort, State, View
from archiver.desk.library import Library
from archiver.errors import UsageError
from archiver.sandbox.sample_world import sample_world, samples
from tests.desk.readers import ids, reading
from tests.support.world import FIRST_NIGHT, bench

pytestmark = pytest.mark.anyio

ALL = [each["recordId"] for each in samples()]
ANNA, MARIA, KAREN = 101, 103, 110
DELIVERY, CARE, RUSSIAN = 202, 203, 204


@pytest.fixture(scope="module")
async def library(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Library]:
    folder = tmp_path_factory.mktemp("samples")
    async with bench(folder, sample_world(FIRST_NIGHT)) as night:
        night.clock.advance(hours=1)
        assert (await night.run()).exit_code == 0
        async with reading(night) as library:
            yield library


async def test_the_newest_stand_first_and_every_recording_is_there(library: Library) -> None:
    page = await library.index.find(View())
    moments = [row.created_at for row in page.rows]
    assert sorted(row.record_id for row in page.rows) == sorted(ALL)
    assert moments == sorted(moments, reverse=True)  # type: ignore[type-var]
    assert (page.total, page.next) == (len(ALL), None)


async def test_people_see_names_and_what_the_sidecar_tells(library: Library) -> None:
    entry = await library.index.recording(900109)
    assert entry is not None
    assert (entry.agent, entry.order) == ("Karen Mills", "Customer care")
    assert (entry.direction, entry.phone, entry.lead_id) == ("incoming", "+79000050280", 50280)
    assert entry.summary is not None
    assert entry.summary.startswith("Supervisor leg of call 70108")
    assert (entry.state, entry.is_transfer, entry.legs, entry.trouble) == (
        State.ARCHIVED, True, 2, "",
    )  # fmt: skip
    assert entry.seconds == pytest.approx(15.95, abs=0.15)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("supervisor leg", [900109]),
        ('"full refund"', [900109]),
        ("возврат", [900112]),
        ("super*", [900108, 900109]),
        ("50280", [900108, 900109]),
        ("70108", [900108, 900109]),
        ("900109", [900109]),
        ("+7 900 005-02-80", [900108, 900109]),
        ("nobody said this", []),
    ],
)
async def test_a_word_a_phrase_a_beginning_or_a_number_finds_the_call(
    library: Library, text: str, found: list[int]
) -> None:
    assert sorted(await ids(library, text=text)) == found
    facets = await library.index.facets(View(text=text))
    assert sum(facets.days.values()) == len(found)


async def test_lead_and_telephone_number_have_questions_of_their_own(library: Library) -> None:
    assert sorted(await ids(library, lead=50280)) == [900108, 900109]
    assert sorted(await ids(library, phone="8 (900) 005-02-80")) == [900108, 900109]
    assert await ids(library, phone="80") == []


async def test_alternatives_add_and_facets_narrow_one_another(library: Library) -> None:
    both = await ids(library, agents=(MARIA, KAREN))
    assert set(both) > set(await ids(library, agents=(KAREN,)))
    incoming = await ids(library, agents=(MARIA, KAREN), directions=("incoming",))
    assert {900108, 900109} <= set(incoming) < set(both)
    assert await ids(library, agents=(424242,)) == []
    assert await ids(library, agents=(0,)) == []


async def test_a_facet_counts_what_each_of_its_choices_would_give(library: Library) -> None:
    view = View(agents=(KAREN,), directions=("incoming",))
    facets = await library.index.facets(view)
    for choice in facets.agents:
        assert choice.count == len(
            await ids(library, agents=(choice.value,), directions=("incoming",))
        )
    assert Choice(KAREN, "Karen Mills", 1) in facets.agents
    assert len(facets.agents) > 1
    assert [one.value for one in facets.orders] == [CARE]
    no, yes = facets.has_summary
    assert no + yes == len(await ids(library, agents=(KAREN,), directions=("incoming",)))


async def test_a_choice_that_gives_nothing_keeps_its_name_to_be_taken_back(
    library: Library,
) -> None:
    facets = await library.index.facets(View(text="zzzz", agents=(KAREN, 5), directions=("x",)))
    assert facets.agents == (Choice(KAREN, "Karen Mills", 0), Choice(5, None, 0))
    assert facets.directions == (Choice("x", None, 0),)


async def test_a_summary_that_is_missing_can_be_asked_for(library: Library) -> None:
    silent = sorted(each["recordId"] for each in samples() if each["recordSummary"] is None)
    assert sorted(await ids(library, has_summary=False)) == silent
    assert (await library.index.facets(View())).has_summary == (
        len(silent), len(ALL) - len(silent),
    )  # fmt: skip


async def test_dates_are_those_of_the_configured_zone_and_both_ends_belong(
    library: Library,
) -> None:
    days = (await library.index.facets(View())).days
    assert sum(days.values()) == len(ALL)
    first, last = min(days), max(days)
    assert len(await ids(library, since=first, until=last)) == len(ALL)
    assert len(await ids(library, until=first)) == days[first]
    assert len(await ids(library, days=(first, last))) == days[first] + days[last]
    assert await ids(library, since=date(2030, 1, 1)) == []
    assert await ids(library, until=date.min) == []


async def every(library: Library, view: View) -> list[Entry]:
    pieces = [piece.record_ids async for piece in library.index.pieces(view, 5)]
    return await library.index.entries([one for piece in pieces for one in piece])


async def test_lengths_are_bounded_at_both_ends(library: Library) -> None:
    entries = await every(library, View(sort=Sort.SECONDS, ascending=True))
    lengths = [one.seconds or 0.0 for one in entries]
    assert lengths == sorted(lengths)
    middle = round(lengths[8], 1)
    shorter = await ids(library, max_seconds=middle)
    longer = await ids(library, min_seconds=middle + 0.01)
    assert sorted([*shorter, *longer]) == sorted(ALL)


async def test_names_sort_as_people_read_them(library: Library) -> None:
    view = View(sort=Sort.AGENT, ascending=True)
    names = [one.agent or "" for one in await every(library, view)]
    assert names == sorted(names, key=str.casefold)
    assert len(set(names)) > 3


async def test_pages_go_on_after_one_another_without_gap_or_repeat(library: Library) -> None:
    for sort in Sort:
        seen: list[int] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await library.index.find(View(sort=sort, cursor=cursor), 4)
            seen += [row.record_id for row in page.rows]
            cursor = page.next
        assert seen == await ids(library, sort=sort)
        assert sorted(seen) == sorted(ALL)


@pytest.mark.parametrize("cursor", ["x", "é", "W10", "WzEsMl0", "bnVsbA", "WzEuNSwyLDNd", "=" * 9])
async def test_a_cursor_that_makes_no_sense_is_refused(library: Library, cursor: str) -> None:
    with pytest.raises(UsageError, match="page"):
        await library.index.find(View(cursor=cursor))


async def test_a_call_with_a_transfer_is_one_timeline(library: Library) -> None:
    call = await library.index.call(70108)
    assert call is not None
    first, second = call.legs
    assert (first.entry.record_id, second.entry.record_id) == (900108, 900109)
    assert (first.offset, second.offset) == (0.0, first.entry.seconds)
    assert second.entry.seconds is not None
    assert call.seconds == pytest.approx(second.offset + second.entry.seconds)
    assert await library.index.call(1) is None
    assert await library.index.call(-(2**80)) is None


async def test_neighbours_follow_the_view_to_both_of_its_ends(library: Library) -> None:
    view = View(agents=(MARIA, KAREN), sort=Sort.SECONDS)
    listed = await ids(library, agents=(MARIA, KAREN), sort=Sort.SECONDS)
    for place, record_id in enumerate(listed):
        found = await library.index.neighbours(view, record_id)
        assert found.previous == (listed[place - 1] if place else None)
        assert found.next == (listed[place + 1] if place + 1 < len(listed) else None)
        assert (found.position, found.total) == (place + 1, len(listed))
    outside = await library.index.neighbours(view, 900101)
    assert (outside.previous, outside.next, outside.position) == (None, None, None)


async def test_what_was_reviewed_can_be_asked_for_at_once(library: Library) -> None:
    library.index.set_reviewed([900101, 900102, 5])
    assert sorted(await ids(library, is_reviewed=True)) == [900101, 900102]
    library.index.mark_reviewed(900103)
    library.index.mark_reviewed(900101, False)
    assert sorted(await ids(library, is_reviewed=True)) == [900102, 900103]
    assert (await library.index.facets(View())).is_reviewed == (len(ALL) - 2, 2)
    entry = await library.index.recording(900103)
    assert entry is not None
    assert entry.is_reviewed
    library.index.set_reviewed([])
    assert await ids(library, is_reviewed=True) == []


async def test_what_people_tagged_can_be_asked_for_at_once(library: Library) -> None:
    index = library.index
    index.set_tags({"refund": [900101, 900102, 5], "late": [900103]})
    assert sorted(await ids(library, tags=("refund",))) == [900101, 900102]
    assert sorted(await ids(library, tags=("refund", "late"))) == [900101, 900102, 900103]
    assert await ids(library, tags=("unheard of",)) == []
    index.mark_tags(900103, ["refund", "vip"])
    facets = await index.facets(View(tags=("vip",)))
    assert facets.tags == (Choice("refund", None, 3), Choice("vip", None, 1))
    assert sum(one.count for one in facets.agents) == 1
    await library.catch_up()
    library.index.upkeep.refresh()
    assert await ids(library, tags=("vip",)) == [900103]
    index.set_tags({})
    assert (await index.facets(View())).tags == ()


async def test_recordings_are_grouped_by_agent_for_a_fair_sample(library: Library) -> None:
    groups = await library.index.by_agent(View())
    by_hand: dict[int, set[int]] = {}
    for each in samples():
        by_hand.setdefault(each["userId"], set()).add(each["recordId"])
    assert {agent: set(found) for agent, found in groups.items()} == by_hand
    assert await library.index.by_agent(View(text="nobody said this")) == {}


async def test_ids_that_nothing_can_have_are_not_found(library: Library) -> None:
    for strange in (0, -1, 2**63, 10**30):
        assert await library.index.recording(strange) is None
        assert await library.index.source(strange) is None
        assert (await library.index.neighbours(View(), strange)).position is None
