"""Work of a first index in separate processes, which share no interpreter with the pages."""

from collections.abc import Callable
from typing import Final, TypeVar

import anyio
import anyio.to_process

from archiver.errors import StorageError

T = TypeVar("T")


PROCESSES: Final = 2
"""To read and parse an archive takes more than twice as long as to write its index."""


class Processes:
    """Do pieces of work in separate processes, which are created when needed."""

    def __init__(self) -> None:
        self._limiter = anyio.CapacityLimiter(PROCESSES)

    async def do(self, work: Callable[[], T]) -> T:
        """The result of the work. StorageError if the process is killed: the index tries again."""
        try:
            return await anyio.to_process.run_sync(work, cancellable=True, limiter=self._limiter)
        except anyio.BrokenWorkerProcess as error:
            raise StorageError(
                "a process that reads the archive for the index ended unexpectedly"
            ) from error
