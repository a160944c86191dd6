"""Verifies audio from an archive and processes it in a separate process.

Decoders are libraries in C that read untrusted data. A worker process has limits for memory and
time: if it crashes, hangs or grows too large, it is ended, and only its recording is affected.
"""

import hashlib
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, suppress
from functools import partial
from pathlib import Path
from typing import IO, Final, TypeVar

import anyio
import anyio.to_process
import anyio.to_thread

from archiver.tasks.contexts import entered
from archiver.tasks.lanes import answers_to

Found = TypeVar("Found")

MOST_MEMORY: Final = 2 * 1024**3
"""Bytes of address space of a worker; libraries and figures of twelve hours take about 600 MB."""

_WORTH_A_START: Final = 8 * 1024 * 1024
"""Bytes of audio that are read in about the time in which a worker starts and loads its libraries:
while so many are read, one is started. Fewer are read before it could help."""


class WorkerFailed(Exception):
    """The worker crashed, or was ended because of its time limit."""


async def work_on_audio(
    chunks: AsyncIterator[bytes],
    work: Callable[[str], Found],
    *,
    size: int,
    sha256: str,
    folder: Path,
    patience: float,
) -> Found | None:
    """The result of `work` for the audio, given as a path; None if the bytes do not match the
    digest.

    The bytes are kept in `folder` meanwhile. `work` must be a module-level function, since it runs
    in another process. Raises WorkerFailed if it crashes or takes longer than `patience` seconds,
    OSError of the folder, and the errors of `chunks`.
    """
    async with entered(partial(_spool, folder)) as spool:
        told = await answers_to(
            {
                "digest": partial(_copy, chunks, spool, size),
                "worker": partial(_prepare, work, size, patience),
            }
        )
        if told["digest"] != sha256:
            return None
        return await work_on_file(Path(spool.name), work, patience=patience)


async def work_on_file(path: Path, work: Callable[[str], Found], *, patience: float) -> Found:
    """The result of `work`, a function of a module, for a file of our own; raises WorkerFailed."""
    return await _in_worker(partial(_limited, work, str(path)), patience)


async def _in_worker(job: Callable[[], Found], patience: float) -> Found:
    try:
        with anyio.fail_after(patience):
            return await anyio.to_process.run_sync(job, cancellable=True)
    except (TimeoutError, anyio.BrokenWorkerProcess, MemoryError) as error:
        raise WorkerFailed(str(error)) from error


async def _copy(chunks: AsyncIterator[bytes], spool: IO[bytes], most: int) -> str | None:
    """The SHA-256 of the bytes, all of which are in the spool then; None for more than `most`."""
    digest, received = hashlib.sha256(), 0

    def keep(chunk: bytes) -> None:
        digest.update(chunk)
        spool.write(chunk)

    async for chunk in chunks:
        received += len(chunk)
        if received > most:
            return None
        await anyio.to_thread.run_sync(keep, chunk)
    await anyio.to_thread.run_sync(spool.flush)
    return digest.hexdigest()


async def _prepare(work: Callable[[str], Found], size: int, patience: float) -> None:
    """Have a worker that has loaded what `work` needs, if that takes no longer than reading `size`
    bytes, and no other work has to be waited for."""
    places = anyio.to_process.current_default_process_limiter()
    if size >= _WORTH_A_START and places.available_tokens >= 1:
        await _in_worker(partial(_loaded, work), patience)


def _loaded(work: Callable[[str], Found]) -> None:
    """Nothing more: to receive `work`, a worker imports its module."""


def _spool(folder: Path) -> AbstractContextManager[IO[bytes]]:
    return tempfile.NamedTemporaryFile(dir=folder, suffix=".spool")


def _limited(work: Callable[[str], Found], path: str) -> Found:
    """`work` in a process whose memory is limited."""
    with suppress(ImportError, ValueError, OSError):  # not on Windows
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, most))
    return work(path)
