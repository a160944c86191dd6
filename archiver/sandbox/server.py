"""The sandbox itself: a Liner API over a world, on loopback sockets, with faults on cue.

Three ways to run it: `async with Sandbox(world)` in the loop of a test, `with sandbox_thread(...)`
in a thread of its own (for tests that start the command line), `await serve(...)` as a command.
"""

import asyncio
import contextlib
import ipaddress
import os
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from anyio.from_thread import start_blocking_portal

from archiver.errors import UsageError
from archiver.sandbox.closing import close_servers
from archiver.sandbox.cues import Cues, Fault
from archiver.sandbox.exchange import API, Answer, Request, Route, refusal, success
from archiver.sandbox.fileserver import Addresses
from archiver.sandbox.model import Source
from archiver.sandbox.routes import Routes, find_route
from archiver.sandbox.sample_world import sample_world
from archiver.sandbox.wire import LONGEST_HEAD, Head, converse

KEY = "sandbox-key"
_REMEMBERED = 100_000


@dataclass(frozen=True)
class Logged:
    """A request that was answered. `status` 0: there was no answer.

    `key_sent`: it bore an X-Api-Key, right or wrong; `at_other`: it came to the second origin.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    route: Route
    id: int | None
    status: int
    key_sent: bool
    at_other: bool
    range: str | None


class Sandbox:
    """A Liner API on a loopback socket, from `async with` on.

    `faults` may be changed while it serves (`sandbox.faults.add(...)`, `.clear()`), and so may the
    world. With `lifetime` the addresses of files are signed and expire after so many seconds.
    Raises UsageError when `host` is not a loopback address or the port cannot be had.
    """

    def __init__(
        self,
        world: Source | None = None,
        *,
        faults: Iterable[Fault | Iterable[Fault]] = (),
        key: str = KEY,
        host: str = "127.0.0.1",
        port: int = 0,
        lifetime: float | None = None,
        remember: int = _REMEMBERED,
    ) -> None:
        self.world: Source = sample_world() if world is None else world
        self.faults = Cues()
        self.faults.add(*faults)
        self.key = key
        self.url = self.other = ""
        self.requests: deque[Logged] = deque(maxlen=remember)
        self._counts: Counter[Route] = Counter()
        self._came = threading.Condition()
        self._routes = Routes(self.world, Addresses(key, lifetime))
        self._host, self._port = host, port
        self._servers: list[asyncio.Server] = []
        self._conversations: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._is_closing = False

    def count(self, route: Route | None = None, of: int | None = None) -> int:
        """Requests so far: all, of a route, or of one id (as far as still remembered)."""
        if of is None:
            return self._counts.total() if route is None else self._counts[route]
        return sum(1 for each in self.requests if each.route is route and each.id == of)

    def wait_for(
        self, route: Route | None = None, of: int | None = None, *, least: int = 1, patience: float
    ) -> None:
        """Blocks a thread that is not its own until so many requests came, counted as by `count`.

        Raises TimeoutError when they have not come within so many seconds.
        """
        with self._came:
            if not self._came.wait_for(lambda: self.count(route, of) >= least, patience):
                raise TimeoutError(f"{self.count(route, of)} requests came, not {least}")

    def forget(self) -> None:
        """Empties the log and the counts."""
        self.requests.clear()
        self._counts.clear()

    async def __aenter__(self) -> Self:
        _refuse_open_host(self._host)
        self.url = await self._listen(self._port, at_other=False)
        self.other = await self._listen(0, at_other=True)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_closing = True
        await close_servers(self._servers, self._conversations)

    async def _listen(self, port: int, *, at_other: bool) -> str:
        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if self._is_closing:
                writer.transport.abort()
                return
            task = asyncio.ensure_future(self._talk(reader, writer, at_other=at_other))
            self._conversations[task] = writer
            task.add_done_callback(self._conversations.pop)

        try:
            server = await asyncio.start_server(connected, self._host, port, limit=LONGEST_HEAD)
        except OSError as error:
            hint = "Choose another port; 0 means any free port."
            raise UsageError(
                f"port {port} is not available: {os.strerror(error.errno or 0)}", hint=hint
            ) from None
        self._servers.append(server)
        bound = server.sockets[0].getsockname()[1]
        name = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{name}:{bound}"

    async def _talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, at_other: bool
    ) -> None:
        try:
            await converse(reader, writer, lambda head: self._answer(head, at_other=at_other))
            writer.close()
            await writer.wait_closed()
        except (ConnectionError, asyncio.CancelledError):
            """The client left, or the sandbox stops: nobody awaits this task."""
        finally:
            writer.transport.abort()

    def _answer(self, head: Head, *, at_other: bool) -> Answer:
        parts = urlsplit(head.target)
        path = unquote(parts.path)
        query = tuple(parse_qsl(parts.query, keep_blank_values=True))
        route, found = find_route(path, dict(query))
        request = Request(
            head.method, path, query, head.headers, route, found, self.url, self.other, head.target
        )
        answer = self._reply(request)
        sent = "x-api-key" in head.headers
        status, span = 0 if answer.silent else answer.status, head.headers.get("range")
        with self._came:
            self._counts[route] += 1
            self.requests.append(
                Logged(head.method, path, query, route, found, status, sent, at_other, span)
            )
            self._came.notify_all()
        return answer

    def _reply(self, request: Request) -> Answer:
        if request.method != "GET":
            return refusal(405, "Only GET is served here.")
        if request.route in API and request.headers.get("x-api-key") != self.key:
            return refusal(401, "The API key is missing or wrong.")
        asked = self.faults.ask(request, self.world)
        if isinstance(asked, Answer):
            return self.faults.answer(request, asked)
        reply = self._routes.reply(asked)
        if not isinstance(reply, Answer):
            reply = success(self.faults.shape(asked, reply))
        return self.faults.answer(asked, reply)


def _refuse_open_host(host: str) -> None:
    try:
        is_open = host != "localhost" and not ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_open = True
    if is_open:
        hint = "The sandbox has no real security; use 127.0.0.1."
        raise UsageError(f"the sandbox listens on loopback only, not on {host}", hint=hint)


@contextlib.contextmanager
def sandbox_thread(sandbox: Sandbox) -> Iterator[Sandbox]:
    """Runs a sandbox in a thread and a loop of its own until the block ends.

    Its faults, its world and its log may be used from the thread of the caller.
    """
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(sandbox):
        yield sandbox


async def serve(
    host: str,
    port: int,
    announce: Callable[[str, str], None],
    *,
    world: Source | None = None,
    faults: Iterable[Fault] = (),
) -> None:
    """Serves until it is cancelled; calls `announce(url, key)` once it listens.

    Serves the sample world unless given another. Raises UsageError as `Sandbox` does.
    """
    async with Sandbox(world, faults=faults, host=host, port=port, remember=0) as sandbox:
        announce(sandbox.url, sandbox.key)
        await asyncio.Event().wait()
