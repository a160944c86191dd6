"""Nothing that cannot come back goes while the clock of the machine cannot be believed."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from archiver.errors import UsageError
from archiver.retention.locking import archive_to_remove_from
from archiver.retention.right_clock import require_right_clock
from archiver.sandbox.world import World
from archiver.storage.base import Storage
from archiver.storage.local.folder import LocalStorage
from archiver.storage.s3.bucket import S3Storage
from tests.storage.s3_servers import RawBucket, S3Server
from tests.support.world import Night, bench

pytestmark = pytest.mark.anyio


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


@pytest.mark.usefixtures("aws_environment")
async def test_an_s3_server_tells_the_time(seaweed: S3Server) -> None:
    bucket = RawBucket(seaweed, "clock")
    storage = S3Storage(bucket.name, bucket.prefix, seaweed.config)
    told = await storage.now()
    assert told is not None
    assert abs(told - datetime.now(UTC)) < timedelta(minutes=5)
    await storage.aclose()
