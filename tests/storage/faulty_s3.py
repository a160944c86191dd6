"""A proxy before a real S3 server that answers as some servers do, or as a bad day does.

    with FaultyS3(server.endpoint) as proxy:
        proxy.fault(is_put("/lock"), without_header("ETag"))

It passes every request on as it came, `Host` included, so signatures stay right. A fault is a
function that gets the request and a way to pass it on, and returns the answer: it may wait, may
change what came back, or never ask at all. Real sockets, a thread for each connection.
"""

import http.client
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self, TypeAlias
from urllib.parse import urlsplit

_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


@dataclass(frozen=True)
class Request:
    """A request as the client sent it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def is_list(self) -> bool:
        return "list-type=2" in self.target


@dataclass(frozen=True)
class Answer:
    """What goes back. `is_cut` closes the connection before any of it."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    is_cut: bool = False


Forward: TypeAlias = Callable[[], Answer]
Fault: TypeAlias = Callable[[Request, Forward], Answer]
Matches: TypeAlias = Callable[[Request], bool]


@dataclass
class _Rule:
    matches: Matches
    fault: Fault
    left: int


class FaultyS3:
    """A proxy to one S3 server. `seen` are all requests so far, in order."""

    def __init__(self, server: str) -> None:
        self._server = urlsplit(server)
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()
        self.seen: list[Request] = []
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.proxy = self
        self.endpoint = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def fault(self, matches: Matches, fault: Fault, *, times: int = 1_000_000) -> None:
        """Let so many of the requests that match have the fault; earlier ones come first."""
        with self._lock:
            self._rules.append(_Rule(matches, fault, times))

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def answer(self, request: Request) -> Answer:
        def forward() -> Answer:
            return self._forward(request)

        with self._lock:
            self.seen.append(request)
            found = next((r for r in self._rules if r.left and r.matches(request)), None)
            if found is not None:
                found.left -= 1
        return forward() if found is None else found.fault(request, forward)

    def _forward(self, request: Request) -> Answer:
        connection = http.client.HTTPConnection(
            self._server.hostname or "", self._server.port, timeout=30
        )
        try:
            connection.putrequest(
                request.method, request.target, skip_host=True, skip_accept_encoding=True
            )
            for name, value in request.headers.items():
                if name.lower() not in ("expect", "connection"):
                    connection.putheader(name, value)
            connection.endheaders(request.body or None)
            got = connection.getresponse()
            body = got.read()
            headers = {
                name: value
                for name, value in got.getheaders()
                if name.lower() not in _HOP_BY_HOP or request.method == "HEAD"
            }
            return Answer(got.status, headers, body)
        finally:
            connection.close()


def is_put(suffix: str) -> Matches:
    """Puts of a key that ends so."""
    return lambda request: request.method == "PUT" and request.path.endswith(suffix)


def is_head(suffix: str = "") -> Matches:
    return lambda request: request.method == "HEAD" and request.path.endswith(suffix)


def is_list(request: Request) -> bool:
    return request.is_list


def anything(request: Request) -> bool:
    return True


@dataclass
class Held:
    """A fault that keeps the request back until it is released; then it is passed on."""

    has_come: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def __call__(self, request: Request, forward: Forward) -> Answer:
        self.has_come.set()
        self.released.wait(60)
        return forward()


def without_header(*names: str) -> Fault:
    """The answer lacks these headers."""
    left_out = {name.lower() for name in names}

    def fault(_: Request, forward: Forward) -> Answer:
        answer = forward()
        headers = {k: v for k, v in answer.headers.items() if k.lower() not in left_out}
        return replace(answer, headers=headers)

    return fault


def without_element(*names: str) -> Fault:
    """The XML of the answer lacks these elements."""

    def fault(_: Request, forward: Forward) -> Answer:
        answer = forward()
        body = answer.body
        for name in names:
            body = re.sub(rb"<%b>[^<]*</%b>|<%b/>" % ((name.encode(),) * 3), b"", body)
        return replace(answer, body=body)

    return fault


def with_text(old: str, new: str) -> Fault:
    """The body has other words."""

    def fault(_: Request, forward: Forward) -> Answer:
        answer = forward()
        return replace(answer, body=answer.body.replace(old.encode(), new.encode()))

    return fault


def refused(status: int, code: str) -> Fault:
    """The server answers with an error, and does nothing."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>"

    def fault(request: Request, _: Forward) -> Answer:
        content = b"" if request.method == "HEAD" else body.encode()
        return Answer(status, {"Content-Type": "application/xml"}, content)

    return fault


def cut_after_the_work(_: Request, forward: Forward) -> Answer:
    """The server does it, and its answer is lost."""
    forward()
    return Answer(0, is_cut=True)


def cut(_: Request, __: Forward) -> Answer:
    """The connection is closed, and nothing is done."""
    return Answer(0, is_cut=True)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    proxy: FaultyS3

    def handle_error(self, *_: Any) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout: ClassVar[float] = 30
    server: _Server

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        headers = dict(self.headers.items())
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = Request(self.command, self.path, headers, body)
        answer = self.server.proxy.answer(request)
        if answer.is_cut:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._send(request, answer)

    def handle_expect_100(self) -> bool:
        self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def _send(self, request: Request, answer: Answer) -> None:
        lines = [f"HTTP/1.1 {answer.status} x"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        if request.method != "HEAD":
            lines.append(f"Content-Length: {len(answer.body)}")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        self.wfile.write(head + answer.body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""
