"""Review queues: given out one by one, never to two at a time, and blocked by nobody."""

from pathlib import Path

import anyio
import pytest

from archiver.desk.accounts.person import Person, Role, Way
from archiver.desk.file import DeskFile
from archiver.desk.review.card_file import parse_scorecard
from archiver.desk.review.places import Place, PlaceState
from archiver.desk.review.queue import LEASE, Queue, Queues
from archiver.desk.review.verdicts import Verdicts
from archiver.errors import NoSuchThing, NotAllowed, WrongInput
from tests.desk.parts import ADA, LENA, RITA, ROSS, desk_file
from tests.support.world import ManualClock

pytestmark = pytest.mark.anyio

CARD = parse_scorecard("questions: [{id: hello, text: Hello, kind: yes_no}]", "card.yaml")


async def made(queues: Queues, records: int = 3) -> Queue:
    return await queues.make(ADA, "Week 45", {101: range(1, records + 1)}, share=1, seed="seed")


async def submitted(file: DeskFile, clock: ManualClock, by: Person, record_id: int) -> None:
    await Verdicts(file, clock).save(by, record_id, CARD, {"hello": True}, submit=True)


async def order(queues: Queues, queue_id: int) -> list[int]:
    return [place.record_id for place in await queues.places(ADA, queue_id)]


async def claims(queues: Queues, queue_id: int) -> dict[int, str]:
    """Who has which recording, of those that wait."""
    places = await queues.places(ADA, queue_id)
    return {place.record_id: place.claimed_by for place in places if place.claimed_by is not None}


def record(place: Place | None) -> int | None:
    return None if place is None else place.record_id


async def test_a_queue_remembers_how_its_sample_was_drawn(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        queues = Queues(file, ManualClock())
        by_agent = {101: range(1, 101), 102: range(101, 111), 0: [500]}
        one = await queues.make(ADA, " Week  45 ", by_agent)
        again = await queues.make(ADA, "Week 45", by_agent, seed=one.seed)
        assert (one.title, one.share, one.least, one.made_by) == ("Week 45", 0.05, 1, "ada")
        assert (one.total, one.waiting, one.done, one.skipped) == (7, 7, 0, 0)
        assert await order(queues, one.queue_id) == await order(queues, again.queue_id)
        other = await queues.make(ADA, "Week 45", by_agent)
        assert other.seed != one.seed
        assert [queue.queue_id for queue in await queues.all()] == [3, 2, 1]


async def test_two_reviewers_never_get_the_same(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        queues = Queues(file, ManualClock())
        queue = await made(queues, 20)
        people = [Person(f"reviewer{n}", Role.REVIEWER, Way.PASSWORD) for n in range(10)]
        taken: list[int | None] = []

        async def take(person: Person) -> None:
            taken.append(record(await queues.next(person, queue.queue_id)))

        async with anyio.create_task_group() as tasks:
            for person in people:
                tasks.start_soon(take, person)
        assert len(set(taken)) == 10
        assert None not in taken


async def test_a_claim_comes_again_until_its_recording_is_judged(tmp_path: Path) -> None:
    clock = ManualClock()
    async with desk_file(tmp_path) as file:
        queues = Queues(file, clock)
        queue = await made(queues)
        first = await queues.next(RITA)
        assert first is not None
        clock.advance(minutes=50)
        assert record(await queues.next(RITA)) == first.record_id
        assert await claims(queues, queue.queue_id) == {first.record_id: "rita"}
        await submitted(file, clock, RITA, first.record_id)
        assert await claims(queues, queue.queue_id) == {}
        second = await queues.next(RITA)
        assert second is not None
        assert [first.position, second.position] == [1, 2]
        state = await queues.find(queue.queue_id)
        assert state is not None
        assert (state.total, state.waiting, state.done) == (3, 2, 1)
        done = (await queues.places(ADA, queue.queue_id))[0]
        assert (done.state, done.ended_by) == (PlaceState.DONE, "rita")


async def test_a_claim_that_has_run_out_goes_to_the_next_one(tmp_path: Path) -> None:
    clock = ManualClock()
    async with desk_file(tmp_path) as file:
        queues = Queues(file, clock)
        queue = await made(queues, 1)
        place = await queues.next(RITA)
        assert place is not None
        clock.advance(seconds=LEASE.total_seconds() - 1)
        assert await queues.next(ROSS) is None
        await queues.keep(RITA, place.record_id)
        clock.advance(seconds=LEASE.total_seconds() - 1)
        assert await queues.next(ROSS) is None
        clock.advance(seconds=1)
        assert record(await queues.next(ROSS)) == place.record_id
        await queues.keep(RITA, place.record_id)
        assert await claims(queues, queue.queue_id) == {place.record_id: "ross"}


async def test_what_is_released_is_for_others_first(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        queues = Queues(file, ManualClock())
        queue = await made(queues, 2)
        first, second = await order(queues, queue.queue_id)
        assert record(await queues.next(RITA)) == first
        await queues.release(ROSS, queue.queue_id, first)
        assert await claims(queues, queue.queue_id) == {first: "rita"}
        await queues.release(RITA, queue.queue_id, first)
        assert record(await queues.next(RITA)) == second
        assert record(await queues.next(ROSS)) == first


async def test_a_skip_says_why_and_takes_the_recording_out(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        queues = Queues(file, ManualClock())
        queue = await made(queues, 2)
        first, second = await order(queues, queue.queue_id)
        await queues.next(RITA)
        with pytest.raises(WrongInput):
            await queues.skip(RITA, queue.queue_id, first, "  ")
        with pytest.raises(NoSuchThing):
            await queues.skip(ROSS, queue.queue_id, first, "not mine")
        skipped = await queues.skip(RITA, queue.queue_id, first, "only music")
        assert (skipped.state, skipped.ended_by, skipped.reason) == (
            PlaceState.SKIPPED,
            "rita",
            "only music",
        )
        assert record(await queues.next(RITA)) == second
        with pytest.raises(NoSuchThing):
            await queues.skip(RITA, queue.queue_id, first, "again")
        with pytest.raises(NoSuchThing):
            await queues.skip(RITA, queue.queue_id, 999, "never there")


async def test_nobody_is_given_what_he_has_judged_already(tmp_path: Path) -> None:
    clock = ManualClock()
    async with desk_file(tmp_path) as file:
        queues = Queues(file, clock)
        await submitted(file, clock, RITA, 1)
        await made(queues, 1)
        assert await queues.next(RITA) is None
        assert record(await queues.next(ROSS)) == 1


async def test_a_verdict_from_anywhere_ends_the_place_in_every_queue(tmp_path: Path) -> None:
    clock = ManualClock()
    async with desk_file(tmp_path) as file:
        queues = Queues(file, clock)
        await made(queues, 1)
        await made(queues, 1)
        await submitted(file, clock, ROSS, 1)
        assert [queue.done for queue in await queues.all()] == [1, 1]
        assert await queues.next(RITA) is None


async def test_queues_come_in_the_order_of_their_making_unless_one_is_asked_for(
    tmp_path: Path,
) -> None:
    async with desk_file(tmp_path) as file:
        queues = Queues(file, ManualClock())
        one = await queues.make(ADA, "One", {1: [1]}, share=1)
        two = await queues.make(ADA, "Two", {1: [2]}, share=1)
        assert record(await queues.next(ROSS)) == 1
        assert record(await queues.next(RITA, two.queue_id)) == 2
        assert await queues.next(RITA, one.queue_id) is None


async def test_a_closed_queue_gives_out_nothing(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        queues = Queues(file, ManualClock())
        queue = await made(queues)
        await queues.next(RITA)
        await queues.close(ADA, queue.queue_id)
        assert await queues.next(RITA) is None
        assert (await queues.all())[0].closed_at is not None


async def test_who_may_not_is_refused(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        queues = Queues(file, ManualClock())
        queue = await made(queues)
        for act in (
            queues.make(RITA, "Mine", {1: [1]}),
            queues.close(RITA, queue.queue_id),
            queues.next(LENA),
            queues.skip(LENA, queue.queue_id, 1, "x"),
            queues.release(LENA, queue.queue_id, 1),
        ):
            with pytest.raises(NotAllowed):
                await act
        with pytest.raises(NotAllowed):
            await queues.places(RITA, queue.queue_id)


@pytest.mark.parametrize(
    ("title", "by_agent", "share", "field"),
    [
        ("", {1: [1]}, 0.05, "title"),
        ("x", {}, 0.05, "view"),
        ("x", {1: []}, 0.05, "view"),
        ("x", {1: [1]}, 0, "share"),
        ("x", {1: [1]}, 1.1, "share"),
        ("x", {1: [1]}, float("nan"), "share"),
        ("x", {1: range(1, 20_002)}, 1, "share"),
    ],
)
async def test_what_is_no_queue_is_refused_by_its_field(
    tmp_path: Path, title: str, by_agent: dict[int, list[int]], share: float, field: str
) -> None:
    async with desk_file(tmp_path) as file:
        queues = Queues(file, ManualClock())
        with pytest.raises(WrongInput) as caught:
            await queues.make(ADA, title, by_agent, share=share)
        assert caught.value.field == field
        assert await queues.all() == []
