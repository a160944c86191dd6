"""Whatever a decoder does, only its recording suffers."""

import hashlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

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
