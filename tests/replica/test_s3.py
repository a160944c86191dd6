"""A replica in a bucket with locks of its own, and an archive that comes back into another one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from archiver.errors import StorageForbidden
from archiver.storage.s3.versions import VersionRequests
from tests.replica.nights import (
    archive_findings,
    replica_findings,
    replicated,
    restored,
)
from tests.retention.acts import erased, world_with_a_person
from tests.retention.test_s3 import FIRST_DAY, Bucket, on_s3
from tests.storage.s3_servers import S3Server
from tests.support.world import IN_TURN

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("aws_environment", "shared_clients")]


@pytest.fixture(params=["seaweed", pytest.param("moto", marks=pytest.mark.nightly)])
def server(request: pytest.FixtureRequest) -> S3Server:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, S3Server)
    return found


def second_place(server: S3Server, name: str, lock: dict[str, str] | None) -> tuple[Bucket, object]:
    bucket = Bucket(server, "second", name, ObjectLockEnabledForBucket=True)
    s3: dict[str, object] = {"endpoint_url": server.endpoint, "region": "us-east-1"}
    if lock is not None:
        s3["object_lock"] = lock
    return bucket, {"url": f"s3://{name}/second", "s3": s3}


async def test_a_locked_replica_is_written_locked_and_loses_what_was_erased_once_it_may(
    tmp_path: Path, server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"second-{tmp_path.name.replace('_', '-')[-30:]}".lower().strip("-")
    async with on_s3(tmp_path, server, world_with_a_person()) as (night, _):
        night.settings |= IN_TURN
        lock = {"mode": "GOVERNANCE", "retain": "1h"}
        bucket, place = second_place(server, name, lock)
        night.settings["replica"] = place
        await night.run()
        night.world.change_recording(61, summary="Later.")
        night.clock.advance(days=1)
        await replicated(night)
        await night.run(recheck=True, since=FIRST_DAY)
        assert (await replicated(night)).is_whole
        soon = datetime.now(UTC) + timedelta(minutes=30)
        for one in bucket.versions():
            if "/_archive/tmp/" not in one["Key"]:
                until = bucket.lock_of(one)
                assert until is not None
                assert until > soon
        assert await replica_findings(night) == []
        night.clock.advance(seconds=1)
        assert not (await erased(night, 3)).is_refused

        def refused(requests: VersionRequests, key: str, version: str | None) -> None:
            raise StorageForbidden(f"{key}: S3 returned AccessDenied (status 403)", key=key)

        with monkeypatch.context() as patch:
            patch.setattr(VersionRequests, "delete", refused)
            done = await replicated(night)
        assert (done.behind, done.is_whole) == (0, False)
        assert {"789/1/11.wav", "789/2/21.wav", "789/2/31.wav"} <= done.waiting.keys()
        kept = {key for key in bucket.contents() if key.startswith("789/")}
        assert len(kept) >= 6
        assert {one.key for one in await replica_findings(night)} >= kept
        real = VersionRequests.delete

        def once_unlocked(requests: VersionRequests, key: str, version: str | None) -> None:
            requests.client.delete_object(
                Bucket=bucket.name,
                Key=f"{bucket.prefix}/{key}",
                **({"VersionId": version} if version else {}),  # type: ignore[arg-type]
                BypassGovernanceRetention=True,
            )

        monkeypatch.setattr(VersionRequests, "delete", once_unlocked)
        done = await replicated(night)
        monkeypatch.setattr(VersionRequests, "delete", real)
        assert done.is_whole
        assert not any(key.startswith("789/") for key in bucket.contents())
        assert await replica_findings(night) == []


async def test_an_archive_comes_back_into_another_bucket_and_no_version_is_found_wrong(
    tmp_path: Path, seaweed: S3Server
) -> None:
    async with on_s3(tmp_path, seaweed, world_with_a_person(), lock="1h", mode="GOVERNANCE") as (
        night,
        _,
    ):
        _, place = second_place(seaweed, "second-of-lost", None)
        night.settings["replica"] = place
        await night.run()
        await replicated(night)
        new, moved = second_place(seaweed, "third-of-lost", {"mode": "GOVERNANCE", "retain": "1h"})
        night.settings["storage"] = moved
        assert (await restored(night)).head is not None
        assert await archive_findings(night) == []
        night.world.change_recording(61, summary="Later.")
        night.clock.advance(days=1)
        report = await night.run(recheck=True, since=FIRST_DAY)
        assert report.damaged == []
        assert await archive_findings(night) == []
        assert all(
            bucket_lock
            for one in new.versions()
            if "/tmp/" not in one["Key"]
            for bucket_lock in [new.lock_of(one)]
        )
        assert (await replicated(night)).is_whole
