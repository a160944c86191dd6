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

Found = TypeVar("Found")

MOST_MEMORY: Final = 2 * 1024**3
"""Bytes of address space of a worker; libraries and figures of twelve hours take about 600 MB."""


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
        digest, received = hashlib.sha256(), 0
        async for chunk in chunks:
            received += len(chunk)
            if received > size:
                return None
            digest.update(chunk)
            await anyio.to_thread.run_sync(spool.write, chunk)
        await anyio.to_thread.run_sync(spool.flush)
        if digest.hexdigest() != sha256:
            return None
        return await work_on_file(Path(spool.name), work, patience=patience)


async def work_on_file(path: Path, work: Callable[[str], Found], *, patience: float) -> Found:
    """The result of `work`, a function of a module, for a file of our own; raises WorkerFailed."""
    try:
        with anyio.fail_after(patience):
            limited = partial(_limited, work, str(path))
            return await anyio.to_process.run_sync(limited, cancellable=True)
    except (TimeoutError, anyio.BrokenWorkerProcess, MemoryError) as error:
        raise WorkerFailed(str(error)) from error


def _spool(folder: Path) -> AbstractContextManager[IO[bytes]]:
    return tempfile.NamedTemporaryFile(dir=folder, suffix=".spool")


def _limited(work: Callable[[str], Found], path: str) -> Found:
    """`work` in a process whose memory is limited."""
    with suppress(ImportError, ValueError, OSError):  # not on Windows
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, most))
    return work(path)
