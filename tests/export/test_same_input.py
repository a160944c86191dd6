"""The same input gives the same payload: zip or folder, today or later, here or there."""

from pathlib import Path

import pytest

from tests.export.packages import LEAD, Package, exported, on_s3, one_lead
from tests.storage.s3_servers import RawBucket, S3Server
from tests.support.world import bench

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("aws_environment", "shared_clients")]


async def test_a_zip_and_a_folder_have_the_same_manifest(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        first = await exported(night, tmp_path / "one.zip", leads=(LEAD,))
        second = await exported(night, tmp_path / "two", leads=(LEAD,))
        assert first.custody.manifest_sha256 == second.custody.manifest_sha256
        one = Package.unzipped(tmp_path / "one.zip", tmp_path / "other")
        two = Package(tmp_path / "two")
        assert one.files["manifest-sha256.txt"] == two.files["manifest-sha256.txt"]


async def test_another_day_person_and_machine_give_the_same_manifest(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        await exported(night, tmp_path / "one", leads=(LEAD,), by="Anna Price")
        night.clock.advance(days=400)
        elsewhere = tmp_path / "state" / "elsewhere"
        await exported(night, tmp_path / "two", leads=(LEAD,), by="Tom Baker", state=elsewhere)
        one, two = Package(tmp_path / "one"), Package(tmp_path / "two")
        assert one.files["manifest-sha256.txt"] == two.files["manifest-sha256.txt"]
        assert one.custody["exportedAt"] != two.custody["exportedAt"]
        assert one.custody["exportedBy"]["name"] != two.custody["exportedBy"]["name"]


async def test_an_archive_that_moved_to_s3_gives_the_same_manifest(
    tmp_path: Path, moto: S3Server
) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        await night.run()
        bucket = RawBucket(moto, "moved")
        for path in night.archive.root.rglob("*"):
            if path.is_file():
                bucket.write(path.relative_to(night.archive.root).as_posix(), path.read_bytes())
        disk = await exported(night, tmp_path / "disk", leads=(LEAD,), offline=True)
        moved = await exported(
            night,
            tmp_path / "s3.zip",
            leads=(LEAD,),
            offline=True,
            settings=on_s3(moto, "moved"),
            state=tmp_path / "state" / "elsewhere",
        )
        assert moved.custody.manifest_sha256 == disk.custody.manifest_sha256
