"""The child processes of a run: how many there are, and how each is started and ended.

What a child imports takes as long as all that a run does before it has work for one. So children
can be started ahead: then they import while the run does.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from typing import Final

import anyio

from archiver.config import Config
from archiver.tasks.children import child_command

PAYS_FROM: Final = 400.0
"""Requests per second from which a second process pays off. One process can list, fetch and store
this many recordings per second, with one request each; below, it mostly waits for the API."""

MOST_THAT_PAY: Final = 2
"""Listing and recording, for which the run's own process may have a core of its own, take as long
as each of two other processes takes for its half of fetching and storing (measured), so a third one
would only wait."""

CORES_THAT_PAY: Final = 2
"""On two cores, the run's own process and one child take less time than one process from a few
hundred new recordings on, and no more with fewer (measured)."""

CORES_THAT_PAY_TO_S3: Final = 3
"""A run to S3 waits for the storage as well, and where two cores are busy with both (a server on
the same machine), two processes take longer than one (measured)."""

_PATIENCE: Final = 2.0
"""Seconds after which a child that was asked to end is killed."""

_READ_AHEAD: Final = 1024 * 1024

_AHEAD: ContextVar[list[asyncio.subprocess.Process]] = ContextVar("_AHEAD")
"""Children that were started ahead, and have no work yet."""


def available_cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0))


def processes_of(config: Config, cores: int) -> int:
    """The number of processes that fetch and store; 1 means the run's own."""
    download = config.download
    least_cores = CORES_THAT_PAY if config.storage.is_local else CORES_THAT_PAY_TO_S3
    if download.processes is not None:
        wanted = download.processes
    elif config.api.requests_per_second < PAYS_FROM or cores < least_cores:
        wanted = 1
    else:
        wanted = MOST_THAT_PAY
    return min(wanted, download.workers)


def children_of(config: Config, cores: int) -> int:
    """The number of child processes of a run. None if its own process, or Dask, does the work.

    The run's own process lists and records, and has a core of its own for that, if there is one.
    If not, it does not only coordinate: it is one of the processes that fetch and store.
    """
    if config.dask.scheduler is not None:
        return 0
    processes = processes_of(config, cores)
    return processes if 1 < processes < cores else processes - 1


@asynccontextmanager
async def started_ahead(children: int) -> AsyncIterator[None]:
    """Start so many children, for the runs in this context. Those without work end with it.

    An error is not raised here, but when a run needs a child and cannot start one either.
    """
    ahead: list[asyncio.subprocess.Process] = []
    token = _AHEAD.set(ahead)
    try:
        with suppress(OSError):
            while len(ahead) < children:
                ahead.append(await _start())
        yield
    finally:
        _AHEAD.reset(token)
        with anyio.CancelScope(shield=True):
            for process in ahead:
                await kill_child(process)


async def next_child() -> asyncio.subprocess.Process:
    """A child that waits for its first message. Raises OSError if none can be started."""
    ahead = _AHEAD.get([])
    while ahead:
        process = ahead.pop()
        if process.returncode is None:
            return process
    return await _start()


async def end_child(process: asyncio.subprocess.Process) -> int:
    """Close its input to make it exit, kill it if it does not, and return its exit code."""
    if process.stdin is not None:
        process.stdin.close()
    with anyio.move_on_after(_PATIENCE):
        return await process.wait()
    return await kill_child(process)


async def kill_child(process: asyncio.subprocess.Process) -> int:
    """Kill it, if it has not ended, and return its exit code."""
    with suppress(ProcessLookupError):
        process.kill()
    return await process.wait()


async def _start() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *child_command("archiver.crew.child"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_READ_AHEAD,
        start_new_session=True,
    )
