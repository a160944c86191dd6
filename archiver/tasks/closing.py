"""Closing what was opened, also while everything around it is being cancelled."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Final, Protocol, TypeVar

import anyio

_LONGEST: Final = 30.0
"""Seconds that closing may take: a dead server must not keep a process from ending."""


class _Closable(Protocol):
    def aclose(self) -> Awaitable[None]: ...


T = TypeVar("T", bound=_Closable)


@asynccontextmanager
async def closed_at_the_end(opened: T) -> AsyncIterator[T]:
    """The same, for the block; then it is closed, and no cancellation interrupts that."""
    try:
        yield opened
    finally:
        with anyio.move_on_after(_LONGEST, shield=True):
            await opened.aclose()
