"""`archiver sandbox` serves until it is interrupted, and says where."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.cli.commands import ALONE, archiver, environment, interrupted, started
from tests.support.nightly import some_by_day


@pytest.mark.parametrize("number", some_by_day([signal.SIGINT, signal.SIGTERM], 2))
def test_it_serves_where_it_says_until_it_is_interrupted(
    tmp_path: Path, number: signal.Signals
) -> None:
    process = started("sandbox", "--port", "0", "--json", folder=tmp_path)
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    request = urllib.request.Request(
        told["url"] + "/v1/health/check/", headers={"X-Api-Key": told["apiKey"]}
    )
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)["success"] is True
    ended = interrupted(process, number)
    assert (ended.code, ended.out) == (130, "")
    assert "Traceback" not in ended.err


def test_whoever_does_what_it_says_has_nights_that_go_on_from_each_other(tmp_path: Path) -> None:
    process = started("sandbox", "--port", "0", folder=tmp_path)
    assert process.stdout is not None
    *_, export, init, setting, run = (process.stdout.readline() for _ in range(6))
    environ = dict(each.split("=") for each in export.split()[1:])
    assert (init.split(), run.split("&& ")[1]) == (["archiver", "init"], "archiver run\n")
    try:
        assert archiver("init", folder=tmp_path).code == 0
        text = (tmp_path / "archive.yaml").read_text()
        (tmp_path / "archive.yaml").write_text(
            re.sub("^  since: +", f"  {setting.split('`')[1]} ", text, flags=re.MULTILINE)
        )
        for archived in (17, 0):
            ended = archiver("run", "--json", folder=tmp_path, environ=environ)
            assert (ended.code, ended.answer["recordings"]["archived"]) == (0, archived)
    finally:
        interrupted(process, signal.SIGTERM)


def test_what_a_script_starts_in_the_background_can_be_ended(tmp_path: Path) -> None:
    before = signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # a child inherits it, as from `sh -c "… &"`
    try:
        process = started("sandbox", "--port", "0", "--json", folder=tmp_path)
    finally:
        signal.signal(signal.SIGINT, before)
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["url"]
    assert interrupted(process, signal.SIGTERM).code == 130


def test_a_port_that_is_taken_is_an_error_of_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = archiver("sandbox", "--port", port, folder=tmp_path)
    assert ended.code == 2
    assert f"port {port} is not available" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.nightly
def test_a_script_that_started_it_in_the_background_can_end_it(tmp_path: Path) -> None:
    """A shell without job control lets what it starts with `&` ignore SIGINT."""
    process = subprocess.Popen(
        [
            "sh",
            "-c",
            '"$0" -m archiver sandbox --port 0 --json & echo $! >&2; wait $!',
            sys.executable,
        ],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    number = int(process.stderr.readline())
    assert "url" in json.loads(process.stdout.readline())
    os.kill(number, signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "Traceback" not in err


def test_a_bad_night_can_be_had_without_writing_python(tmp_path: Path) -> None:
    """60 calls, half of them recorded; some files break off, are error pages or come late."""
    process = started(
        *("sandbox", "--port", "0", "--json", "--calls", "60", "--size", "2KiB"),
        *("--faults", "cut", "page", "expired", "--seed", "3"),
        folder=tmp_path,
    )
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        liner = {"url": told["url"], "requests_per_second": 500}
        document = {"liner": liner, "window": {"since": told["since"]}, **ALONE}
        (tmp_path / "archive.yaml").write_text(json.dumps(document))
        environ = {"LINER_API_KEY": told["apiKey"]}
        ended = archiver("run", "--json", folder=tmp_path, environ=environ)
    finally:
        interrupted(process, signal.SIGTERM)
    answer = ended.answer
    assert (answer["calls"]["listed"], answer["recordings"]["listed"]) == (60, 30)
    assert answer["recordings"]["failed"] > 0
    assert {one["reason"] for one in answer["problems"]} == {"not-audio"}
    assert ended.code == 3
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--size", "1MiB"], "--size requires --calls"),
        (["--calls", "9", "--size", "1"], "from 64B"),
        (["--faults", "rain"], "must be one of"),
    ],
)
def test_a_world_that_cannot_be_had_is_refused(
    tmp_path: Path, arguments: list[str], says: str
) -> None:
    ended = archiver("sandbox", *arguments, folder=tmp_path)
    assert ended.code == 2
    assert says in ended.err
