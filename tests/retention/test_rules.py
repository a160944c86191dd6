"""Retention by class: the first rule that a recording matches says how long it is kept."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from archiver.archive.opening import watched_archive
from archiver.clock import system_clock
from archiver.desk.file import desk_data, open_desk_file
from archiver.desk.review.tags import Tags
from archiver.errors import UsageError
from archiver.retention.locking import archive_to_remove_from
from archiver.retention.prune import PrunePlan, plan_prune, prune
from archiver.retention.rules import open_rulebook
from archiver.sandbox.world import World
from tests.desk.parts import RITA
from tests.retention.acts import check_rebuilt, held
from tests.retention.test_lock_all import asks_for, dates, locked, planned
from tests.retention.test_s3 import on_s3
from tests.storage.s3_servers import S3Server
from tests.support.world import Night, bench

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)


def calls() -> World:
    world = World().call(1, lead=5, order=1, status="answered").recording(11)
    world.call(2, lead=6, order=2, status="busy").recording(21)
    world.call(3, lead=7, order=2, status="answered").recording(31)
    return world.call(4, lead=8, order=1, status="busy").recording(41)


async def plan_of(night: Night, **retention: Any) -> PrunePlan:
    config = night.config(retention=retention)
    async with watched_archive(config, state_folder=night.state) as archive:
        rules = await open_rulebook(config, archive, night.state)
        return await plan_prune(archive, rules, clock=night.clock)


async def tagged(night: Night, record_id: int, tag: str) -> None:
    config = night.config()
    async with watched_archive(config, state_folder=night.state) as archive:
        path = desk_data(config, archive.archive_id, night.state)
        async with open_desk_file(path, archive.archive_id) as file:
            await Tags(file, system_clock).add(RITA, record_id, tag)


async def test_the_first_rule_that_matches_says_it_and_the_plan_names_it(tmp_path: Path) -> None:
    async with bench(tmp_path, calls()) as night:
        await night.run()
        night.clock.advance(days=40)
        rules = [{"orders": [2], "keep": "1y"}, {"orders": [1, 2], "leads": [5, 6], "keep": "20d"}]
        plan = await plan_of(night, keep="30d", rules=rules)
        assert plan.by_rule == {0: [41], 2: [11]}
        assert plan.kept_by_rule == {1: 2}
        assert (sorted(plan.record_ids), plan.younger) == ([11, 41], 2)
        plan = await plan_of(night, keep="30d", rules=rules[::-1])
        assert plan.by_rule == {0: [41], 1: [11, 21]}


async def test_without_a_default_only_what_a_rule_lets_go_goes(tmp_path: Path) -> None:
    async with bench(tmp_path, calls()) as night:
        await night.run()
        night.clock.advance(days=40)
        plan = await plan_of(night, rules=[{"leads": 6, "keep": "30d"}])
        assert plan.by_rule == {1: [21]}


@pytest.mark.parametrize("status", ["answered", "Answered"])
async def test_a_status_is_read_from_the_sidecar(tmp_path: Path, status: str) -> None:
    async with bench(tmp_path, calls()) as night:
        await night.run()
        night.clock.advance(days=40)
        rules = [{"statuses": [status], "keep": "1y"}]
        assert (await plan_of(night, keep="30d", rules=rules)).by_rule == {0: [21, 41]}


async def test_a_sidecar_that_cannot_be_read_lets_nothing_go(tmp_path: Path) -> None:
    async with bench(tmp_path, calls()) as night:
        await night.run()
        night.clock.advance(days=40)
        path = tmp_path / "archive/6/2/21.json"
        path.chmod(0o644)
        path.write_bytes(b"x" * path.stat().st_size)
        plan = await plan_of(night, keep="30d", rules=[{"statuses": ["answered"], "keep": "1y"}])
        assert (plan.by_rule, plan.damaged) == ({0: [41]}, ["6/2/21.wav"])


async def test_a_tag_of_the_desk_keeps_a_recording(tmp_path: Path) -> None:
    async with bench(tmp_path, calls()) as night:
        await night.run()
        await tagged(night, 31, "#Complaint")
        night.clock.advance(days=40)
        rules = [{"tags": ["complaint"], "keep": "10y"}]
        plan = await plan_of(night, keep="30d", rules=rules)
        assert plan.by_rule == {0: [11, 21, 41]}
        assert plan.kept_by_rule == {1: 1}


async def test_without_the_desk_a_rule_by_tag_is_refused(tmp_path: Path) -> None:
    async with bench(tmp_path, calls()) as night:
        await night.run()
        with pytest.raises(UsageError, match="no desk on this machine"):
            await plan_of(night, keep="30d", rules=[{"tags": ["complaint"], "keep": "10y"}])


async def test_the_ledger_tells_which_rule_let_each_go_and_a_hold_stands_above_all(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, calls()) as night:
        await night.run()
        await held(night, leads=(8,))
        night.clock.advance(days=40)
        config = night.config(
            retention={"keep": "30d", "rules": [{"leads": [5, 8], "keep": "10d"}]}
        )
        async with archive_to_remove_from(
            config, "prune", state_folder=night.state, clock=night.clock, pace=night.pace
        ) as archive:
            rules = await open_rulebook(config, archive, night.state)
            plan, removed = await prune(archive, rules, 3, clock=night.clock, act="test")
        assert (removed, plan.kept["held"]) == (3, 1)
        found = {
            one["rule"]: (one["recordIds"], one["keepSeconds"])
            for one in night.archive.events("removing")
        }
        assert found == {0: ([21, 31], 30 * 86400), 1: ([11], 10 * 86400)}
        await check_rebuilt(night)


@pytest.mark.usefixtures("aws_environment", "shared_clients")
async def test_a_rule_lengthens_locks_and_shortens_none(tmp_path: Path, seaweed: S3Server) -> None:
    async with on_s3(tmp_path, seaweed, calls(), lock="10d", mode="GOVERNANCE") as (night, bucket):
        await night.run()
        first = dates(bucket)
        night.settings["retention"] = {
            "rules": [{"orders": [2], "keep": "100d"}, {"orders": [1], "keep": "1d"}]
        }
        assert (await planned(night)).due.recordings == 4
        await locked(night)
        later = dates(bucket)
        for key, until in first.items():
            now = later[key]
            assert now is not None
            assert until is not None
            if key.startswith(("6/", "7/")):
                assert now - until > 80 * DAY
            else:
                assert now == until
        assert (await planned(night)).due.recordings == 0
        asks_for(night, "20d")
        plan = await planned(night)
        assert plan.due.recordings == 2
        night.settings["retention"] = {"rules": [{"statuses": ["busy"], "keep": "200d"}]}
        plan = await planned(night)
        assert (plan.due.recordings, plan.due.hanging) == (2, 4)
        await locked(night)
        last = dates(bucket)
        grown = {key for key, until in first.items() if last[key] != later[key] and until}
        assert {"6/2/21.wav", "8/4/41.wav", "5/1/11.wav"} <= grown
        assert last["7/3/31.wav"] == later["7/3/31.wav"]
