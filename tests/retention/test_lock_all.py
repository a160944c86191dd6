"""`archiver lock`: what lies unlocked is locked, on servers that enforce it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from archiver.archive.opening import existing_archive, watched_archive
from archiver.catalog.acts import known_acts
from archiver.errors import UsageError
from archiver.retention.acts import Deed, Did, Why, name_of_act
from archiver.retention.lock_all import Ended, Locking, lock_all, plan_lock, require_locks
from archiver.retention.locking import archive_to_remove_from
from archiver.retention.rules import open_rulebook
from archiver.storage.keys import REVISIONS_PREFIX
from archiver.storage.s3.versions import VersionRequests
from archiver.verify.findings import NotLocked
from archiver.verify.verify import Wanted, verify
from tests.retention.acts import check_rebuilt, world_with_a_person
from tests.retention.crash_child import old_world
from tests.retention.test_s3 import Bucket, locks_found, on_s3
from tests.storage.s3_servers import S3Server
from tests.support.world import Night

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("aws_environment", "shared_clients")]

HOUR = timedelta(hours=1)


@pytest.fixture(params=["seaweed", pytest.param("moto", marks=pytest.mark.nightly)])
def server(request: pytest.FixtureRequest) -> S3Server:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, S3Server)
    return found


def asks_for(night: Night, retain: str, mode: str = "GOVERNANCE") -> None:
    night.settings["storage"]["s3"]["object_lock"] = {"mode": mode, "retain": retain}


async def locked(
    night: Night, *, again: bool = False, a_page: int = 500, most: int | None = None
) -> Locking:
    """Lock everything, or end after so many objects."""
    count = 0

    def counted(done: int) -> None:
        nonlocal count
        count += done

    config = night.config()
    wanted = config.storage.s3.object_lock
    assert wanted is not None
    async with archive_to_remove_from(
        config, "lock", state_folder=night.state, clock=night.clock
    ) as archive:
        return await lock_all(
            archive,
            wanted,
            clock=night.clock,
            rulebook=await open_rulebook(config, archive, night.state),
            deed=Deed(name_of_act(night.clock()), Did.LOCK, Why(reason="policy")),
            again=again,
            a_page=a_page,
            is_over=lambda: most is not None and count >= most,
            on_done=counted,
        )


async def planned(night: Night, *, again: bool = False) -> Locking:
    config = night.config()
    wanted = config.storage.s3.object_lock
    assert wanted is not None
    async with watched_archive(config, state_folder=night.state) as archive:
        rules = await open_rulebook(config, archive, night.state)
        return await plan_lock(archive, wanted, rules, again=again)


def dates(bucket: Bucket) -> dict[str, datetime | None]:
    """Until when each object is locked, in its newest version."""
    return {
        one["Key"].removeprefix(f"{bucket.prefix}/"): bucket.lock_of(one)
        for one in bucket.versions()
        if one["IsLatest"] and "/_archive/tmp/" not in one["Key"]
    }


async def test_what_lies_unlocked_is_locked_and_then_verify_finds_nothing(
    tmp_path: Path, server: S3Server
) -> None:
    async with on_s3(tmp_path, server, world_with_a_person()) as (night, bucket):
        await night.run()
        night.world.change_recording(21, summary="Later.")
        night.clock.advance(seconds=2)
        await night.run(recheck=True, since=datetime(2026, 11, 1, tzinfo=UTC))
        asks_for(night, "1h")
        assert {kind for kind, _ in await locks_found(night)} == {"not-locked"}
        plan = await planned(night)
        keys = dates(bucket).keys()
        of_recordings = [one for one in keys if one[0] != "_" or one.startswith(REVISIONS_PREFIX)]
        assert len(of_recordings) > 10
        assert (plan.due.recordings, plan.due.objects) == (5, len(of_recordings))
        assert set(dates(bucket).values()) == {None}
        done = await locked(night)
        assert (done.is_whole, done.recordings, done.missing) == (True, 5, [])
        assert done.objects[Ended.LOCKED] == len(keys)
        assert await locks_found(night) == set()
        assert all(dates(bucket).values())
        assert (await planned(night)).due.recordings == 0
        await check_rebuilt(night)
        async with watched_archive(night.config(), state_folder=night.state) as archive:
            assert [one.did for one in await archive.catalog.ask(known_acts)] == ["lock"]


@pytest.mark.nightly
async def test_a_second_time_looks_at_no_recording_again_unless_it_is_asked_to(
    tmp_path: Path, seaweed: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_s3(tmp_path, seaweed, old_world(), lock="1h", mode="GOVERNANCE") as (night, _):
        await night.run()
        done = await locked(night)
        assert set(done.objects) == {Ended.ALREADY}
        asked: list[str] = []
        lock = VersionRequests.lock

        def noted(requests: VersionRequests, key: str, version: str | None) -> Any:
            asked.append(key)
            return lock(requests, key, version)

        monkeypatch.setattr(VersionRequests, "lock", noted)
        await locked(night)
        assert asked
        assert all(key.startswith("_archive/") for key in asked)
        done = await locked(night, again=True)
        assert done.recordings == 4
        async with watched_archive(night.config(), state_folder=night.state) as archive:
            assert await archive.catalog.ask(known_acts) == []


async def test_a_longer_retention_extends_locks_and_a_shorter_one_changes_none(
    tmp_path: Path, server: S3Server
) -> None:
    async with on_s3(tmp_path, server, old_world(), lock="1h", mode="GOVERNANCE") as (
        night,
        bucket,
    ):
        await night.run()
        first = dates(bucket)
        asks_for(night, "10m")
        await locked(night)
        assert {key: dates(bucket)[key] for key in first} == first
        asks_for(night, "5h", "COMPLIANCE")
        done = await locked(night)
        assert done.objects[Ended.EXTENDED] >= len(first)
        later = dates(bucket)
        for key, until in first.items():
            found = later[key]
            assert until is not None
            assert found is not None
            assert found > until + 3 * HOUR
        (audio,) = bucket.versions("5/1/11.wav")
        head = bucket.client.head_object(
            Bucket=bucket.name, Key=audio["Key"], VersionId=audio["VersionId"]
        )
        assert head["ObjectLockMode"] == "GOVERNANCE"
        asks_for(night, "1h")
        await locked(night, again=True)
        assert {key: dates(bucket)[key] for key in first} == {key: later[key] for key in first}


@pytest.mark.nightly
async def test_what_was_written_longer_ago_than_the_retention_stays_free_and_is_no_finding(
    tmp_path: Path, seaweed: S3Server
) -> None:
    async with on_s3(tmp_path, seaweed, old_world()) as (night, bucket):
        await night.run()
        before = dates(bucket)
        asks_for(night, "1s")
        done = await locked(night)
        assert set(done.objects) == {Ended.PAST}
        assert {until for key, until in dates(bucket).items() if key in before} == {None}
        night.clock.advance(hours=1)
        assert await locks_found(night) == set()


async def test_an_interruption_costs_no_more_than_a_page_and_the_next_goes_on(
    tmp_path: Path, seaweed: S3Server
) -> None:
    async with on_s3(tmp_path, seaweed, old_world()) as (night, _):
        await night.run()
        asks_for(night, "1h")
        others = (await planned(night)).others
        done = await locked(night, a_page=2, most=others + 1)
        assert (done.is_whole, done.recordings) == (False, 2)
        assert (await planned(night)).due.recordings == 2
        done = await locked(night)
        assert (done.is_whole, done.recordings) == (True, 2)
        assert await locks_found(night) == set()


async def test_what_is_missing_is_named_and_stays_due(tmp_path: Path, seaweed: S3Server) -> None:
    async with on_s3(tmp_path, seaweed, old_world()) as (night, bucket):
        await night.run()
        (audio,) = bucket.versions("5/1/11.wav")
        bucket.client.delete_object(
            Bucket=bucket.name, Key=audio["Key"], VersionId=audio["VersionId"]
        )
        asks_for(night, "1h")
        done = await locked(night)
        assert done.missing == ["5/1/11.wav"]
        assert (await planned(night)).due.recordings == 1


@pytest.mark.nightly
async def test_an_object_that_the_archive_does_not_know_is_not_locked(
    tmp_path: Path, seaweed: S3Server
) -> None:
    async with on_s3(tmp_path, seaweed, old_world()) as (night, bucket):
        await night.run()
        for key in ("_archive/ledger/notes.txt", "_archive/runs/foreign.json", "9/9/9.mp3"):
            bucket.write(key, b"foreign")
        asks_for(night, "1h")
        await locked(night)
        found = {key for key, until in dates(bucket).items() if until is None}
        assert found == {"_archive/ledger/notes.txt", "_archive/runs/foreign.json", "9/9/9.mp3"}


async def test_a_bucket_without_object_lock_is_refused(tmp_path: Path, seaweed: S3Server) -> None:
    async with on_s3(tmp_path, seaweed, old_world(), plain=True) as (night, _):
        await night.run()
        asks_for(night, "1h")
        config = night.config()
        async with existing_archive(config) as (storage, _):
            with pytest.raises(UsageError, match="no Object Lock"):
                await require_locks(storage, config.storage.s3.object_lock)


@pytest.mark.nightly
async def test_verify_says_how_to_lock_what_is_not_locked(
    tmp_path: Path, seaweed: S3Server
) -> None:
    async with on_s3(tmp_path, seaweed, old_world()) as (night, _):
        await night.run()
        asks_for(night, "1h")
        verified = await verify(
            night.config(), Wanted(), state_folder=night.state, clock=night.clock
        )
        found = [one for one in verified.found.findings if isinstance(one, NotLocked)]
        assert {one.next for one in found} == {"run `archiver lock --again` to lock it"}
