"""The desk and the port of metrics under strangers: real sockets, and a real process."""

import json
import re
import resource
import select
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from archiver.web.connections import Deadlines
from tests.cli.commands import PATIENCE, environment
from tests.web.desks import Made, archived, calls, served, until_listed

FILES = 200
"""What the process may open: strangers must not be able to take it all."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return archived(tmp_path_factory.mktemp("strangers"), calls())


@dataclass(frozen=True)
class Desk:
    """`archiver serve` as a process that may open few files, and its two ports; `said` is the file
    that its standard error goes into."""

    process: "subprocess.Popen[str]"
    port: int
    metrics: int
    said: Path

    def answers(self) -> bool:
        """Whether both ports do what they are for."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=PATIENCE) as page:
            is_page = b"QA desk" in page.read()
        url = f"http://127.0.0.1:{self.metrics}/metrics"
        with urllib.request.urlopen(url, timeout=PATIENCE) as counted:
            return is_page and b"archiver_" in counted.read()

    def lines(self, with_word: str = "") -> list[str]:
        lines = self.said.read_text().splitlines()
        assert not any("Traceback" in line for line in lines), lines
        return [line for line in lines if with_word in line]


@contextmanager
def desk(made: Made, state: Path) -> Iterator[Desk]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        metrics = free.getsockname()[1]
    document = {
        "liner": {"url": "https://liner.example.com", "api_key": "a key that nobody needs"},
        "storage": {"url": str(made.archive)},
        "metrics": {"listen": f"127.0.0.1:{metrics}"},
    }
    state.mkdir(exist_ok=True)
    path, said = state / "strangers.yaml", state / "said.txt"
    path.write_text(json.dumps(document))
    path.chmod(0o600)
    with said.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "archiver", "serve", "--port", "0", "--json", "-c", str(path)],
            cwd=made.folder,
            env=environment(made.folder, XDG_STATE_HOME=str(state)),
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
        )
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (FILES, FILES))
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "url" in line, line
        url = json.loads(line)["url"]
        yield Desk(process, int(url.removesuffix("/").rpartition(":")[2]), metrics, said)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def serving(made: Made) -> Iterator[Desk]:
    with desk(made, made.folder / "one") as serving:
        yield serving


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), PATIENCE)


def half_a_head(port: int, crowd: ExitStack) -> None:
    crowd.enter_context(connected(port)).sendall(b"GET / HTTP/1.1\r\nHost: x")


def test_more_half_sent_heads_than_files_stop_neither_desk_nor_metrics(serving: Desk) -> None:
    with ExitStack() as crowd:
        for _ in range(2 * FILES):
            half_a_head(serving.port, crowd)
            half_a_head(serving.metrics, crowd)
        assert serving.answers()
    assert len(serving.lines("rejected connections")) == 2
    assert len(serving.lines()) == 2


def test_broken_requests_are_answered_and_cost_no_traceback(serving: Desk) -> None:
    for number in range(50):
        with connected(serving.port) as one:
            one.sendall(b"\x16\x03\x01 no HTTP %d\r\n\r\n" % number)
            assert one.recv(4096).startswith(b"HTTP/1.1 400")
        with connected(serving.metrics) as one:
            one.sendall(b"\x16\x03\x01 no HTTP\r\n\r\n")
            assert b"400" in one.recv(4096)
    assert serving.answers()
    assert len(serving.lines()) < 5


def test_a_request_with_two_ends_is_refused_and_its_connection_closed(serving: Desk) -> None:
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    head = (
        b"POST /log-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % (len(smuggled) + 5)
    )
    with connected(serving.port) as one:
        one.sendall(head + smuggled)
        answer = b"".join(iter(lambda: one.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400")
    assert len(re.findall(rb"HTTP/1\.1 \d\d\d", answer)) == 1


def test_without_files_to_open_it_says_so_in_a_line_and_goes_on_after(
    made: Made, tmp_path: Path
) -> None:
    with desk(made, tmp_path) as serving:
        assert serving.answers()
        pid = serving.process.pid
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (1, FILES))  # what is open stays open
        with ExitStack() as crowd:
            half_a_head(serving.port, crowd)
            half_a_head(serving.metrics, crowd)
            awaited(lambda: len(serving.lines("out of file descriptors")) == 2)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (FILES, FILES))
        assert serving.answers()
        assert len(serving.lines("out of file descriptors")) == 2


def awaited(is_so: Callable[[], bool]) -> None:
    """Wait until it is so."""
    until = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < until
        select.select([], [], [], 0.01)


BODY = b"POST /log-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nhalf"


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: x", BODY])
def test_who_sends_no_whole_request_is_hung_up_on(made: Made, sent: bytes) -> None:
    with served(made, deadlines=Deadlines(head=0.1, body=0.1)) as desk:
        with connected(int(desk.url.rpartition(":")[2])) as one, suppress(ConnectionResetError):
            one.sendall(sent)
            while one.recv(4096):
                """An answer may come before the end."""
        with urllib.request.urlopen(desk.url, timeout=PATIENCE) as page:
            assert b"QA desk" in page.read()


def test_who_reads_nothing_is_hung_up_on(made: Made) -> None:
    audio = b"GET /recordings/900113/audio HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with (
        served(made, deadlines=Deadlines(reader=0.1)) as desk,
        desk.visitor() as client,
        socket.socket() as one,
    ):
        until_listed(client, 17)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.settimeout(PATIENCE)
        one.connect(("127.0.0.1", int(desk.url.rpartition(":")[2])))
        one.sendall(audio * 60)  # several MB of answers: more than the system holds of it
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            while True:
                select.select([], [], [], 0.05)
                one.send(b"\r\n")
