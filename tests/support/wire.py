"""A network between two processes that fails on cue: it gets silent, it is cut, it is mended.

    with wire_to(8786) as wire:
        ... connect to wire.port ...
        wire.silence()

A silent wire takes what it is sent, and connections too, and delivers nothing of it before it is
mended: neither side is told anything, as where a cable was pulled. A cut one resets its connections
and those that are tried.
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread

_RESETS = struct.pack("ii", 1, 0)
"""Of SO_LINGER: closing sends a reset."""


class Wire:
    """Carries the bytes of every connection to `port` on loopback to the port `target` of `host`.

    It works on a thread of its own; every method may be called from any thread.
    """

    def __init__(self, target: int, host: str) -> None:
        self.port = 0
        self.host = host
        self.target = target
        self.heard: Callable[[bytes], object] = lambda sent: None
        """Called on its thread with each piece that it was sent, before that is delivered. If it
        silences the wire, that piece is the last one."""
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="wire")
        self._delivers = asyncio.Event()
        self._lets_go = asyncio.Event()
        self._is_cut = False
        self._here: set[asyncio.StreamWriter] = set()
        self._ends: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def silence(self) -> None:
        """Deliver nothing from now on."""
        self._loop.call_soon_threadsafe(self._delivers.clear)

    def cut(self) -> None:
        """Reset everything from now on."""
        self._loop.call_soon_threadsafe(self._cut)

    def cut_here(self) -> None:
        """Reset the connections of those who connected, now, and keep what they were connected to
        waiting until `let_go`: it does not hear of it, as behind a firewall that lost its state."""
        self._loop.call_soon_threadsafe(self._cut_here)

    def let_go(self) -> None:
        """Let it hear of it."""
        self._loop.call_soon_threadsafe(self._lets_go.set)

    def mend(self) -> None:
        """Deliver what is held back, and all that comes."""
        self._loop.call_soon_threadsafe(self._mend)

    def start(self) -> None:
        """Listen."""
        self._delivers.set()
        self._lets_go.set()
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()

    def stop(self) -> None:
        """Reset all connections, and listen no more."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _mend(self) -> None:
        self._is_cut = False
        self._delivers.set()

    def _cut_here(self) -> None:
        self._lets_go.clear()
        for one in list(self._here):
            _reset(one)

    def _cut(self) -> None:
        self._is_cut = True
        self._delivers.set()
        self._lets_go.set()
        for one in list(self._ends):
            _reset(one)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        self._cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._ends.add(writer)
        self._here.add(writer)
        try:
            await self._delivers.wait()
            if self._is_cut:
                return
            there, back = await asyncio.open_connection(self.host, self.target)
            self._ends.add(back)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._carry(reader, back))
                group.create_task(self._carry(there, writer))
            self._ends.discard(back)
        except OSError:
            pass
        finally:
            self._ends.discard(writer)
            self._here.discard(writer)
            self._tasks.discard(task)
            _reset(writer)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while sent := await reader.read(1 << 16):
                self.heard(sent)
                await self._delivers.wait()
                writer.write(sent)
                await writer.drain()
        await self._delivers.wait()
        await self._lets_go.wait()
        writer.close()


def _reset(end: asyncio.StreamWriter) -> None:
    found = end.get_extra_info("socket")
    if found is not None and found.fileno() >= 0:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESETS)
    end.transport.abort()


@contextmanager
def wire_to(target: int, host: str = "127.0.0.1") -> Iterator[Wire]:
    """A wire to the port of the host."""
    wire = Wire(target, host)
    wire.start()
    try:
        yield wire
    finally:
        wire.stop()
