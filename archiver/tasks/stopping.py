"""Ending work early on request."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio

from archiver.tasks.lanes import one_failure


@asynccontextmanager
async def cancelled_by(stop: anyio.Event) -> AsyncIterator[Callable[[], None]]:
    """Cancel the body when `stop` is set, unless it has called what it is given by then.

    A body calls that when it looks after `stop` itself from here on. What it raises comes out as it
    is, not in a group.
    """

    async def watch(armed: anyio.CancelScope, body: anyio.CancelScope) -> None:
        with armed:
            await stop.wait()
            body.cancel()

    with one_failure():
        async with anyio.create_task_group() as group:
            armed = anyio.CancelScope()
            group.start_soon(watch, armed, group.cancel_scope)
            yield armed.cancel
            armed.cancel()
