"""What a disk did not write is never taken for stored, however often it is asked; on ext4."""

import asyncio
import errno
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from archiver.errors import StorageError, StorageRefused, StorageUnreachable
from archiver.http.origins import OriginPolicy
from archiver.http.transport import GuardedTransport
from archiver.liner.models import Recording
from archiver.recordings.fetch import Fetcher
from archiver.recordings.spool import Spool
from archiver.sandbox.audio import wav
from archiver.sandbox.server import Sandbox
from archiver.sandbox.world import World
from archiver.secrets import Secret
from archiver.storage.base import Body, ObjectInfo
from archiver.storage.local.folder import LocalStorage
from archiver.storage.local.syncing import Syncing, Target
from archiver.storage.local.writing import Put
from archiver.storage.retrying import Retrying
from archiver.tasks.retry import RetryPolicy

pytestmark = pytest.mark.anyio

MIB, BLOCK = 2**20, 4096
WHOLE, LEFT = 64 * MIB, 24 * MIB
"""Bytes of the disk, and of its free space, which is all at its end."""

AUDIO = wav(3_000_000)
KEYS = [f"1/2/{number}.mp3" for number in range(6)]


def ran(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@dataclass
class Disk:
    """A disk with ext4, whose end can fail: nothing new is written then, and the system says so."""

    image: Path
    device: str
    place: Path

    @property
    def archive(self) -> Path:
        return self.place / "archive"

    def fail(self) -> None:
        self._resize(WHOLE - LEFT)

    def mend(self) -> None:
        self._resize(WHOLE)

    def sync(self) -> None:
        """What another program may do: errors are reported to it, and not to others after it."""
        subprocess.run(["sync", "--file-system", str(self.place)], check=False, capture_output=True)

    def restart(self) -> None:
        """Forget what is in memory."""
        self.mend()
        ran("umount", str(self.place))
        ran("mount", self.device, str(self.place))

    def _resize(self, size: int) -> None:
        ran("truncate", "--size", str(size), str(self.image))
        ran("losetup", "--set-capacity", self.device)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    image, place = tmp_path / "image", tmp_path / "disk"
    place.mkdir()
    device = ""
    try:
        ran("truncate", "--size", str(WHOLE), str(image))
        ran("mkfs.ext4", "-q", "-b", str(BLOCK), "-O", "^has_journal", str(image))
        device = ran("losetup", "--find", "--show", str(image))
        ran("mount", device, str(place))
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        if device:
            ran("losetup", "--detach", device)
        reason = f"no disk of its own can be made here: {getattr(error, 'stderr', None) or error}"
        print(reason, file=sys.stderr)
        pytest.skip(reason)
    try:
        (place / "archive/_archive/tmp").mkdir(parents=True)
        (place / "archive/1/2").mkdir(parents=True)
        free = int(ran("stat", "--file-system", "--format", "%f", str(place))) * BLOCK
        ran("fallocate", "--length", str(free - LEFT + MIB), str(place / "filler"))
        ran("sync", "--file-system", str(place))
        yield Disk(image, device, place)
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=False)
        ran("losetup", "--detach", device)


@pytest.mark.parametrize("others_sync_first", [False, True])
async def test_a_recording_that_the_disk_lost_is_fetched_again(
    disk: Disk, others_sync_first: bool
) -> None:
    world = World().call(1, talk=25).recording(11, audio=AUDIO)
    storage = LocalStorage(disk.archive)
    disk.fail()

    async def mended(_: float) -> None:
        disk.mend()

    def received(_: int) -> None:
        if others_sync_first:
            disk.sync()

    async with Sandbox(world) as sandbox:
        policy = OriginPolicy(sandbox.url)
        async with GuardedTransport(policy) as transport:
            fetcher = Fetcher(
                transport,
                policy,
                api_url=sandbox.url,
                api_key=Secret(sandbox.key),
                max_bytes=10**9,
                retry=RetryPolicy(attempts=2),
                stall=10,
                sleep=mended,
                on_bytes=received,
            )
            recording = Recording(11, file_url=f"{sandbox.url}/files/11.wav")
            async with Spool(storage.spool_folder, MIB).part() as part:
                fetched = await fetcher.fetch(recording, part)
                await storage.put(KEYS[0], fetched.body)
        assert len(sandbox.requests) == 2
    disk.restart()
    assert (disk.archive / KEYS[0]).read_bytes() == AUDIO.data


@pytest.mark.parametrize("syncs", [True, False])
async def test_a_complete_file_is_on_the_disk_unless_nobody_stores_it(
    disk: Disk, syncs: bool
) -> None:
    disk.fail()
    async with Spool(disk.archive, 0, syncs=syncs).part() as part:
        await part.add(AUDIO.data)
        if syncs:
            with pytest.raises(StorageUnreachable, match=f"file in {disk.archive}: ") as caught:
                await part.finish("audio/wav")
            assert caught.value.hint == "check the disk or the network share"
        else:
            body, _ = await part.finish("audio/wav")
            assert body.size == len(AUDIO.data)
    assert [path for path in disk.archive.iterdir() if path.is_file()] == []


async def test_a_sidecar_is_not_reported_as_replaced_if_the_disk_became_read_only_before_that(
    disk: Disk,
) -> None:
    class Failing(Syncing):
        def sync(self, targets: Iterable[Target]) -> dict[Target, OSError]:
            wanted = list(targets)
            if wanted != [str(disk.archive / "1/2")]:
                return super().sync(wanted)
            ran("mount", "-o", "remount,ro", str(disk.place))  # as ext4 does after an error
            return dict.fromkeys(wanted, OSError(errno.EIO, os.strerror(errno.EIO)))

    old = await LocalStorage(disk.archive).put(KEYS[0], Body.of(b"old"))
    storage = Retrying(LocalStorage(disk.archive, Failing), RetryPolicy(attempts=2, first_wait=0))
    with pytest.raises(StorageRefused, match="Read-only file system") as caught:
        await storage.put(KEYS[0], Body.of(b"new"), replacing=old.tag)
    assert caught.value.hint == "the file system is mounted read-only"


async def test_a_group_that_the_disk_lost_is_not_stored_even_if_another_program_synced_first(
    disk: Disk,
) -> None:
    class Second(Syncing):
        def sync(self, targets: Iterable[Target]) -> dict[Target, OSError]:
            disk.sync()
            return super().sync(targets)

    writer = LocalStorage(disk.archive, Second)._writer
    orders = [[Put(key, Body.of(AUDIO.data))] for key in KEYS]
    disk.fail()
    failed = await asyncio.to_thread(writer.put_all, orders)
    assert {type(one) for (one,) in failed} == {StorageUnreachable}
    disk.mend()
    ended: list[list[ObjectInfo | StorageError]] = await asyncio.to_thread(writer.put_all, orders)
    assert {type(one) for (one,) in ended} == {ObjectInfo}
    disk.restart()
    assert {(disk.archive / key).read_bytes() for key in KEYS} == {AUDIO.data}
