"""Locks, versions, retention and erasure on a server that enforces them (SeaweedFS)."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import anyio
import pytest

from archiver.archive.opening import watched_archive
from archiver.clock import system_clock
from archiver.doctor.archive import try_archive
from archiver.doctor.check import Surroundings, Verdict
from archiver.sandbox.exchange import Route
from archiver.storage.keys import LOCK_KEYS
from archiver.storage.s3.versions import VersionRequests
from archiver.verify.findings import NotLocked, UnknownVersion
from archiver.verify.verify import Wanted, verify
from tests.retention.acts import (
    NAME,
    PHONE,
    SUMMARY,
    check_rebuilt,
    erasable,
    erased,
    held,
    lifted,
    planned,
    pruned,
    world_with_a_person,
)
from tests.retention.crash_child import ACTS, old_world
from tests.storage.s3_servers import RawBucket, S3Server
from tests.support.world import ManualClock, Night, bench

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("aws_environment", "shared_clients")]

FIRST_DAY = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
_numbers = count()


class Bucket(RawBucket):
    """A bucket of the test, with everything that the server keeps in it."""

    def versions(self, key: str = "") -> list[dict[str, Any]]:
        pages = self.client.get_paginator("list_object_versions").paginate(
            Bucket=self.name, Prefix=f"{self.prefix}/{key}"
        )
        return [
            {"marker": kind == "DeleteMarkers", **one}
            for page in pages
            for kind in ("Versions", "DeleteMarkers")
            for one in page.get(kind, [])  # type: ignore[attr-defined]
        ]

    def contents(self) -> set[str]:
        return {
            one["Key"].removeprefix(f"{self.prefix}/")
            for one in self.versions()
            if "/_archive/tmp/" not in one["Key"]
        }

    def lock_of(self, version: dict[str, Any]) -> datetime | None:
        answer = self.client.head_object(
            Bucket=self.name, Key=version["Key"], VersionId=version["VersionId"]
        )
        until: datetime | None = answer.get("ObjectLockRetainUntilDate")
        return until

    def holding(self, *texts: str) -> list[str]:
        """The keys of which any version holds one of the texts."""
        found = []
        for one in self.versions():
            if one["marker"]:
                continue
            answer = self.client.get_object(
                Bucket=self.name, Key=one["Key"], VersionId=one["VersionId"]
            )
            data = answer["Body"].read()
            if any(text.encode() in data for text in texts):
                found.append(one["Key"])
        return found


@asynccontextmanager
async def on_s3(
    tmp_path: Path,
    seaweed: S3Server,
    world: Any,
    *,
    lock: str | None = None,
    mode: str = "COMPLIANCE",
    plain: bool = False,
) -> AsyncIterator[tuple[Night, Bucket]]:
    """A night over a bucket that keeps versions (unless `plain`), and locks them so long."""
    name, prefix = f"bucket-{next(_numbers)}", "arch/one"
    bucket = Bucket(
        seaweed, prefix, name, **({} if plain else {"ObjectLockEnabledForBucket": True})
    )
    s3: dict[str, Any] = {"endpoint_url": seaweed.endpoint, "region": "us-east-1"}
    if lock is not None:
        s3["object_lock"] = {"mode": mode, "retain": lock}
    settings = {"storage": {"url": f"s3://{name}/{prefix}", "s3": s3}}
    clock = ManualClock(datetime.now(UTC).replace(microsecond=0))
    since = {"window": {"since": "2026-11-01"}}
    async with bench(tmp_path, world, clock=clock, settings=settings | since) as night:
        yield night, bucket


async def test_everything_that_is_evidence_is_written_locked(
    tmp_path: Path, seaweed: S3Server
) -> None:
    async with on_s3(tmp_path, seaweed, world_with_a_person(), lock="1h") as (night, bucket):
        await night.run()
        night.world.change_recording(21, summary="Later.")
        night.clock.advance(seconds=2)
        await night.run(recheck=True, since=FIRST_DAY)
        await lifted(night, await held(night, leads=(5,)))
        soon = datetime.now(UTC) + HOUR / 2
        kinds = set()
        for one in bucket.versions():
            key = one["Key"].removeprefix(f"{bucket.prefix}/")
            if key.startswith("_archive/tmp/"):
                assert one["marker"] or bucket.lock_of(one) is None, key
                continue
            until = bucket.lock_of(one)
            assert until is not None, key
            assert until > soon, key
            kinds.add(key.split("/")[1] if key.startswith("_archive") else key.rpartition(".")[2])
        assert kinds == {"wav", "json", "format.json", "ledger", "revisions", "runs", "holds"}


async def test_the_ledger_tells_the_versions_of_what_it_names(
    tmp_path: Path, seaweed: S3Server
) -> None:
    async with on_s3(tmp_path, seaweed, world_with_a_person(), lock="1h") as (night, bucket):
        await night.run()
        hold = await held(night, leads=(5,))
        newest = {
            one["Key"].removeprefix(f"{bucket.prefix}/"): one["VersionId"]
            for one in bucket.versions()
            if one["IsLatest"]
        }
        async with watched_archive(night.config(), state_folder=night.state) as archive:
            rows = await archive.catalog.ask(
                lambda db: db.execute(
                    "SELECT key, version, sidecar_version FROM recordings"
                ).fetchall()
            )
            runs = await archive.catalog.ask(
                lambda db: db.execute("SELECT report_key, report_version FROM runs").fetchall()
            )
            holds = await archive.catalog.ask(
                lambda db: db.execute("SELECT key, version FROM holds").fetchall()
            )
        assert len(rows) == 5
        for key, version, sidecar_version in rows:
            assert newest[key] == version
            assert newest[key.replace(".wav", ".json")] == sidecar_version
        assert all(newest[key] == version for key, version in [*runs, *holds])
        assert [key for key, _ in holds] == [f"_archive/holds/{hold}.json"]


async def test_what_is_locked_is_refused_with_the_date(tmp_path: Path, seaweed: S3Server) -> None:
    async with on_s3(tmp_path, seaweed, world_with_a_person(), lock="1h") as (night, bucket):
        await night.run()
        before = bucket.contents()
        plan = await erased(night, 3)
        assert plan.is_refused
        assert plan.locked is not None
        assert plan.locked.until is not None
        assert timedelta() < plan.locked.until - datetime.now(UTC) <= HOUR
        plan_of_prune = await planned(night, timedelta(seconds=0))
        assert plan_of_prune.record_ids == []
        night.clock.advance(seconds=1)
        plan_of_prune, removed = await pruned(night, 0, timedelta(seconds=0))
        assert (removed, plan_of_prune.kept["locked"]) == (0, 5)
        assert plan_of_prune.next_at is not None
        assert {key for key in before if "/ledger/" not in key} <= bucket.contents()


async def test_once_the_locks_have_ended_every_version_of_a_person_goes(
    tmp_path: Path, seaweed: S3Server
) -> None:
    async with on_s3(tmp_path, seaweed, world_with_a_person(), lock="2s") as (night, bucket):
        await night.run()
        night.world.change_recording(21, summary="Later, of the canary.")
        night.clock.advance(seconds=1)
        await night.run(recheck=True, since=FIRST_DAY)
        await lifted(night, await held(night, leads=(789,), reason=NAME))
        assert len(bucket.versions("789/2/21.json")) == 2
        plan = await erasable(night)
        assert plan.locked is not None
        assert plan.locked.until is not None
        # The server's clock is the true one, and nothing else ends a lock.
        await anyio.sleep((plan.locked.until - datetime.now(UTC)).total_seconds() + 0.1)
        night.clock.now = system_clock()
        assert not (await erased(night, 3)).is_refused
        assert bucket.holding(PHONE, NAME, SUMMARY, "canary") == []
        assert not any(key.startswith("789/") for key in bucket.contents())
        await check_rebuilt(night)
        night.sandbox.forget()
        report = await night.run(since=FIRST_DAY, recheck=True)
        assert report.as_json()["erasedCalls"] == 3
        assert night.sandbox.count(Route.FILE) == 0


@pytest.mark.parametrize("plain", [False, True], ids=["versions", "no versions"])
async def test_prune_removes_all_versions_and_nothing_comes_back(
    tmp_path: Path, seaweed: S3Server, plain: bool
) -> None:
    async with on_s3(tmp_path, seaweed, old_world(), plain=plain) as (night, bucket):
        await night.run()
        night.world.change_recording(11, summary="Later.")
        night.clock.advance(days=1)
        await night.run(recheck=True, since=FIRST_DAY)
        night.clock.advance(days=40)
        _, removed = await pruned(night, 4)
        assert removed == 4
        left = {key.split("/")[1] for key in bucket.contents()}
        assert left == {"ledger", "runs", "format.json"}
        night.sandbox.forget()
        await night.run(since=FIRST_DAY, recheck=True)
        assert night.sandbox.count(Route.FILE) == 0
        await check_rebuilt(night)


async def locks_found(night: Night) -> set[tuple[str, str]]:
    """What `verify` finds of locks and versions."""
    verified = await verify(night.config(), Wanted(), state_folder=night.state, clock=night.clock)
    return {
        (one.name, one.key)
        for one in verified.found.findings
        if isinstance(one, NotLocked | UnknownVersion)
    }


async def test_an_object_without_a_lock_and_a_version_laid_over_one_are_found(
    tmp_path: Path, seaweed: S3Server
) -> None:
    async with on_s3(tmp_path, seaweed, old_world(), lock="1h") as (night, bucket):
        await night.run()
        assert await locks_found(night) == set()
        segment = min(key for key in bucket.contents() if key.endswith(".jsonl"))
        content = bucket.read(segment)
        assert content is not None
        bucket.write("5/1/11.wav", b"laid over it")
        bucket.write(segment, content)
        bucket.client.delete_object(Bucket=bucket.name, Key=f"{bucket.prefix}/5/2/21.wav")
        assert await locks_found(night) == {
            ("unknown-version", "5/1/11.wav"),
            ("unknown-version", segment),
            ("unknown-version", "5/2/21.wav"),
        }
        newest = max(key for key in bucket.contents() if key.endswith(".jsonl"))
        bucket.client.delete_object(Bucket=bucket.name, Key=f"{bucket.prefix}/{newest}")
        assert ("unknown-version", newest) in await locks_found(night)


async def test_an_object_that_was_never_locked_or_whose_lock_was_ended_early_is_found(
    tmp_path: Path, seaweed: S3Server
) -> None:
    async with on_s3(tmp_path, seaweed, old_world()) as (night, bucket):
        await night.run()
        night.settings["storage"]["s3"]["object_lock"] = {"mode": "GOVERNANCE", "retain": "1h"}
        unlocked = await locks_found(night)
        assert {kind for kind, _ in unlocked} == {"not-locked"}
        assert {key for _, key in unlocked} == bucket.contents()
    async with on_s3(tmp_path / "other", seaweed, old_world(), lock="1h", mode="GOVERNANCE") as (
        night,
        bucket,
    ):
        await night.run()
        (audio,) = bucket.versions("5/1/11.wav")
        place = {"Bucket": bucket.name, "Key": audio["Key"], "VersionId": audio["VersionId"]}
        soon = datetime.now(UTC) + timedelta(minutes=5)
        bucket.client.put_object_retention(
            **place,
            Retention={"Mode": "GOVERNANCE", "RetainUntilDate": soon},
            BypassGovernanceRetention=True,
        )
        assert await locks_found(night) == set()
        night.clock.advance(minutes=10)
        assert await locks_found(night) == {("not-locked", "5/1/11.wav")}
        night.clock.advance(hours=1)
        assert await locks_found(night) == set()


async def test_of_a_version_that_was_replaced_nobody_says_that_it_is_still_there(
    tmp_path: Path, seaweed: S3Server
) -> None:
    async with on_s3(tmp_path, seaweed, old_world(), lock="1h", mode="GOVERNANCE") as (
        night,
        bucket,
    ):
        await night.run()
        for record, key in ((11, "5/1/11.wav"), (21, "5/2/21.wav")):
            (old,) = bucket.versions(key)
            place = {"Bucket": bucket.name, "Key": old["Key"]}
            content = bucket.read(key) or b""
            bucket.client.delete_object(
                **place, VersionId=old["VersionId"], BypassGovernanceRetention=True
            )
            bucket.client.put_object(**place, Body=content)
            if record == 21:
                bucket.client.delete_object(**place)
        verified = await verify(
            night.config(), Wanted(), state_folder=night.state, clock=night.clock
        )
        found = [one for one in verified.found.findings if isinstance(one, UnknownVersion)]
        assert {one.key for one in found} == {"5/1/11.wav", "5/2/21.wav"}
        assert all("was removed" in one.next for one in found)


class Died(BaseException):
    """The end of a process, as far as one test can tell."""


ALL_STEPS = [pytest.param(one, count(1, 4), marks=pytest.mark.nightly) for one in ACTS]


@pytest.mark.parametrize(("name", "steps"), [("erase", [2]), *ALL_STEPS])
async def test_a_removal_that_dies_between_two_versions_is_completed_by_the_next_run(
    tmp_path: Path, seaweed: S3Server, name: str, steps: Iterable[int]
) -> None:
    world, doing, days = ACTS[name]
    for step in steps:
        async with on_s3(tmp_path / f"{step}", seaweed, world()) as (night, bucket):
            await night.run()
            await lifted(night, await held(night, leads=(789,), reason=NAME))
            night.clock.advance(days=days)
            with pytest.MonkeyPatch.context() as patch:
                dying = dies_after(patch, step)
                with suppress(Died, BaseExceptionGroup):
                    await doing(night)
            night.sandbox.forget()
            night.clock.advance(days=1)
            await night.run(since=FIRST_DAY, recheck=True)
            left = {key for key in bucket.contents() if not key.startswith("_archive/")}
            assert left == LEFT[name]
            if name == "erase":
                assert bucket.holding(PHONE, NAME, SUMMARY) == []
            assert night.sandbox.count(Route.FILE) == 0
            await check_rebuilt(night)
        if dying["left"] > 0:  # it lived through: there are no more steps
            break


def dies_after(patch: pytest.MonkeyPatch, step: int) -> dict[str, int]:
    """The process ends after that many removals of a version, and yet lets go of its lock."""
    delete, dying = VersionRequests.delete, {"left": step}

    def counted(requests: VersionRequests, key: str, version: str | None) -> None:
        if key in LOCK_KEYS:
            delete(requests, key, version)
            return
        if dying["left"] <= 0:
            raise Died
        delete(requests, key, version)
        dying["left"] -= 1
        if not dying["left"]:
            raise Died

    patch.setattr(VersionRequests, "delete", counted)
    return dying


LEFT: dict[str, set[str]] = {
    "prune": set(),
    "erase": {f"{stem}.{end}" for stem in ("6/6/61", "7/7/71") for end in ("wav", "json")},
}


@pytest.mark.parametrize("plain", [False, True], ids=["with locks", "without"])
async def test_doctor_finds_a_bucket_that_cannot_lock(
    tmp_path: Path, seaweed: S3Server, plain: bool
) -> None:
    lock = "1h"
    async with on_s3(tmp_path, seaweed, old_world(), lock=lock, plain=plain) as (night, _):
        around = Surroundings(lambda _: tmp_path / "state")
        (check,) = [one for one in await try_archive(night.config(), around) if one.name == "WORM"]
        assert (check.verdict, check.exit_code) == (
            (Verdict.PROBLEM, 2) if plain else (Verdict.OK, 5)
        )


async def test_doctor_says_that_a_disk_is_not_worm(tmp_path: Path) -> None:
    async with bench(tmp_path, old_world()) as night:
        around = Surroundings(lambda _: tmp_path / "state")
        (check,) = [one for one in await try_archive(night.config(), around) if one.name == "WORM"]
        assert check.verdict is Verdict.OK
        assert "disks are not WORM" in check.finding
