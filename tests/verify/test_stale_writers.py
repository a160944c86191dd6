"""A writer that has lost the lock and does not know it: what it still writes is no damage."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Any

import anyio
import anyio.to_thread
import pytest
from msgspec.structs import replace

from archiver.archive.reindex import reindex
from archiver.archive.status import look
from archiver.config import Config, StorageConfig
from archiver.errors import KeyExists
from archiver.ledger.events import Gone
from archiver.ledger.lines import encode
from archiver.ledger.log import Ledger
from archiver.ledger.segments import Head
from archiver.storage.lease import LeaseTimes
from archiver.storage.s3.bucket import S3Storage
from archiver.verify.verify import Wanted, verify
from tests.storage.conftest import seaweed
from tests.storage.faulty_s3 import FaultyS3, Held, is_put
from tests.storage.s3_servers import RawBucket, S3Server
from tests.support.world import FIRST_NIGHT
from tests.verify.archives import AT_ONCE, Case
from tests.verify.media import Bucket, Folder

__all__ = ["seaweed"]

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("aws_environment", "shared_clients")]


IMPATIENT = LeaseTimes(dead_after=0.0)
"""Every lease that somebody else has is taken for a dead writer's."""


@pytest.fixture
def proxied(request: pytest.FixtureRequest) -> Iterator[tuple[S3Server, FaultyS3]]:
    server: S3Server = request.getfixturevalue(request.param)
    with FaultyS3(server.endpoint) as proxy:
        yield server, proxy


def line(number: int) -> bytes:
    event = Gone(record_id=number, call_id=number, missing_days=("2026-11-01",))
    return encode(FIRST_NIGHT, f"run-{number}", event)


async def is_sound(config: Config, state: Path) -> tuple[list[Any], list[str]]:
    verified = await verify(config, Wanted(), state_folder=state, patience=AT_ONCE)
    return verified.found.findings, list(verified.found.set_aside)


@pytest.mark.parametrize("proxied", ["moto", "seaweed"], indirect=True)
@pytest.mark.parametrize("held_back", [".jsonl", ".claim"])
async def test_a_segment_that_was_on_the_wire_when_the_lease_changed_hands_is_set_aside(
    pristine: Case,
    proxied: tuple[S3Server, FaultyS3],
    held_back: str,
    tmp_path: Path,
) -> None:
    server, proxy = proxied
    medium = Bucket(RawBucket(server, token_hex(4), "stale"))
    folder = Folder(pristine.root)
    for key in folder.listing():
        medium.write(key, folder.read(key))
    archive_id = medium.read("_archive/format.json").decode().split('"')[7]
    number, digest = pristine.segments()[-1]
    head = Head(int(number), digest)
    ours = S3Storage(medium.raw.name, medium.raw.prefix, S3Server(proxy.endpoint).config)
    theirs = S3Storage(medium.raw.name, medium.raw.prefix, server.config)
    writer = Ledger(theirs, archive_id, lease=IMPATIENT)
    held, outcome = Held(), []

    async def stale() -> None:
        try:
            await Ledger(ours, archive_id, lease=IMPATIENT).append([line(1)], after=head)
        except KeyExists as error:
            outcome.append(error)

    proxy.fault(is_put(held_back), held)
    async with anyio.create_task_group() as writers:
        writers.start_soon(stale)
        assert await anyio.to_thread.run_sync(held.has_come.wait, 20)
        winner = None
        with suppress(KeyExists):  # what lies there already is claimed for its writer
            winner = await writer.append([line(2)], after=head)
        held.released.set()
    storage = StorageConfig(f"s3://{medium.raw.name}/{medium.raw.prefix}", server.config)
    config = replace(pristine.config, storage=storage)
    findings, aside = await is_sound(config, pristine.state)
    assert findings == []
    if held_back == ".jsonl":
        assert winner is not None
        assert [type(one) for one in outcome] == [KeyExists]
        assert len(aside) == 1
    else:
        assert (outcome, aside) == ([], [])
    # A new machine reads the same, and writes on.
    for build in (look, reindex):
        await build(config, state_folder=tmp_path / "new")
    newest = winner.head if winner is not None else await _newest(theirs, archive_id)
    await writer.append([line(3)], after=newest)
    assert await is_sound(config, pristine.state) == ([], aside)
    await ours.aclose()
    await theirs.aclose()


async def _newest(storage: S3Storage, archive_id: str) -> Head:
    return [one.head async for one in Ledger(storage, archive_id).read_after(Head())][-1]
