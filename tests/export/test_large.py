"""A lead with 1,000 recordings, from a disk and from S3, in a process whose memory stays flat."""

import json
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

from archiver.sandbox.audio import wav
from archiver.sandbox.world import World
from tests.cli.commands import environment
from tests.export.packages import LEAD, Package, on_s3
from tests.storage.s3_servers import ACCESS_KEY, SECRET_KEY, RawBucket, S3Server
from tests.support.command import RECENTLY
from tests.support.world import Night, bench

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.nightly,
    pytest.mark.usefixtures("aws_environment", "shared_clients"),
]

RECORDINGS = 1000
LARGE = 256 * 2**20
GROWTH = 48 * 2**20
"""Of the peak, from a lead with one small recording to the large one. Python, boto3 and the tables
take up to that on their way; holding the lead in memory would take ten times as much."""


def large_lead() -> World:
    """A thousand recordings, a quarter of a mebibyte each, and one of 256 MiB."""
    world = World().call(999_999, lead=5).recording(1)
    for number in range(RECORDINGS - 1):
        world.call(1000 + number, lead=LEAD).recording(
            500_000 + number, audio=wav(2**18, number), summary=f"Call {number}. " * 40
        )
    return world.call(9000, lead=LEAD).recording(900_000, audio=wav(LARGE, 9))


async def peak_of(night: Night, config: Path, lead: int, target: Path) -> int:
    """Bytes that the process of an export held at most."""
    command = [sys.executable, "-c", MEASURED, "-c", str(config), "export", "--lead", str(lead)]
    environ = environment(
        night.folder,
        AWS_ACCESS_KEY_ID=ACCESS_KEY,
        AWS_SECRET_ACCESS_KEY=SECRET_KEY,
        XDG_STATE_HOME=str(night.folder / "home"),
    )
    done = await anyio.run_process(
        [*command, "--offline", "--to", str(target)], env=environ, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return int(done.stdout.splitlines()[-1]) * 1024


MEASURED = """
import re, sys
from archiver.cli import main
code = main(sys.argv[1:])
print(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
sys.exit(code)
"""


@pytest.mark.parametrize("place", ["disk", "moto", "seaweed"])
async def test_a_large_lead_is_exported_in_flat_memory(
    tmp_path: Path, place: str, request: pytest.FixtureRequest
) -> None:
    settings: dict[str, Any] = {"storage": {"url": str(tmp_path / "archive")}}
    if place != "disk":
        server: S3Server = request.getfixturevalue(place)
        RawBucket(server, "large")
        settings = on_s3(server, "large")
    async with bench(tmp_path, large_lead(), settings=settings) as night:
        night.clock.now = RECENTLY  # the export has the clock of the machine
        report = await night.run()
        assert report.exit_code == 0
        config = tmp_path / "archive.yaml"
        config.write_text(json.dumps(settings))
        small = await peak_of(night, config, 5, tmp_path / "small.zip")
        large = await peak_of(night, config, LEAD, tmp_path / "large.zip")
    print(f"{place}: {small / 2**20:.0f} MiB for one recording, {large / 2**20:.0f} MiB for all")
    assert large - small < GROWTH
    package = Package.unzipped(tmp_path / "large.zip", tmp_path / "other")
    assert package.custody["counts"]["recordings"] == RECORDINGS
    package.validate(fast=True)
    package.check()
    assert (tmp_path / "large.zip").stat().st_size > LARGE + (RECORDINGS - 1) * 2**18
