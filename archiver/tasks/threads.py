"""What waits for a disk at its beginning and its end, on an event loop that it does not hold up."""

import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeVar

import anyio
from anyio import to_thread

T = TypeVar("T")


@asynccontextmanager
async def entered(make: Callable[[], AbstractContextManager[T]]) -> AsyncIterator[T]:
    """Make a context manager and enter it in a worker thread; leave it in one at the end.

    It is left whatever happens, also while everything around is being cancelled, and does not
    learn which error ended the block.
    """
    stack = ExitStack()
    value = await to_thread.run_sync(lambda: stack.enter_context(make()))
    try:
        yield value
    finally:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(stack.close)


@asynccontextmanager
async def scratch_folder() -> AsyncIterator[Path]:
    """An empty folder in the system's temporary one, removed at the end with all that it holds."""
    async with entered(lambda: tempfile.TemporaryDirectory(prefix="archiver-")) as folder:
        yield Path(folder)
