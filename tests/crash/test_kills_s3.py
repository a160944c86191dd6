"""The same over S3: killed at any moment, and completed as soon as the dead run's lease is over.

No test waits a minute: the commands take every lease that they find for a dead run's.
"""

import random
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from archiver.sandbox.audio import wav
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Fault, Stall
from archiver.sandbox.world import World
from tests.cli.commands import PATIENCE
from tests.crash.impatient import IMPATIENT
from tests.crash.test_kills import killed
from tests.storage.s3_servers import (
    ACCESS_KEY,
    SECRET_KEY,
    RawBucket,
    S3Server,
    moto_server,
    seaweedfs,
)
from tests.support.command import RECENTLY, Command, command
from tests.support.witness import Witness
from tests.support.world import QUICK, audio_of


def centre(calls: int) -> World:
    world = World().user(101)
    for number in range(1, calls + 1):
        size = 9_000_000 if number == 7 else 4000 + number
        world.call(number, at=RECENTLY + timedelta(seconds=number))
        world.recording(audio=wav(size, number), summary=None if number % 3 else "Said.")
    return world


@contextmanager
def on_s3(
    folder: Path, world: World, server: S3Server, *, impatient: bool = True
) -> Iterator[tuple[Command, RawBucket]]:
    bucket = RawBucket(server, f"qa/{folder.name}")
    with command(folder, world) as commands:
        s3 = {"endpoint_url": server.endpoint, "region": "us-east-1"}
        commands.settings["storage"] = {"url": f"s3://{bucket.name}/{bucket.prefix}", "s3": s3}
        commands.settings["download"] = {"spool": str(folder / "spool"), "spool_memory": "16MiB"}
        commands.environ = {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        if impatient:
            commands.module = "tests.crash.impatient"
            commands.pace = replace(QUICK, lease=IMPATIENT)
        (folder / "spool").mkdir()
        yield commands, bucket


def copied(bucket: RawBucket, folder: Path) -> Witness:
    """The archive as it lies in the bucket, in a folder."""
    listing: Any = bucket.client.get_paginator("list_objects_v2")
    for page in listing.paginate(Bucket=bucket.name, Prefix=f"{bucket.prefix}/"):
        for found in page.get("Contents", []):
            key = found["Key"].removeprefix(f"{bucket.prefix}/")
            path = folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bucket.read(key) or b"")
    return Witness(folder)


def survive(folder: Path, server: S3Server, kills: int, calls: int) -> None:
    world, chance = centre(calls), random.Random(kills)
    expected = audio_of(world)
    with on_s3(folder, world, server) as (commands, bucket):
        for number in range(kills):
            killed(commands, pause=chance.random() * 1.2)
            copied(bucket, folder / f"copy-{number}").check_names(expected)
        ended = commands.run()
        assert ended.code == 0, ended.err
        witness = copied(bucket, folder / "copy")
        witness.check()
        witness.check_recordings(expected)
        assert ended.answer["ledgerHead"] == witness.head()
        assert bucket.uploads() == []
        commands.sandbox.forget()
        assert commands.run().answer["recordings"]["already"] == len(expected)
        assert commands.sandbox.count(Route.FILE) == 0


@pytest.mark.usefixtures("crew")
def test_a_run_onto_s3_may_be_killed_again_and_again(tmp_path: Path) -> None:
    with moto_server() as server:
        survive(tmp_path, server, kills=1, calls=8)


def test_a_killed_run_locks_s3_for_a_minute_at_most_and_says_so(tmp_path: Path) -> None:
    with (
        moto_server() as server,
        on_s3(tmp_path, centre(9), server, impatient=False) as (commands, _),
    ):
        commands.sandbox.faults.add(Fault(Route.FILE, Stall(1000)))
        process = commands.start("run", "--json")
        commands.sandbox.wait_for(Route.FILE, patience=PATIENCE)
        process.kill()
        process.communicate()
        ended = commands.run()
        assert ended.code == 6
        assert f"process {process.pid}" in ended.answer["error"]["message"]
        assert "minute" in ended.answer["error"]["hint"]


@pytest.mark.nightly
@pytest.mark.parametrize("server", [moto_server, seaweedfs])
def test_a_run_onto_s3_may_be_killed_many_times(tmp_path: Path, server: Any) -> None:
    started: AbstractContextManager[S3Server] = server()
    with started as found:
        survive(tmp_path, found, kills=25, calls=120)
