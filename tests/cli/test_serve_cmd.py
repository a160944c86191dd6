"""`archiver serve` and the end of `archiver demo`: the desk answers where it says, until Ctrl-C."""

import json
import re
import signal
import socket
import urllib.request
from pathlib import Path

import pytest

from tests.cli.commands import archiver, interrupted, started
from tests.support.nightly import some_by_day
from tests.support.processes import until
from tests.web.desks import Made, archived, calls


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    made = archived(tmp_path_factory.mktemp("serve"), calls())
    document = {
        "liner": {"url": "https://liner.example.com", "api_key": "${LINER_API_KEY}"},
        "storage": {"url": str(made.archive)},
    }
    (made.folder / "archive.yaml").write_text(json.dumps(document))
    return made


def page(url: str) -> str:
    with urllib.request.urlopen(url) as answer:
        return str(answer.read().decode())


@pytest.mark.parametrize("number", some_by_day([signal.SIGINT, signal.SIGTERM, signal.SIGHUP], 3))
def test_it_serves_where_it_says_and_ends_though_a_listener_reads_nothing(
    made: Made, number: signal.Signals
) -> None:
    process = started("serve", "--port", "0", "--json", folder=made.folder)
    assert process.stdout is not None
    url = json.loads(process.stdout.readline())["url"]
    assert "QA desk" in page(url)
    host, port = url.removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port))) as slow:
        slow.sendall(f"GET /recordings/900116/audio HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert slow.recv(64).startswith(b"HTTP/1.1")
        ended = interrupted(process, number)
    assert (ended.code, ended.out) == (130, "")
    assert ended.err == "the desk has ended\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--host", "0.0.0.0", "--port", "0"), 2, "has no users"),
        (("--host", "192.0.2.77", "--port", "0"), 2, "is not available"),
        (("--port", "70000"), 2, "must be a port"),
        (("-c", "nowhere.yaml"), 2, "nowhere.yaml does not exist"),
    ],
)
def test_what_keeps_it_from_serving_is_said_in_words(
    made: Made, arguments: tuple[str, ...], code: int, words: str
) -> None:
    ended = archiver("serve", *arguments, folder=made.folder)
    assert ended.code == code, ended
    assert words in ended.err
    assert "Traceback" not in ended.err


def test_a_port_that_is_taken_is_an_error_of_one_line(made: Made) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = archiver("serve", "--port", port, folder=made.folder)
    assert ended.code == 2
    assert f"port {port} is not available" in ended.err


def test_where_there_is_no_archive_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "archive.yaml").write_text(
        '{"liner": {"url": "https://liner.example.com"}, "storage": {"url": "./none"}}'
    )
    ended = archiver("serve", "--port", "0", folder=tmp_path)
    assert (ended.code, "Traceback" in ended.err) == (2, False)


@pytest.mark.nightly
def test_the_demo_ends_at_the_desk(tmp_path: Path) -> None:
    process = started("demo", folder=tmp_path)
    assert process.stderr is not None
    said = ""
    while not (found := re.search(r"http://127\.0\.0\.1:\d+/", said)):
        line = process.stderr.readline()
        assert line, said
        said += line if "QA desk" in line else ""
    until(lambda: "Delivery line" in page(found[0]))
    ended = interrupted(process, signal.SIGINT)
    assert ended.code == 130
    assert "Traceback" not in ended.err
