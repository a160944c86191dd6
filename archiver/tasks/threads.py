"""Context managers that wait for a disk on entry and exit, without blocking the event loop."""

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
    """Create a context manager and enter and leave it in a worker thread.

    It is left in any case, even during a cancellation, and is not told which error ended the block.
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
    """An empty folder in the system's temporary folder, removed with its contents at the end."""
    async with entered(lambda: tempfile.TemporaryDirectory(prefix="archiver-")) as folder:
        yield Path(folder)
