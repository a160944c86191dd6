"""A lost archive comes back from its replica, its ledger goes on, and nothing is found wrong."""

import shutil
from pathlib import Path

import pytest

from archiver.errors import UsageError
from tests.replica.nights import (
    archive_findings,
    mirrored,
    objects,
    replica_findings,
    replicated,
    restored,
    same,
)
from tests.retention.acts import check_rebuilt, held
from tests.retention.test_s3 import FIRST_DAY

pytestmark = pytest.mark.anyio


async def test_a_lost_archive_comes_back_and_the_next_run_goes_on(tmp_path: Path) -> None:
    async with mirrored(tmp_path) as night:
        first = await night.run()
        await held(night, leads=(6,))
        await replicated(night)
        before = objects(tmp_path / "archive")
        shutil.rmtree(tmp_path / "archive")
        night.forget_catalog()
        done = await restored(night)
        assert done.head is not None
        assert done.set_aside is None
        assert before.items() <= objects(tmp_path / "archive").items()
        assert await archive_findings(night) == []
        night.world.call(9, lead=9).recording(91)
        night.clock.advance(days=1)
        report = await night.run(recheck=True, since=FIRST_DAY)
        assert (report.damaged, report.strays) == ([], [])
        assert report.tally.recordings["archived"] == 1
        assert report.exit_code == first.exit_code
        assert await archive_findings(night) == []
        await check_rebuilt(night)
        assert (await replicated(night)).is_whole
        assert same(night)
        assert await replica_findings(night) == []


async def test_what_the_replica_lacked_is_fetched_again_and_the_old_catalog_is_set_aside(
    tmp_path: Path,
) -> None:
    async with mirrored(tmp_path) as night:
        await night.run()
        await replicated(night)
        night.world.call(9, lead=9).recording(91)
        night.clock.advance(days=1)
        await night.run()
        shutil.rmtree(tmp_path / "archive")
        done = await restored(night)
        assert done.set_aside is not None
        assert done.set_aside.exists()
        report = await night.run()
        assert report.tally.recordings["archived"] == 1
        assert await archive_findings(night) == []


async def test_an_archive_that_is_not_lost_is_left_alone(tmp_path: Path) -> None:
    async with mirrored(tmp_path) as night:
        await night.run()
        await replicated(night)
        night.world.call(9, lead=9).recording(91)
        night.clock.advance(days=1)
        await night.run()
        before = objects(tmp_path / "archive")
        with pytest.raises(UsageError, match="contains a newer state"):
            await restored(night)
        assert objects(tmp_path / "archive") == before


async def test_a_restoration_that_was_cut_short_goes_on(tmp_path: Path) -> None:
    async with mirrored(tmp_path) as night:
        await night.run()
        await replicated(night)
        whole = objects(tmp_path / "archive")
        keep = {"_archive/format.json", "6/6/61.wav", "6/6/61.json"}
        for key in whole.keys() - keep:
            (tmp_path / "archive" / key).unlink()
        night.forget_catalog()
        assert (await restored(night)).head is not None
        assert whole.items() <= objects(tmp_path / "archive").items()
        assert await archive_findings(night) == []
