"""The HTTP endpoint of `run --every` and `serve`: /metrics, and /healthz for whoever restarts them.

It answers from a thread of its own, so it answers while a run is busy; and it says that all is well
only while the main loop keeps showing signs of life.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET, AF_INET6
from typing import Final

from archiver.config import ListenAddress
from archiver.errors import ConfigError

LONGEST_SILENCE: Final = 300.0
"""Seconds without a sign of life after which the process is taken to hang. The loop gives one every
few seconds, and a machine that is busy or suspended must not be restarted for it."""

_CLIENT_SECONDS: Final = 10.0


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


@contextmanager
def endpoint(address: ListenAddress, metrics: Callable[[], bytes], pulse: Pulse) -> Iterator[int]:
    """Listen there as long as the block lasts; gives the port. ConfigError when that cannot be."""
    try:
        server = _server(address, metrics, pulse)
    except OSError as error:
        raise ConfigError(
            f"metrics.listen: {address.host} port {address.port} cannot be had: {error.strerror}",
            hint="choose another port, or end what listens there",
        ) from None
    with server:
        thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def _server(
    address: ListenAddress, metrics: Callable[[], bytes], pulse: Pulse
) -> ThreadingHTTPServer:
    from archiver.monitoring.metrics import CONTENT_TYPE

    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version, timeout = "archiver", "", _CLIENT_SECONDS

        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, CONTENT_TYPE, metrics())
            elif self.path == "/healthz":
                said = (200, b"ok\n") if pulse.is_alive else (503, b"the main loop hangs\n")
                self._answer(said[0], "text/plain", said[1])
            else:
                self._answer(404, "text/plain", b"/metrics and /healthz are here\n")

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing: whoever asks every few seconds would fill the log."""

    class Server(ThreadingHTTPServer):
        address_family = AF_INET6 if ":" in address.host else AF_INET
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Say nothing: a client that went away concerns nobody."""

    return Server((address.host, address.port), Handler)
