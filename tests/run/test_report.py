"""A report that is too long says so, and what it leaves out is what comes last."""

from pathlib import Path

import pytest

from archiver.archive.opening import watched_archive
from archiver.catalog.queries import open_problems
from archiver.catalog.work import Problem
from archiver.reasons import Reason
from archiver.run.report import MOST_PROBLEMS, RunReport
from archiver.sandbox.world import World
from tests.support.world import FIRST_NIGHT, bench


def problem(call_id: int) -> Problem:
    return Problem(call_id, None, "waiting", Reason.NONE_LISTED, 1, FIRST_NIGHT)


@pytest.mark.parametrize("more", [0, 1])
def test_a_report_names_a_thousand_problems_at_most_and_says_so(more: int) -> None:
    count = MOST_PROBLEMS + more
    problems = [problem(number) for number in range(count)]
    report = RunReport("run", None, FIRST_NIGHT, problems=problems, open_in_all=count)
    told = report.as_json()
    assert [one["callId"] for one in told["problems"]] == list(range(1000))
    assert told.get("problemsCut", False) is bool(more)


@pytest.mark.anyio
async def test_the_catalog_names_the_first_problems_and_counts_all(tmp_path: Path) -> None:
    world = World()
    for _ in range(5):
        world.call(has_records=True)
    async with bench(tmp_path, world) as night:
        assert len((await night.run()).as_json()["problems"]) == 5
        async with watched_archive(night.config(), state_folder=night.state) as archive:
            named, count = await archive.catalog.ask(lambda db: open_problems(db, 3))
        assert ([one.call_id for one in named], count) == ([1, 2, 3], 5)
