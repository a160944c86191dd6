"""S3 legal holds: set with the holds of the archive, and removed with the last of them."""

from pathlib import Path
from typing import Any

import pytest

from archiver.archive.opening import watched_archive
from archiver.errors import StorageForbidden
from archiver.retention.legal_holds import LegalHolds, follow_holds
from archiver.retention.locking import archive_to_remove_from
from archiver.storage.s3.versions import VersionRequests
from archiver.verify.findings import NoLegalHold
from archiver.verify.verify import Verified, Wanted, verify
from tests.retention.acts import check_rebuilt, held, lifted, world_with_a_person
from tests.retention.test_s3 import FIRST_DAY, Bucket, on_s3
from tests.storage.s3_servers import S3Server
from tests.support.world import Night

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("aws_environment", "shared_clients")]


@pytest.fixture(params=["seaweed", pytest.param("moto", marks=pytest.mark.nightly)])
def server(request: pytest.FixtureRequest) -> S3Server:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, S3Server)
    return found


async def followed(night: Night, *, again: bool = False) -> LegalHolds:
    async with watched_archive(night.config(), state_folder=night.state) as archive:
        return await follow_holds(archive, clock=night.clock, act="test-follow", again=again)


async def verified(night: Night) -> Verified:
    return await verify(night.config(), Wanted(), state_folder=night.state, clock=night.clock)


async def missed(night: Night) -> dict[str, str]:
    """What was found of each object without its legal hold; nothing else may be found."""
    found = (await verified(night)).found.findings
    assert all(isinstance(one, NoLegalHold) for one in found), found
    return {one.key: one.found for one in found}


def on_hold(bucket: Bucket) -> set[str]:
    """The keys of which every version is on hold, if any is: a mixture fails."""
    found: dict[str, set[bool]] = {}
    for one in bucket.versions():
        key = one["Key"].removeprefix(f"{bucket.prefix}/")
        if one["marker"] or key.startswith("_archive/tmp/"):
            continue
        place = {"Bucket": bucket.name, "Key": one["Key"], "VersionId": one["VersionId"]}
        status = bucket.client.head_object(**place).get("ObjectLockLegalHoldStatus")
        found.setdefault(key, set()).add(status == "ON")
    assert all(len(each) == 1 for each in found.values()), found
    return {key for key, each in found.items() if each == {True}}


def lay_on_hold(bucket: Bucket, key: str, status: str = "ON") -> None:
    (one,) = bucket.versions(key)
    bucket.client.put_object_legal_hold(
        Bucket=bucket.name,
        Key=one["Key"],
        VersionId=one["VersionId"],
        LegalHold={"Status": status},  # type: ignore[typeddict-item]
    )


OF_6 = {"6/6/61.wav", "6/6/61.json"}
OF_7 = {"7/7/71.wav", "7/7/71.json"}


async def test_a_hold_puts_what_it_covers_on_legal_hold_and_its_end_takes_it_off(
    tmp_path: Path, server: S3Server
) -> None:
    async with on_s3(tmp_path, server, world_with_a_person()) as (night, bucket):
        await night.run()
        first, second = await held(night, leads=(6, 7)), await held(night, orders=(2,))
        done = await followed(night)
        assert (done.set, done.removed, done.trouble) == (2, 0, "")
        assert on_hold(bucket) == OF_6 | OF_7
        await lifted(night, first)
        assert (await followed(night)).removed == 1
        assert on_hold(bucket) == OF_6
        await lifted(night, second)
        assert (await followed(night)).removed == 1
        assert on_hold(bucket) == set()
        await check_rebuilt(night)


async def test_what_is_archived_or_revised_under_a_hold_gets_it_at_the_end_of_the_run(
    tmp_path: Path, seaweed: S3Server
) -> None:
    async with on_s3(tmp_path, seaweed, world_with_a_person()) as (night, bucket):
        await night.run()
        hold = await held(night, leads=(6, 9))
        await followed(night)
        night.world.change_recording(61, summary="Later.")
        night.world.call(9, lead=9).recording(91)
        night.clock.advance(days=1)
        report = await night.run(recheck=True, since=FIRST_DAY)
        assert not any("legal hold" in note for note in report.notes)
        kept = {key for key in bucket.contents() if key.startswith("_archive/revisions/6/6/61.")}
        assert kept
        assert on_hold(bucket) == OF_6 | kept | {"9/9/91.wav", "9/9/91.json"}
        await lifted(night, hold)
        await night.run()
        assert on_hold(bucket) == set()
        await check_rebuilt(night)


async def test_a_legal_hold_of_somebody_else_stays(tmp_path: Path, seaweed: S3Server) -> None:
    async with on_s3(tmp_path, seaweed, world_with_a_person()) as (night, bucket):
        await night.run()
        lay_on_hold(bucket, "6/6/61.wav")
        hold = await held(night, leads=(6,))
        assert [one.partition(" ")[0] for one in (await followed(night)).others] == ["6/6/61.wav"]
        assert on_hold(bucket) == OF_6
        await lifted(night, hold)
        await followed(night)
        assert on_hold(bucket) == {"6/6/61.wav"}


async def test_a_crash_between_telling_and_setting_is_made_up_for_and_takes_nothing_for_foreign(
    tmp_path: Path, seaweed: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_s3(tmp_path, seaweed, world_with_a_person()) as (night, bucket):
        first = await night.run()
        hold = await held(night, leads=(6,))
        real, left = VersionRequests.hold, [1]

        def refused(requests: VersionRequests, key: str, *rest: Any) -> None:
            if not left[0]:
                raise StorageForbidden(f"{key}: S3 returned AccessDenied (status 403)", key=key)
            left[0] -= 1
            real(requests, key, *rest)

        with monkeypatch.context() as patch:
            patch.setattr(VersionRequests, "hold", refused)
            done = await followed(night)
            assert "AccessDenied" in done.trouble
            assert len(on_hold(bucket)) == 1
            report = await night.run()
            assert report.exit_code == first.exit_code
            assert any("S3 legal holds are incomplete" in note for note in report.notes)
        done = await followed(night)
        assert (done.set, done.others, done.trouble) == (1, [], "")
        assert on_hold(bucket) == OF_6
        await lifted(night, hold)
        await followed(night)
        assert on_hold(bucket) == set()
        await check_rebuilt(night)


async def test_a_legal_hold_that_somebody_removed_is_found_until_it_is_set_again(
    tmp_path: Path, server: S3Server
) -> None:
    async with on_s3(tmp_path, server, world_with_a_person()) as (night, bucket):
        await night.run()
        await held(night, leads=(6, 7))
        await followed(night)
        assert await missed(night) == {}
        lay_on_hold(bucket, "6/6/61.wav", "OFF")
        removed = "none: it was removed after archiver had set it"
        assert await missed(night) == {"6/6/61.wav": removed}
        assert (await followed(night)).set == 0
        assert (await followed(night, again=True)).set == 2
        assert await missed(night) == {}
        assert on_hold(bucket) == OF_6 | OF_7
        await check_rebuilt(night)


async def test_a_legal_hold_that_was_never_set_is_found_but_not_while_a_run_may_still_set_it(
    tmp_path: Path, server: S3Server
) -> None:
    async with on_s3(tmp_path, server, world_with_a_person()) as (night, bucket):
        await night.run()
        await held(night, leads=(6,))
        never = "none: archiver could not set it"
        assert await missed(night) == dict.fromkeys(OF_6, never)
        async with archive_to_remove_from(
            night.config(), "lock", state_folder=night.state, clock=night.clock
        ):
            assert await missed(night) == {}
        hold = await held(night, orders=(2,))
        await followed(night)
        lay_on_hold(bucket, "6/6/61.json", "OFF")
        async with archive_to_remove_from(
            night.config(), "lock", state_folder=night.state, clock=night.clock
        ):
            assert set(await missed(night)) == {"6/6/61.json"}
        await lifted(night, hold)
        assert set(await missed(night)) == {"6/6/61.json"}


async def test_who_may_not_see_legal_holds_is_told_so_and_finds_none_missing(
    tmp_path: Path, seaweed: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(requests: VersionRequests, key: str, version: str | None) -> bool:
        raise StorageForbidden(f"{key}: S3 returned AccessDenied (status 403)", key=key)

    async with on_s3(tmp_path, seaweed, world_with_a_person()) as (night, _):
        await night.run()
        await held(night, leads=(6,))
        monkeypatch.setattr(VersionRequests, "is_on_hold", denied)
        done = await verified(night)
        assert done.found.findings == []
        assert any("S3 legal holds were not checked: 6/6/61." in note for note in done.notes)


async def test_nothing_is_asked_where_there_is_nothing_to_do_or_no_object_lock(
    tmp_path: Path, seaweed: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(VersionRequests, "can_lock", lambda _: asked.append(1))
    async with on_s3(tmp_path, seaweed, world_with_a_person(), plain=True) as (night, _):
        await night.run()
        assert not asked
        await held(night, leads=(6,))
        done = await followed(night)
        assert asked
        assert (done.set, done.is_possible, done.trouble) == (0, False, "")
