"""The child processes of a run: how many there are, and how each is started and ended.

What a child imports takes as long as all that a run does before it has work for one. So those of a
single run are forked ahead (`forking`), and only others are started as a new Python.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, Protocol

import anyio

from archiver.config import Config
from archiver.crew.frames import READ_AHEAD
from archiver.tasks.children import child_command

if TYPE_CHECKING:
    from archiver.crew.forking import Forked

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

_AHEAD: ContextVar[list["Forked"]] = ContextVar("_AHEAD")
"""Children that were forked ahead, and have no work yet."""


class Child(Protocol):
    """A child process, as far as its run has to do with it: see `asyncio.subprocess.Process`."""

    @property
    def pid(self) -> int:
        """Its number."""

    @property
    def returncode(self) -> int | None:
        """How it ended; None as long as it has not."""

    @property
    def stdin(self) -> asyncio.StreamWriter | None:
        """Where messages to it are written."""

    @property
    def stdout(self) -> asyncio.StreamReader | None:
        """Where its messages are read."""

    def kill(self) -> None:
        """Kill it. Raises ProcessLookupError if it has ended."""

    async def wait(self) -> int:
        """Its exit code, or the negative number of the signal that ended it, once it has ended."""


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


def shares_of(config: Config, cores: int) -> tuple[int, int]:
    """How many recordings each child and the run's own process download at a time: 0 for the latter
    if it only lists and records. Together they are never more than `download.workers`."""
    workers, children = config.download.workers, children_of(config, cores)
    processes = processes_of(config, cores)
    each = workers // processes
    return each, workers - children * each if children < processes else 0


@contextmanager
def forked_ahead(children: int) -> Iterator[None]:
    """Fork so many children, for the runs in this context. Those without work end with it.

    Where it is not possible, a run starts its children when it needs them.
    """
    if not children:
        yield
        return

    from archiver.crew.forking import (  # imports what children need
        Forked,
        can_fork,
        fork,
        signals_held,
    )

    ahead: list[Forked] = []
    can_fork_now = can_fork()  # asked once: the pipes of the first child are open files, too
    token = _AHEAD.set(ahead)
    try:
        with suppress(OSError), signals_held():
            while can_fork_now and len(ahead) < children:
                ahead.append(fork())
        yield
    finally:
        _AHEAD.reset(token)
        for child in ahead:
            child.end()


async def next_child() -> Child:
    """A child that waits for its first message. Raises OSError if none can be started."""
    if ahead := _AHEAD.get([]):
        with anyio.CancelScope(shield=True):  # else nobody would end it
            return await ahead.pop().connected()
    return await asyncio.create_subprocess_exec(
        *child_command("archiver.crew.child"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=READ_AHEAD,
        start_new_session=True,
    )


async def end_child(process: Child) -> int:
    """Close its input to make it exit, kill it if it does not, and return its exit code."""
    if process.stdin is not None:
        process.stdin.close()
    with anyio.move_on_after(_PATIENCE):
        return await process.wait()
    return await kill_child(process)


async def kill_child(process: Child) -> int:
    """Kill it, if it has not ended, and return its exit code."""
    with suppress(ProcessLookupError):
        process.kill()
    return await process.wait()
