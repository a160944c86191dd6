"""Context managers whose end must not be skipped, nor block the event loop."""

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Final, Protocol, TypeVar

import anyio
from anyio import to_thread

_LONGEST: Final = 30.0
"""Seconds that closing may take: a dead server must not keep a process from ending."""


class _Closable(Protocol):
    def aclose(self) -> Awaitable[None]: ...


T = TypeVar("T")
Closable = TypeVar("Closable", bound=_Closable)


@asynccontextmanager
async def closed_at_the_end(opened: Closable) -> AsyncIterator[Closable]:
    """Close it when the context is left; a cancellation does not interrupt that."""
    try:
        yield opened
    finally:
        with anyio.move_on_after(_LONGEST, shield=True):
            await opened.aclose()


@asynccontextmanager
async def entered(make: Callable[[], AbstractContextManager[T]]) -> AsyncIterator[T]:
    """Create a context manager and enter and leave it in a worker thread.

    It is always left, even during a cancellation, but never receives the exception of the block.
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
