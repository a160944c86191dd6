"""Plans draw each week once, in proportion, for those it is assigned to; an empty week is said."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.desk.file import DeskFile
from archiver.desk.review.plans import Plan, PlannedWeek, Plans, Stratum, in_sight
from archiver.desk.review.queue import Queues
from archiver.desk.review.sampling import Drawn, stratified
from archiver.errors import NoSuchThing, NotAllowed, WrongInput
from tests.desk.parts import ADA, RITA, ROSS, desk_file
from tests.support.world import FIRST_NIGHT, ManualClock

pytestmark = pytest.mark.anyio

MONDAY = date(2026, 10, 26)
TODAY = date(2026, 11, 11)
DRAWN = [Drawn(record_id, 101) for record_id in (1, 2, 3, 4)]


async def planned(file: DeskFile, clock: ManualClock) -> tuple[Plans, Plan]:
    plans = Plans(file, clock)
    for _ in range(3):
        await plans.make(
            ADA, "Two a week", "?order=7", per_agent=2, strata=[Stratum.LENGTH],
            people=["rita", "ross"], due_days=7, first_week=MONDAY, token="once",
        )  # fmt: skip
    (plan,) = await plans.all()
    return plans, plan


async def test_each_week_that_is_over_is_drawn_once_by_whoever_comes_first(tmp_path: Path) -> None:
    clock = ManualClock()
    async with desk_file(tmp_path) as file:
        plans, plan = await planned(file, clock)
        due = await plans.due(TODAY)
        assert [week for _, week in due] == [MONDAY, MONDAY + timedelta(days=7)]
        queue_id = await plans.keep(plan, MONDAY, DRAWN, "seed")
        assert queue_id is not None
        assert await Plans(file, clock).keep(plan, MONDAY, DRAWN, "other") is None
        assert [week for _, week in await plans.due(TODAY)] == [MONDAY + timedelta(days=7)]
        queue = await Queues(file, clock).find(queue_id)
        assert queue is not None
        assert (queue.title, queue.total) == ("Two a week, 2026-10-26", 4)


async def test_what_is_assigned_goes_to_its_person_and_is_overdue_after_its_day(
    tmp_path: Path,
) -> None:
    clock = ManualClock()
    async with desk_file(tmp_path) as file:
        plans, plan = await planned(file, clock)
        queues = Queues(file, clock)
        await plans.keep(plan, MONDAY, DRAWN, "seed")
        ritas = await queues.next(RITA)
        assert ritas is not None
        assert ritas.assigned_to == "rita"
        await queues.skip(RITA, ritas.queue_id, ritas.record_id, "music")
        second = await queues.next(RITA)
        assert second is not None
        assert second.assigned_to == "rita"
        loads = {one.name: one for one in await plans.loads(ADA)}
        assert (loads["rita"].waiting, loads["ross"].waiting) == (1, 2)
        assert [record_id for record_id, _ in loads["rita"].holds] == [second.record_id]
        assert await queues.next(ADA) is None
        (week,) = (await plans.weeks())[plan.plan_id]
        assert (week.waiting, week.is_overdue(clock())) == (3, False)
        clock.advance(days=8)
        assert week.is_overdue(clock())
        assert [one.overdue for one in await plans.loads(ADA)] == [1, 2]
        with pytest.raises(NotAllowed):
            await plans.loads(ROSS)


async def test_a_week_without_calls_is_kept_as_such(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        plans, plan = await planned(file, ManualClock())
        assert await plans.keep(plan, MONDAY, [], "seed") is None
        (week,) = (await plans.weeks())[plan.plan_id]
        assert (week.queue_id, week.total, week.is_overdue(FIRST_NIGHT)) == (None, 0, False)
        assert len(await plans.due(TODAY)) == 1


async def test_a_plan_that_ended_draws_nothing(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        plans, plan = await planned(file, ManualClock())
        await plans.end(ADA, plan.plan_id)
        assert await plans.due(TODAY) == []
        with pytest.raises(NoSuchThing):
            await plans.end(ADA, plan.plan_id)


@pytest.mark.parametrize(("per_agent", "due_days"), [(0, 7), (101, 7), (2, 0), (2, 61)])
async def test_a_plan_of_nothing_or_too_much_is_refused(
    tmp_path: Path, per_agent: int, due_days: int
) -> None:
    async with desk_file(tmp_path) as file:
        with pytest.raises(WrongInput):
            await Plans(file, ManualClock()).make(
                ADA, "x", "", per_agent=per_agent, strata=[], people=[], due_days=due_days,
                first_week=MONDAY,
            )  # fmt: skip


STRATA = st.dictionaries(
    st.tuples(st.integers(0, 3)), st.lists(st.integers(1, 10**6), min_size=1, unique=True),
    min_size=1, max_size=4,
)  # fmt: skip


@given(STRATA, st.integers(1, 30), st.text(max_size=5))
def test_a_stratified_sample_is_in_proportion_and_can_be_drawn_again(
    strata: dict[tuple[int, ...], list[int]], number: int, seed: str
) -> None:
    # An id stands in one stratum only.
    strata = {key: [one * 10 + key[0] for one in ids] for key, ids in strata.items()}
    drawn = stratified({101: strata}, number=number, seed=seed)
    total = sum(map(len, strata.values()))
    assert len({one.record_id for one in drawn}) == len(drawn) == min(number, total)
    assert drawn == stratified({101: strata}, number=number, seed=seed)
    for ids in strata.values():
        share = len(ids) * min(number, total) / total
        assert abs(sum(one.record_id in ids for one in drawn) - share) < 1


def test_an_old_week_is_folded_away_unless_something_in_it_is_overdue() -> None:
    now = datetime(2026, 11, 30, tzinfo=UTC)
    weeks = [
        PlannedWeek(1, MONDAY - timedelta(weeks=age), age, now - timedelta(weeks=age), 4, waiting)
        for age, waiting in enumerate([0] * 9 + [3, 0])
    ]
    shown, folded = in_sight(weeks, now)
    assert [one.queue_id for one in shown] == [0, 1, 2, 3, 4, 5, 6, 7, 9]
    assert [one.queue_id for one in folded] == [8, 10]
    assert in_sight(weeks[:3], now) == (weeks[:3], [])
