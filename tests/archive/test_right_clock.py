"""Nothing is written or removed while the clock of the machine cannot be believed."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from archiver.archive.opening import announcing_archive
from archiver.archive.right_clock import NO_OTHER, require_right_clock
from archiver.errors import UsageError
from archiver.retention.locking import archive_to_remove_from
from archiver.sandbox.answer_faults import Headers
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Fault
from archiver.sandbox.world import World
from archiver.storage.base import Storage
from archiver.storage.local.folder import LocalStorage
from archiver.storage.s3.bucket import S3Storage
from tests.storage.s3_servers import RawBucket, S3Server
from tests.support.world import QUICK, ManualClock, Night, bench, tree

pytestmark = pytest.mark.anyio

STRICT = replace(QUICK, clocks_apart=timedelta(days=1))


async def checked(night: Night, **moved: float) -> None:
    """Ask whether something may be removed, with a clock that is so far off."""
    now = night.clock() + timedelta(**moved)
    async with archive_to_remove_from(
        night.config(), "test", state_folder=night.state, clock=night.clock
    ) as archive:
        await require_right_clock(archive, lambda: now)


async def test_a_clock_that_agrees_with_the_ledger_is_believed(tmp_path: Path) -> None:
    async with bench(tmp_path, World().call(1).recording(11)) as night:
        await night.run()
        await checked(night)
        await checked(night, days=29)
        await checked(night, minutes=-14)


@pytest.mark.parametrize("days", [31, 73 * 365])
async def test_a_clock_far_ahead_of_the_ledger_is_not(tmp_path: Path, days: int) -> None:
    async with bench(tmp_path, World().call(1).recording(11)) as night:
        await night.run()
        with pytest.raises(UsageError, match=f"{days:,} days old") as caught:
            await checked(night, days=days)
        assert "--today" in caught.value.hint
        assert "archiver run" not in caught.value.hint, "it would only make the ledger agree"


async def test_a_clock_behind_the_ledger_is_not(tmp_path: Path) -> None:
    async with bench(tmp_path, World().call(1).recording(11)) as night:
        await night.run()
        with pytest.raises(UsageError, match="is later"):
            await checked(night, days=-1)


async def test_a_person_may_vouch_for_the_day_and_only_for_the_right_one(tmp_path: Path) -> None:
    async with bench(tmp_path, World().call(1).recording(11)) as night:
        await night.run()
        later = night.clock() + timedelta(days=400)
        async with archive_to_remove_from(
            night.config(), "test", state_folder=night.state, clock=night.clock
        ) as archive:
            await require_right_clock(archive, lambda: later, today=later.date())
            with pytest.raises(UsageError, match="--today says"):
                await require_right_clock(archive, lambda: later, today=date(2026, 11, 3))


async def test_a_clock_that_disagrees_with_the_storage_is_not_whoever_vouches_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(tmp_path, World().call(1).recording(11)) as night:
        await night.run()
        theirs = night.clock() - timedelta(minutes=16)

        async def now(_: Storage) -> datetime:
            return theirs

        monkeypatch.setattr(LocalStorage, "now", now)
        with pytest.raises(UsageError, match="the clock of the storage says"):
            await checked(night)


def told_by_the_api(date: str) -> list[Fault]:
    """Every answer of the API has this date."""
    return [Fault(route, Headers({"Date": date})) for route in Route]


async def refused(night: Night) -> UsageError:
    """Why a run is refused; it has written nothing."""
    before = tree(night.folder)
    with pytest.raises(UsageError, match="nothing was written: the clock of this machine") as found:
        await night.run()
    assert tree(night.folder) == before
    return found.value


@pytest.mark.parametrize("days", [73 * 365, 2, -2, -4 * 365])
async def test_no_run_begins_or_goes_on_under_a_clock_that_the_api_contradicts(
    tmp_path: Path, days: int
) -> None:
    now = datetime.now(UTC)
    clock = ManualClock(now + timedelta(days=days))
    async with bench(
        tmp_path / "a", World().call(1).recording(11), clock=clock, pace=STRICT
    ) as night:
        error = await refused(night)
        assert "the API's says" in str(error)
        assert str(error).endswith("ahead" if days < 0 else "behind")
        assert "--today" in error.hint
        assert not (night.folder / "archive").exists()
        clock.now = now
        assert (await night.run()).exit_code == 0
        clock.advance(days=days)
        await refused(night)


async def test_a_run_within_a_day_of_the_api_goes_on(tmp_path: Path) -> None:
    clock = ManualClock(datetime.now(UTC) - timedelta(hours=23))
    async with bench(tmp_path, World().call(1).recording(11), clock=clock, pace=STRICT) as night:
        assert (await night.run()).exit_code == 0


async def test_a_person_who_names_the_day_is_believed_before_the_api(tmp_path: Path) -> None:
    clock = ManualClock(datetime.now(UTC) + timedelta(days=40))
    async with bench(tmp_path, World().call(1).recording(11), clock=clock, pace=STRICT) as night:
        with pytest.raises(UsageError, match="--today says"):
            await night.run(today=clock.now.date() - timedelta(days=40))
        assert (await night.run(today=clock.now.date())).exit_code == 0


async def test_where_the_api_does_not_tell_the_time_the_ledger_does(tmp_path: Path) -> None:
    clock = ManualClock()
    world = World().call(1).recording(11)
    async with bench(
        tmp_path / "a", world, told_by_the_api("soon"), clock=clock, pace=STRICT
    ) as night:
        assert (await night.run()).exit_code == 0
        clock.advance(days=29)
        assert (await night.run()).exit_code == 0
        clock.advance(days=31)
        assert "31 days old" in str(await refused(night))
        clock.advance(days=-62)
        assert "is later" in str(await refused(night))


async def test_a_clock_that_ran_ahead_and_was_put_right_stops_no_run(tmp_path: Path) -> None:
    """What an older version wrote under it is in the ledger for ever."""
    clock = ManualClock(datetime.now(UTC) + timedelta(days=400))
    world = World().call(1).recording(11)
    async with bench(tmp_path, world, clock=clock) as night:
        await night.run()
        clock.advance(days=-400)
        night.pace = STRICT
        assert (await night.run()).exit_code == 0


def keys(bucket: RawBucket) -> list[str]:
    listed = bucket.client.list_objects_v2(Bucket=bucket.name, Prefix=bucket.prefix)
    return [one["Key"] for one in listed.get("Contents", [])]


@pytest.mark.usefixtures("aws_environment", "shared_clients")
async def test_on_s3_no_run_and_no_hold_begins_under_a_clock_that_the_server_contradicts(
    tmp_path: Path, seaweed: S3Server
) -> None:
    bucket = RawBucket(seaweed, "wrong-clock")
    s3 = {"endpoint_url": seaweed.endpoint, "region": "us-east-1"}
    settings = {"storage": {"url": f"s3://{bucket.name}/{bucket.prefix}", "s3": s3}}
    clock = ManualClock(datetime.now(UTC) + timedelta(days=3))
    world = World().call(1).recording(11)
    async with bench(
        tmp_path, world, told_by_the_api("soon"), clock=clock, settings=settings, pace=STRICT
    ) as night:
        assert "the clock of the storage says" in str(await refused(night))
        with pytest.raises(UsageError, match="the clock of the storage says"):
            await night.run(today=clock.now.date())
        assert keys(bucket) == []
        clock.advance(days=-3)
        assert (await night.run()).exit_code == 0
        before = keys(bucket)
        clock.advance(days=3)
        with pytest.raises(UsageError, match="the clock of the storage says"):
            async with announcing_archive(
                night.config(), state_folder=night.state, clock=clock, others=NO_OTHER
            ):
                pass
        assert keys(bucket) == before


@pytest.mark.usefixtures("aws_environment")
async def test_an_s3_server_tells_the_time(seaweed: S3Server) -> None:
    bucket = RawBucket(seaweed, "clock")
    storage = S3Storage(bucket.name, bucket.prefix, seaweed.config)
    told = await storage.now()
    assert told is not None
    assert abs(told - datetime.now(UTC)) < timedelta(minutes=5)
    await storage.aclose()
