"""docs/FORMAT.md after a life of holds, removals and erasures."""

from pathlib import Path

import pytest

from tests.project.test_format_page import check, needs_jq
from tests.retention.acts import KEEP, erased, held, lifted, pruned, world_with_a_person
from tests.support.world import bench

pytestmark = pytest.mark.anyio


@pytest.mark.nightly
@needs_jq
async def test_the_commands_of_the_format_hold_for_what_is_left(tmp_path: Path) -> None:
    async with bench(tmp_path, world_with_a_person()) as night:
        await night.run()
        night.world.change_recording(21, summary="Later.").change_recording(61, summary="Later.")
        night.clock.advance(days=1)
        await night.run()
        await lifted(night, await held(night, leads=(789,)))
        hold = await held(night, leads=(7,))
        night.clock.advance(days=1)
        await erased(night, 3)
        assert check(night.archive.root) == ""
        night.world.call(8, at=night.clock.now).recording(81)
        night.clock.advance(days=20)
        await night.run()
        night.clock.advance(days=15)
        await pruned(night, 1, KEEP)
        assert set(night.archive.recordings()) == {71, 81}
        assert check(night.archive.root) == ""
        text = night.archive.root / f"_archive/holds/{hold}.json"
        text.chmod(0o644)
        text.write_text("{}")
        assert "FAILED" in check(night.archive.root)
