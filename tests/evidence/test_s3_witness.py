"""A bucket as a witness, with credentials of its own, on a server that checks them (SeaweedFS)."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from archiver.archive.format import read_id
from archiver.evidence.newest import newest_evidence
from archiver.sandbox.audio import wav
from archiver.sandbox.world import World
from archiver.storage.opening import open_storage
from archiver.tasks.contexts import closed_at_the_end
from archiver.verify.verify import Wanted, verify
from tests.storage.conftest import seaweed
from tests.storage.s3_servers import ACCESS_KEY, SECRET_KEY, RawBucket, S3Server
from tests.support.world import Night, bench
from tests.verify.archives import AT_ONCE

__all__ = ["seaweed"]
pytestmark = [pytest.mark.anyio, pytest.mark.nightly]


@pytest.fixture(autouse=True)
def other_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the machine has for the archive opens nothing at the witness."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "archive-only")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "archive-only")


def witness(
    folder: Path, server: S3Server, bucket: str, secret: str = SECRET_KEY
) -> dict[str, Any]:
    """The settings of a witness in that bucket, whose credentials are in a file."""
    RawBucket(server, "heads", bucket)
    credentials = folder / "witness-credentials"
    credentials.write_text(
        f"[witness]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {secret}\n"
    )
    credentials.chmod(0o600)
    s3 = {"endpoint_url": server.endpoint, "region": "us-east-1", "profile": "witness"}
    s3["credentials_file"] = str(credentials)
    return {"evidence": {"witnesses": [{"url": f"s3://{bucket}/heads", "s3": s3}]}}


async def kinds(night: Night) -> list[str]:
    found = await verify(night.config(), Wanted(), state_folder=night.state, patience=AT_ONCE)
    return [one.name for one in found.found.findings] + [one.kind for one in found.proofs]


async def test_a_bucket_remembers_every_head_and_finds_a_rollback(
    tmp_path: Path, seaweed: S3Server
) -> None:
    world = World().user(101)
    world.call(1).recording(11, audio=wav(600, 11))
    settings = witness(tmp_path, seaweed, "witness-one")
    async with bench(tmp_path, world, settings=settings) as night:
        first = await night.run()
        assert first.evidence is not None
        assert first.evidence["troubles"] == []
        for name in ("archive", "state"):
            shutil.copytree(tmp_path / name, tmp_path / f"{name}-1")
        night.clock.advance(days=1)
        world.call(2).recording(21, audio=wav(600, 21))
        second = await night.run()
        assert second.evidence is not None
        assert await kinds(night) == ["witnessed"]
        config = night.config()
        async with closed_at_the_end(open_storage(config.storage)) as storage:
            archive_id = await read_id(storage)
            (found,) = (await newest_evidence(storage, archive_id, config.evidence)).witnesses
        assert (found.segment, found.problem) == (second.evidence["segment"], "")
        for name in ("archive", "state"):
            shutil.rmtree(tmp_path / name)
            shutil.copytree(tmp_path / f"{name}-1", tmp_path / name)
        assert await kinds(night) == ["rolled-back"]


async def test_a_witness_that_refuses_the_credentials_is_said_and_fails_no_run(
    tmp_path: Path, seaweed: S3Server
) -> None:
    world = World().user(101)
    world.call(1).recording(11, audio=wav(600, 11))
    settings = witness(tmp_path, seaweed, "witness-two", secret="wrong-secret-0000")
    async with bench(tmp_path, world, settings=settings) as night:
        report = await night.run()
    assert report.exit_code == 0
    assert report.evidence is not None
    (said,) = report.evidence["troubles"]
    assert said.startswith("a witness does not have the head: s3://witness-two/heads")
    assert "wrong-secret-0000" not in said
