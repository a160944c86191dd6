"""The end of servers on asyncio's streams, after which no socket of theirs is open."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import anyio

Conversations: TypeAlias = Mapping["asyncio.Task[None]", asyncio.StreamWriter]

_GRACE: Final = 5.0
"""Seconds for the end of every conversation; each has been cancelled by then."""

_TURNS: Final = 3
"""Turns of the loop from the accept of a connection until it can be closed: asyncio makes its
transport, then makes the connection known, then closes what was refused."""


async def close_servers(servers: Sequence[asyncio.Server], conversations: Conversations) -> None:
    """Take no new connection, and end those that there are. No cancellation interrupts it.

    A connection that is only now made known is to be refused, by `transport.abort()`.
    """
    with anyio.move_on_after(_GRACE, shield=True):
        for listening in (one for server in servers for one in server.sockets):
            asyncio.get_running_loop().remove_reader(listening)
        for _ in range(_TURNS):
            await asyncio.sleep(0)  # a server that is closed now would lose what it has accepted
        for server in servers:
            server.close()
        held = dict(conversations)
        for task, writer in held.items():
            task.cancel()
            writer.transport.abort()  # a task that has not begun closes nothing by itself
        closings = [writer.wait_closed() for writer in held.values()]
        await asyncio.gather(*held, *closings, return_exceptions=True)
        for server in servers:
            await server.wait_closed()
