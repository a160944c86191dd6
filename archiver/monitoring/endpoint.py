"""The HTTP endpoint of `run --every` and `serve`: /metrics, and /healthz for service managers.

It answers from a thread of its own, so it answers while a run is busy; and it says that all is well
only while the main loop keeps showing signs of life. How the last verification ended is a line more
there and changes no status: a restart mends no damage, and alerts and notices tell of it.
"""

import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET, AF_INET6
from typing import Any, Final

from archiver.config import ListenAddress
from archiver.errors import ConfigError
from archiver.monitoring.rejected import OUT_OF_FILES, Turned, is_out_of_files, room_for

LONGEST_SILENCE: Final = 300.0
"""Seconds without a sign of life after which the process counts as blocked. The loop gives one
every few seconds, and a machine that is busy or suspended must not be restarted for it."""

_CLIENT_SECONDS: Final = 10.0
"""Seconds for a whole request and its response, however slowly the bytes arrive."""
_PAUSE: Final = 0.2
_MOST: Final = 32
"""Simultaneous connections: beyond that the oldest one is closed."""


class Pulse:
    """When the main loop last showed a sign of life, by a clock that never jumps."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()

    def beat(self) -> None:
        """Show a sign of life."""
        self._last = self._clock()

    @property
    def is_alive(self) -> bool:
        """Whether there was one lately."""
        return self._clock() - self._last < LONGEST_SILENCE


class _Hurried(io.RawIOBase):
    """The request of a client, within its time; TimeoutError after that."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._connection = connection
        self._until = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


def _nothing() -> str:
    return ""


@contextmanager
def endpoint(
    address: ListenAddress,
    metrics: Callable[[], bytes],
    pulse: Pulse,
    *,
    health: Callable[[], str] = _nothing,
) -> Iterator[int]:
    """Listen on that address during the block; yields the port. ConfigError if that is
    impossible. `health` returns further lines for /healthz.
    """
    try:
        server = _server(address, metrics, pulse, health)
    except OSError as error:
        raise ConfigError(
            f"metrics.listen: {address.host} port {address.port} is not available: "
            f"{error.strerror}",
            hint="choose another port, or stop the process that uses it",
        ) from None
    with server:
        thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    """A thread for each connection, of which there are a few at a time."""

    daemon_threads = True
    request_queue_size = 128  # beyond the 5 of the library, the system lets clients wait a second
    turned = Turned("the port of metrics.listen")
    most = room_for(_MOST)

    def server_activate(self) -> None:
        super().server_activate()
        self.open: dict[socket.socket, None] = {}

    def get_request(self) -> tuple[socket.socket, Any]:
        try:
            return super().get_request()
        except OSError as error:
            if is_out_of_files(error):
                self.turned.away(OUT_OF_FILES)
                time.sleep(_PAUSE)  # it would be asked again at once, and for ever
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        """Respond in a separate thread; beyond the limit the oldest connection is closed."""
        if len(self.open) >= self.most:
            oldest = next(iter(self.open))
            self.turned.away("too many connections")
            self.open.pop(oldest, None)
            with suppress(OSError):
                oldest.shutdown(socket.SHUT_RDWR)
        self.open[request] = None
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, *_: object) -> None:
        """Log nothing: a client that went away is no problem."""


def _server(
    address: ListenAddress,
    metrics: Callable[[], bytes],
    pulse: Pulse,
    health: Callable[[], str],
) -> ThreadingHTTPServer:
    from archiver.monitoring.metrics import CONTENT_TYPE

    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version, timeout = "archiver", "", _CLIENT_SECONDS

        def setup(self) -> None:
            super().setup()
            self.rfile = io.BufferedReader(_Hurried(self.connection, _CLIENT_SECONDS))

        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, CONTENT_TYPE, metrics())
            elif self.path == "/healthz":
                status, said = (200, "ok") if pulse.is_alive else (503, "the main loop hangs")
                self._answer(status, "text/plain", f"{said}\n{health()}".encode())
            else:
                self._answer(404, "text/plain", b"/metrics and /healthz are here\n")

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing: frequent requests would fill the log."""

    class Server(_Server):
        address_family = AF_INET6 if ":" in address.host else AF_INET

    return Server((address.host, address.port), Handler)
