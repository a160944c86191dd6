"""A real HTTP server that notices are sent to, and what it heard."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from msgspec.structs import replace

from archiver.monitoring.notify import DELIVERY_RETRY

PATIENCE = 30.0
AT_ONCE = replace(DELIVERY_RETRY, first_wait=0.001, greatest_wait=0.002)
"""A notice that is sent again takes no time."""


@dataclass
class Heard:
    """A request: its method, its path with the query, its headers, its body."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        told = json.loads(self.body)
        assert isinstance(told, dict)
        return told


@dataclass
class Hooks:
    """Where the server is, how it answers (a status for each request, the last for all that follow,
    and a place to redirect to), and what it heard."""

    url: str = ""
    statuses: list[int] = field(default_factory=lambda: [200])
    location: str = ""
    heard: list[Heard] = field(default_factory=list)
    came: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, kind: str, least: int = 1) -> None:
        """Wait until so many notices of the kind came."""
        with self.came:
            assert self.came.wait_for(lambda: self.kinds.count(kind) >= least, PATIENCE), self.kinds

    @property
    def notices(self) -> list[dict[str, Any]]:
        return [one.told for one in self.heard if one.method == "POST"]

    @property
    def kinds(self) -> list[str]:
        return [one["kind"] for one in self.notices]

    @property
    def beats(self) -> int:
        return sum(one.method == "GET" for one in self.heard)


@contextmanager
def hooks() -> Iterator[Hooks]:
    found = Hooks()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._hear()

        def do_POST(self) -> None:
            self._hear()

        def _hear(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length)
            with found.came:
                found.heard.append(Heard(self.command, self.path, dict(self.headers), body))
                found.came.notify_all()
            statuses = found.statuses
            self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
            if found.location:
                self.send_header("Location", found.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Tests say what they heard themselves."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()
