"""`archiver run --every`: what it refuses, how it is stopped, and what it survives."""

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

from archiver.cli import main
from archiver.config import StorageConfig
from archiver.sandbox.server import Sandbox, sandbox_thread
from archiver.storage.lock import archive_lock
from archiver.storage.opening import open_storage
from tests.cli.commands import ALONE, Ended, archiver, interrupted, started
from tests.monitoring.hooks import Hooks, hooks
from tests.monitoring.test_endpoint import ask
from tests.storage.s3_servers import free_ports

KEY = "canary-key-2c9d"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with sandbox_thread(Sandbox(key=KEY)) as serving:
        yield serving


@pytest.fixture
def server() -> Iterator[Hooks]:
    with hooks() as found:
        yield found


@pytest.fixture
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own to run commands in, within this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def configure(folder: Path, sandbox: Sandbox, **sections: Any) -> None:
    (folder / "key").write_text(KEY)
    (folder / "key").chmod(0o600)
    document = {
        "liner": {"url": sandbox.url, "requests_per_second": 500, "api_key_file": "key"},
        "window": {"since": "2026-10-01"},
        **ALONE,
        **sections,
    }
    (folder / "archive.yaml").write_text(json.dumps(document))


def answers(process: "subprocess.Popen[str]", runs: int) -> list[dict[str, Any]]:
    """What the next runs of the process answer, as soon as they have ended."""
    assert process.stdout is not None
    return [json.loads(process.stdout.readline()) for _ in range(runs)]


def hears(process: "subprocess.Popen[str]", event: str) -> dict[str, Any]:
    """The next line of the log that tells of such an event."""
    assert process.stderr is not None
    return next(told for line in process.stderr if (told := json.loads(line))["event"] == event)


@pytest.mark.nightly
def test_it_verifies_after_a_run_when_that_is_due_and_sends_a_notice_of_damage(
    tmp_path: Path, sandbox: Sandbox, server: Hooks
) -> None:
    (port,) = free_ports(1)
    verified = {"every": "24h", "sample": "1/1"}
    listen = {"listen": f"127.0.0.1:{port}"}
    configure(
        tmp_path,
        sandbox,
        verify=verified,
        metrics=listen,
        notices={"webhook": f"{server.url}/hook"},
    )
    assert archiver("run", folder=tmp_path).code == 0
    (audio,) = (tmp_path / "archive").glob("50231/70101/*.mp3")
    audio.unlink()
    process = started("run", "--every", "1s", "--json", folder=tmp_path)
    told = answers(process, 3)
    server.wait_for("damage")
    status, health = ask(port, "/healthz")
    assert status == 200
    assert re.fullmatch(
        rb"ok\nlast verification: \S+Z, exit code 4, scope sample, 1 findings\n", health
    )
    assert interrupted(process, signal.SIGTERM).code == 130
    assert [one["finding"] for one in told[1]["findings"]] == ["missing"]
    assert "runId" in told[2]  # and the next is due a day later
    assert server.kinds == ["damage"]


def test_it_runs_again_and_again_and_a_signal_ends_the_waiting_with_130(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    (port,) = free_ports(1)
    configure(tmp_path, sandbox, metrics={"listen": f"127.0.0.1:{port}"})
    process = started("run", "--every", "1s", "--json", folder=tmp_path)
    told = answers(process, 3)
    assert ask(port, "/healthz") == (200, b"ok\n")
    status, metrics = ask(port, "/metrics")
    assert status == 200
    assert b'archiver_recordings{state="archived"} 17.0' in metrics
    ended = interrupted(process, signal.SIGTERM)
    assert ended.code == 130, ended
    assert all(one["complete"] for one in told)
    assert [one["recordings"]["archived"] for one in told] == [17, 0, 0]


@pytest.mark.nightly
def test_a_port_that_a_desk_has_keeps_no_night_from_running(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        configure(tmp_path, sandbox, metrics={"listen": f"127.0.0.1:{port}"})
        process = started("run", "--every", "1s", "--json", folder=tmp_path)
        answers(process, 1)
        ended = interrupted(process, signal.SIGTERM)
    assert ended.code == 130, ended
    assert f"port {port} is not available" in ended.err
    assert "runs continue without metrics" in ended.err


def test_a_signal_in_a_night_without_a_run_ends_it_at_once(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    configure(tmp_path, sandbox)
    process = started("run", "--every", "24h", "--at", "03:30", folder=tmp_path)
    assert process.stderr is not None
    assert process.stderr.readline().startswith("the next run is due at ")
    ended = interrupted(process, signal.SIGTERM)
    assert ended.code == 130, ended
    assert not (tmp_path / "archive").exists()


def test_a_key_is_rotated_without_a_restart_and_a_broken_file_ends_nothing(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    configure(tmp_path, sandbox)
    process = started("run", "--every", "1s", "--log", "json", folder=tmp_path)
    hears(process, "run-ended")
    text = (tmp_path / "archive.yaml").read_text()
    (tmp_path / "archive.yaml").write_text("liner: {tiemout: 3s}")
    error = hears(process, "error")
    sandbox.key = "canary-key-new"
    (tmp_path / "key").write_text(sandbox.key)
    (tmp_path / "archive.yaml").write_text(text)
    hears(process, "run-ended")
    ended = interrupted(process, signal.SIGINT)
    assert error["code"] == 2
    assert "unknown key liner.tiemout" in error["message"]
    assert ended.code == 130
    assert not ended.says("canary-key")


@pytest.mark.nightly
def test_an_archive_that_another_run_has_locked_ends_a_night_with_6_and_the_nights_go_on(
    tmp_path: Path, sandbox: Sandbox, server: Hooks
) -> None:
    configure(tmp_path, sandbox, notices={"webhook": f"{server.url}/hook"})
    assert archiver("run", folder=tmp_path).code == 0
    storage = open_storage(StorageConfig(str(tmp_path / "archive")))
    with start_blocking_portal() as portal:
        with portal.wrap_async_context_manager(archive_lock(storage, "another run")):
            process = started("run", "--every", "1s", "--log", "json", folder=tmp_path)
            server.wait_for("failure", 2)
        server.wait_for("recovery")
        portal.call(storage.aclose)
    ended = interrupted(process, signal.SIGTERM)
    assert ended.code == 130
    errors = [one for one in logged(ended) if one["event"] == "error"]
    # The signal may meet a run of the nights that go on: that one was interrupted.
    assert {one["code"] for one in errors} - {130} == {6}
    assert "another run" in errors[0]["message"]


def logged(ended: Ended) -> list[dict[str, Any]]:
    """Every line of standard error: each is an object."""
    return [json.loads(line) for line in ended.err.splitlines()]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--at", "01:30"], "--at requires --every"),
        (["--every", "90m", "--at", "01:30"], "--every must be whole days"),
        (["--every", "24h", "--at", "25:30"], "--at must be a time of day"),
        (["--every", "often"], "--every must be a duration"),
        (["--every", "0s"], "--every must be at least 1s"),
        (["--every", "24h", "--lead", "789"], "--every cannot be combined with --lead"),
        (["--every", "24h", "--since", "2026-10-01"], "--every cannot be combined with --since"),
        (["--every", "24h", "--dry-run"], "--every cannot be combined with --dry-run"),
    ],
)
def test_what_makes_no_sense_is_refused_with_2(
    at_home: Path,
    sandbox: Sandbox,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    configure(at_home, sandbox)
    assert main(["run", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert len(err.splitlines()) == 3


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"window": {"timezone": "Europe/Berln"}}, "window.timezone must be a time zone such as"),
        ({"metrics": {"listen": "9464"}}, "metrics.listen must be a host and a port"),
        ({"notices": {"webhook": "http://example.com/x"}}, "notices.webhook must begin with https"),
        ({"notices": {"webhook_file": "none"}}, "none does not exist"),
        ({"notices": {"heartbeat_file": "key"}}, "the address in"),
    ],
)
def test_a_configuration_that_cannot_be_used_ends_it_before_it_begins(
    at_home: Path,
    sandbox: Sandbox,
    capsys: pytest.CaptureFixture[str],
    sections: dict[str, Any],
    said: str,
) -> None:
    configure(at_home, sandbox, **sections)
    assert main(["run", "--every", "1s"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert KEY not in err


def test_secrets_that_are_missing_or_open_to_all_have_their_own_words_and_end_with_2(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    configure(tmp_path, sandbox)
    (tmp_path / "key").chmod(0o644)
    open_to_all = archiver("run", folder=tmp_path)
    (tmp_path / "key").unlink()
    missing = archiver("run", folder=tmp_path)
    assert (open_to_all.code, missing.code) == (2, 2)
    assert "is readable by everyone on this machine" in open_to_all.err
    assert "chmod 600" in open_to_all.err
    assert "does not exist" in missing.err
    assert not open_to_all.says(KEY)


def test_a_webhook_that_nobody_answers_changes_no_exit_code(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    sections = {"webhook": "http://127.0.0.1:9/canary-hook", "heartbeat": "http://127.0.0.1:9/b"}
    configure(tmp_path, sandbox, notices=sections)
    ended = archiver("run", folder=tmp_path)
    assert ended.code == 0, ended
    *_, line = ended.err.splitlines()
    assert line.startswith("could not deliver the heartbeat: no response from http://127.0.0.1:9")
    assert not ended.says("canary-hook")


@pytest.mark.nightly
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk wants root")
def test_a_full_disk_ends_a_night_with_5_and_is_told_and_the_nights_go_on(
    tmp_path: Path, sandbox: Sandbox, server: Hooks
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "none", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        configure(
            tmp_path,
            sandbox,
            storage={"url": str(disk / "archive")},
            notices={"webhook": f"{server.url}/hook"},
        )
        process = started("run", "--every", "1s", folder=tmp_path)
        server.wait_for("failure")
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        server.wait_for("recovery")
        ended = interrupted(process, signal.SIGTERM)
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
    assert ended.code == 130
    assert server.notices[0]["exitCode"] == 5
    assert "No space left" in server.notices[0]["text"]
