"""The desk on a socket, until it is stopped."""

import asyncio
import errno
import logging
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Final

import anyio
import anyio.lowlevel
import uvicorn

from archiver.clock import Clock
from archiver.config import Config
from archiver.errors import UsageError
from archiver.monitoring.rejected import OUT_OF_FILES, Turned, is_out_of_files
from archiver.web.app import create_app
from archiver.web.connections import Crowd, Deadlines, DeskConnection
from archiver.web.desk import open_desk
from archiver.web.metrics import serve_metrics
from archiver.web.planning import plans_at_work

_GRACE: Final = 2
"""Seconds for answers under way when the desk ends; a listener's stream is cut after that."""

_FILES_EVERY: Final = 1.0
"""Seconds."""

_SWITCH: Final = 0.0005
"""Seconds after which a thread lets another one run that waits for the interpreter. By default, it
is ten times as long, and the first sound of a call waits for threads several times."""

_DEADLINES: Final = Deadlines()


class _Server(uvicorn.Server):
    """uvicorn without its hands on signals: who runs the desk decides when it ends."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = anyio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and announce it."""
        await super().startup(sockets)
        self.listens.set()

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        """Leave them alone."""
        return nullcontext()


async def serve(
    config: Config,
    *,
    host: str,
    listener: socket.socket,
    state_folder: Path,
    clock: Clock,
    announce: Callable[[str], None],
    pack: Sequence[str],
    deadlines: Deadlines = _DEADLINES,
) -> None:
    """Serve the desk until cancelled; `announce` is called with its address once it listens.

    `host` is what `listener` listens on, as a person wrote it; the socket is closed at the end.
    `pack` is the command that makes the exports that people ask for (see `Packing`).
    Metrics are served beside it where the configuration asks for them.
    Waveforms are kept in the state folder. Raises what `open_desk` raises.
    """
    cache_folder = state_folder / "desk-cache"
    with listener, _switching_often():
        opened = open_desk(
            config,
            host=host,
            state_folder=state_folder,
            cache_folder=cache_folder,
            clock=clock,
            pack=pack,
        )
        async with opened as desk, plans_at_work(desk):
            crowd = Crowd(deadlines)
            _say_shortly(crowd.turned)
            server = _Server(settings(create_app(desk), crowd))
            counted = partial(
                serve_metrics, config, desk.library, state_folder=state_folder, clock=clock
            )
            async with anyio.create_task_group() as around:
                around.start_soon(_run, server, listener)
                around.start_soon(_watch_files, listener, crowd.turned)
                around.start_soon(counted)
                try:
                    await server.listens.wait()
                    announce(address(listener, desk.base))
                    await anyio.sleep_forever()
                finally:
                    server.should_exit = True


@contextmanager
def _switching_often() -> Iterator[None]:
    former = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH)
    try:
        yield
    finally:
        sys.setswitchinterval(former)


def settings(app: object, crowd: Crowd) -> uvicorn.Config:
    """The settings of uvicorn: no access log but ours, no server header, no proxies."""
    # What it logs of errors is either ours already, or the noise of strangers on the line.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        http=partial(DeskConnection, crowd=crowd),  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE,
    )


async def _watch_files(listener: socket.socket, turned: Turned) -> None:
    """Say so when there is no file descriptor for another connection: libuv's event loop closes
    such connections and tells nobody."""
    is_out = False
    while True:
        was_out, is_out = is_out, _is_out_of_files(listener)
        if is_out and not was_out:
            turned.away(OUT_OF_FILES)
        await anyio.sleep(_FILES_EVERY)


def _is_out_of_files(listener: socket.socket) -> bool:
    try:
        listener.dup().close()
    except OSError as error:
        return is_out_of_files(error)
    return False


def _say_shortly(turned: Turned) -> None:
    """Let Python's own event loop count what it could not accept, instead of a traceback each."""
    loop = asyncio.get_running_loop()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if is_out_of_files(context.get("exception")):
            turned.away(OUT_OF_FILES)
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there. UsageError if that is impossible."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, place = found[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(place)
            listener.listen(128)
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        is_taken = error.errno in (errno.EADDRINUSE, errno.EACCES)
        raise UsageError(
            f"port {port} is not available on {host}: {error.strerror or error}",
            hint="choose another with --port N; 0 means any free port"
            if is_taken
            else "set --host to an address of this machine; 0.0.0.0 means all of them",
        ) from None
    listener.setblocking(False)
    return listener


def address(listener: socket.socket, base: str) -> str:
    """Where to go with a browser; for a socket on every interface, from this machine."""
    host, port = listener.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"  # noqa: S104
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}{base}/"


async def _run(server: uvicorn.Server, listener: socket.socket) -> None:
    """Shielded: who cancels waits here until the server has ended in order."""
    with anyio.CancelScope(shield=True):
        await server.serve(sockets=[listener])
        # A browser that has heard enough stops reading, and would keep its connection for ever.
        for connection in list(server.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        await anyio.lowlevel.checkpoint()
