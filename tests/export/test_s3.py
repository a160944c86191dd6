"""An export from S3 is the export from a disk."""

from pathlib import Path

import pytest

from archiver.errors import ArchiveDamaged
from tests.export.packages import LEAD, Package, exported, on_s3, one_lead
from tests.storage.s3_servers import RawBucket, S3Server
from tests.support.world import audio_of, bench

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("aws_environment", "shared_clients")]


async def test_a_lead_is_fetched_to_s3_and_packed_from_there(
    tmp_path: Path, moto: S3Server
) -> None:
    RawBucket(moto, "export")
    async with bench(tmp_path, one_lead(), settings=on_s3(moto, "export")) as night:
        night.clock.advance(days=2)
        first = await exported(night, tmp_path / "lead.zip", leads=(LEAD,))
        package = Package.unzipped(tmp_path / "lead.zip", tmp_path / "other")
        package.validate()
        package.check()
        assert package.audio() == audio_of(night.world)
        again = await exported(night, tmp_path / "lead", leads=(LEAD,), offline=True)
        assert (again.exit_code, again.contents.recordings) == (
            0,
            first.contents.recordings,
        )


async def test_damage_on_s3_is_named_and_nothing_is_exported(
    tmp_path: Path, moto: S3Server
) -> None:
    bucket = RawBucket(moto, "damaged")
    async with bench(tmp_path, one_lead(), settings=on_s3(moto, "damaged")) as night:
        night.clock.advance(days=2)
        await night.run()
        bucket.write(f"{LEAD}/126/900106.mp3", b"something else")
        with pytest.raises(ArchiveDamaged, match=r"126/900106\.mp3"):
            await exported(night, tmp_path / "lead.zip", leads=(LEAD,), offline=True)
        assert not (tmp_path / "lead.zip").exists()


@pytest.mark.nightly
async def test_a_real_s3_server_serves_an_export(tmp_path: Path, seaweed: S3Server) -> None:
    RawBucket(seaweed, "export")
    async with bench(tmp_path, one_lead(), settings=on_s3(seaweed, "export")) as night:
        night.clock.advance(days=2)
        await exported(night, tmp_path / "lead", leads=(LEAD,))
        Package(tmp_path / "lead").validate()
        assert Package(tmp_path / "lead").audio() == audio_of(night.world)
