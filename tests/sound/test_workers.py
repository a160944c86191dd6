"""Whatever a decoder does, only its recording suffers."""

import hashlib
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest

from archiver.sound.workers import MOST_MEMORY, WorkerFailed, work_on_audio

DATA = b"RIFF and so on" * 1000
SHA256 = hashlib.sha256(DATA).hexdigest()

pytestmark = pytest.mark.anyio


def size_of(path: str) -> int:
    return Path(path).stat().st_size


def crash(path: str) -> int:
    os.kill(os.getpid(), signal.SIGSEGV)
    return 0


def hang(path: str) -> int:
    signal.pause()
    return 0


def swell(path: str) -> int:
    return len(bytearray(MOST_MEMORY))


@dataclass
class Announced:
    """Work that leaves a mark where it arrives, before it is done."""

    mark: Path

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.mark.touch()

    def __call__(self, path: str) -> int:
        return size_of(path)


async def served(data: bytes = DATA) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 999):
        yield data[start : start + 999]


async def test_the_worker_gets_the_bytes_and_nothing_is_left_of_them(tmp_path: Path) -> None:
    found = await work_on_audio(
        served(), size_of, size=len(DATA), sha256=SHA256, folder=tmp_path, patience=60
    )
    assert found == len(DATA)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("data", [DATA[:-1], DATA + b"!", b"?" + DATA[1:]])
async def test_bytes_that_are_not_those_promised_reach_no_decoder(
    tmp_path: Path, data: bytes
) -> None:
    found = await work_on_audio(
        served(data), crash, size=len(DATA), sha256=SHA256, folder=tmp_path, patience=60
    )
    assert found is None


@pytest.mark.parametrize(("work", "patience"), [(crash, 60), (swell, 60), (hang, 0.2)])
async def test_a_crash_a_hang_and_a_swelling_are_one_failure_of_one_recording(
    tmp_path: Path, work: object, patience: float
) -> None:
    assert callable(work)
    with pytest.raises(WorkerFailed):
        await work_on_audio(
            served(), work, size=len(DATA), sha256=SHA256, folder=tmp_path, patience=patience
        )
    assert list(tmp_path.iterdir()) == []
    again = await work_on_audio(
        served(), size_of, size=len(DATA), sha256=SHA256, folder=tmp_path, patience=60
    )
    assert again == len(DATA)


async def test_a_worker_gets_ready_while_long_audio_is_read(tmp_path: Path) -> None:
    spools, mark = tmp_path / "spools", tmp_path / "ready"
    spools.mkdir()
    piece = bytes(1024 * 1024)

    async def read_slowly() -> AsyncIterator[bytes]:
        for _ in range(15):
            yield piece
        with anyio.fail_after(60):
            while not mark.exists():
                await anyio.sleep(0.01)
        yield piece

    sha256 = hashlib.sha256(16 * piece).hexdigest()
    found = await work_on_audio(
        read_slowly(),
        Announced(mark),
        size=16 * len(piece),
        sha256=sha256,
        folder=spools,
        patience=60,
    )
    assert found == 16 * len(piece)
    assert list(spools.iterdir()) == []
