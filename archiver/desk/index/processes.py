"""Work of a first index in a separate process, which shares no interpreter with the pages."""

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_process

from archiver.errors import StorageError

T = TypeVar("T")


class OneProcess:
    """Does one piece of work at a time in a separate process, which is created when needed."""

    def __init__(self) -> None:
        self._limiter = anyio.CapacityLimiter(1)

    async def do(self, work: Callable[[], T]) -> T:
        """The result of the work. StorageError if the process is killed: the index tries again."""
        try:
            return await anyio.to_process.run_sync(work, cancellable=True, limiter=self._limiter)
        except anyio.BrokenWorkerProcess as error:
            raise StorageError(
                "the process that reads the archive for the index ended unexpectedly"
            ) from error
