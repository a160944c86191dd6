"""Runs onto an S3 server with a bad day: whatever it answers, nothing is lost and nothing wrong."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from archiver.config import Config
from archiver.errors import ArchiverError
from archiver.sandbox.audio import wav
from archiver.sandbox.world import World
from archiver.storage.keys import FORMAT_KEY
from archiver.storage.lease import LeaseTimes
from archiver.verify.verify import Wanted, verify
from tests.crash.test_kills_s3 import copied
from tests.storage.conftest import aws_environment, shared_clients
from tests.storage.faulty_s3 import (
    Answer,
    Fault,
    FaultyS3,
    Forward,
    Request,
    cut,
    cut_after_the_work,
    refused,
    without_element,
    without_header,
)
from tests.storage.s3_servers import RawBucket, S3Server, moto_server
from tests.support.world import QUICK, Night, audio_of, bench
from tests.verify.archives import AT_ONCE

__all__ = ["aws_environment", "shared_clients"]

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("aws_environment", "shared_clients")]

SEED = 20_261_130
PACE = replace(QUICK, lease=LeaseTimes(dead_after=0.0))

KINDS: tuple[Callable[[], Fault], ...] = (
    lambda: refused(500, "InternalError"),
    lambda: refused(503, "SlowDown"),
    lambda: refused(403, "AccessDenied"),
    lambda: refused(403, "RequestTimeTooSkewed"),
    lambda: refused(400, "ExpiredToken"),
    lambda: refused(507, "InsufficientStorage"),
    lambda: refused(409, "ConditionalRequestConflict"),
    lambda: without_header("ETag"),
    lambda: without_header("Last-Modified"),
    lambda: without_element("ETag", "LastModified"),
    lambda: without_element("IsTruncated"),
    lambda: without_element("Size"),
    lambda: _truncated,
    lambda: _nonsense,
    lambda: cut,
    lambda: cut_after_the_work,
)


def _truncated(request: Request, forward: Forward) -> Answer:
    answer = forward()
    old, new = b"<IsTruncated>false</IsTruncated>", b"<IsTruncated>true</IsTruncated>"
    return Answer(answer.status, answer.headers, answer.body.replace(old, new))


def _nonsense(request: Request, _: Forward) -> Answer:
    return Answer(200, {}, b"" if request.method == "HEAD" else b"<html>back soon</html>")


@pytest.fixture(scope="module")
def proxied() -> Iterator[tuple[S3Server, FaultyS3]]:
    with moto_server() as server, FaultyS3(server.endpoint) as proxy:
        yield server, proxy


def world() -> World:
    found = World().user(101)
    for number in range(1, 7):
        found.call(number).recording(number * 10, audio=wav(700 + number, number))
    return found


async def bad_day(proxied: tuple[S3Server, FaultyS3], folder: Path, seed: int) -> None:
    """Two bad nights and a good one, all against the truth."""
    server, proxy = proxied
    chance = random.Random(seed)
    raw = RawBucket(server, f"bad-day/{seed}")
    s3 = {"endpoint_url": proxy.endpoint, "region": "us-east-1"}
    settings = {"storage": {"url": f"s3://{raw.name}/{raw.prefix}", "s3": s3}}
    proxy.clear()
    async with bench(folder, world(), settings=settings, pace=PACE) as night:
        for _ in range(2):
            kind = chance.choice(KINDS)()
            share, times = chance.choice([(0.02, 1000), (0.3, 1000), (1.0, 1), (1.0, 1000)])
            # Not from the first request on, so that there is something to go wrong.
            wait = chance.randrange(40)
            proxy.fault(_some(chance, share, wait), kind, times=times)
            try:
                assert (await night.run()).exit_code in (0, 3)
            except ArchiverError as error:
                assert error.exit_code == 5, (seed, error)
            proxy.clear()
            copied(raw, folder / f"copy-{_}").check_names(audio_of(night.world))
            if raw.read(FORMAT_KEY) is not None:  # else the day was too bad to begin an archive
                await sound(night, seed)
            night.clock.advance(hours=1)
        assert (await night.run()).exit_code == 0
        await sound(night, seed)
        witness = copied(raw, folder / "copy")
        witness.check_objects()
        witness.check_recordings(audio_of(night.world))
        assert raw.read("_archive/tmp/lock") is None


def _some(chance: random.Random, share: float, wait: int) -> Callable[[Request], bool]:
    left = iter(range(wait))
    return lambda request: next(left, None) is None and chance.random() < share


async def sound(night: Night, seed: int) -> None:
    config: Config = night.config()
    verified = await verify(config, Wanted(), state_folder=night.state, patience=AT_ONCE, pace=PACE)
    assert verified.found.findings == [], seed


async def test_a_bad_day_of_an_s3_server_costs_time_only(
    proxied: tuple[S3Server, FaultyS3], tmp_path: Path
) -> None:
    await bad_day(proxied, tmp_path, SEED)


@pytest.mark.nightly
async def test_twenty_bad_days_of_an_s3_server_cost_time_only(
    proxied: tuple[S3Server, FaultyS3], tmp_path: Path
) -> None:
    """Three runs each."""
    for number in range(20):
        await bad_day(proxied, tmp_path / str(number), SEED + 100 + number)
