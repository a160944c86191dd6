"""The same input gives the same payload: in a zip or a folder, today or later, from disk or S3."""

from pathlib import Path

import pytest

from tests.export.packages import LEAD, Package, exported, one_lead
from tests.world import bench

pytestmark = pytest.mark.anyio


async def test_the_same_input_gives_the_same_manifest_zip_and_folder_alike(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        first = await exported(night, tmp_path / "one.zip", leads=(LEAD,))
        night.clock.advance(hours=5)
        second = await exported(night, tmp_path / "two", leads=(LEAD,))
        assert first.manifest_sha256 == second.manifest_sha256
        one = Package.unzipped(tmp_path / "one.zip", tmp_path / "other")
        two = Package(tmp_path / "two")
        assert one.files["manifest-sha256.txt"] == two.files["manifest-sha256.txt"]
        assert one.custody["exportedAt"] != two.custody["exportedAt"]
