"""The process itself: whatever it is started without, and however its terminal goes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver.cli import main
from archiver.sandbox.cues import Fault
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Stall
from archiver.sandbox.server import Sandbox, sandbox_thread
from tests.cli.commands import ALONE, PATIENCE, archiver, environment
from tests.support.nightly import some_by_day

KEY = "canary-key-7f3a"


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox, and an archive.yaml for it that also names the catalog."""
    with sandbox_thread(Sandbox(key=KEY)) as serving:
        document = {
            "liner": {"url": serving.url, "api_key": KEY, "requests_per_second": 500},
            "window": {"since": "2026-10-01"},
            **ALONE,
            "catalog": {"path": str(tmp_path / "state" / "catalog.sqlite")},
        }
        (tmp_path / "archive.yaml").write_text(json.dumps(document))
        (tmp_path / "archive.yaml").chmod(0o600)
        yield serving


def shell(line: str, folder: Path, **environ: str) -> "subprocess.CompletedProcess[str]":
    """A line of the shell in which $ARCHIVER is the command line."""
    environ["ARCHIVER"] = f"{sys.executable} -m archiver"
    return subprocess.run(
        ["sh", "-c", line],
        cwd=folder,
        env=environment(folder, **environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize("closed", some_by_day(["<&- >&- 2>&-", "<&-", ">&-", "2>&-"], 4))
@pytest.mark.usefixtures("sandbox")
def test_a_run_whose_standard_streams_are_closed_is_like_any_other(
    tmp_path: Path, closed: str
) -> None:
    ended = shell(f"$ARCHIVER run --json {closed}", tmp_path)
    assert ended.returncode == 0, ended
    if closed in ("<&-", "2>&-"):
        assert json.loads(ended.stdout)["recordings"]["archived"] == 17
    verified = shell(f"$ARCHIVER verify --json {closed}", tmp_path)
    assert verified.returncode == 0, verified


@pytest.mark.usefixtures("sandbox")
def test_without_home_every_command_works_where_the_catalog_has_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    lines = ("run", "status", "verify", "hold list", "reindex", "doctor", "inspect")
    for line in (*lines, "export --lead 50231 --to a.zip --offline", "table --to t.csv"):
        assert main(line.split()) == 0, line
    assert (tmp_path / "state" / "catalog.sqlite").exists()
    assert not (tmp_path / ".local").exists()


@pytest.mark.usefixtures("sandbox")
def test_without_home_and_path_the_doctor_names_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "archive.yaml"
    document = json.loads(path.read_text())
    del document["catalog"]
    path.write_text(json.dumps(document))
    ended = shell("env -u HOME -u XDG_STATE_HOME $ARCHIVER doctor", tmp_path)
    assert ended.returncode == 2, ended
    assert "set catalog.path" in ended.stdout + ended.stderr


def test_a_run_under_nohup_outlives_its_terminal(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(Route.FILE, Stall(after=1000), id=900105, times=1))
    process = subprocess.Popen(
        ["sh", "-c", f"trap '' HUP; exec {sys.executable} -m archiver run --json"],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        sandbox.wait_for(Route.FILE, 900105, patience=PATIENCE)
        os.kill(process.pid, signal.SIGHUP)
        os.kill(process.pid, signal.SIGTERM)
        out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert json.loads(out)["interrupted"] is True


@pytest.mark.parametrize(
    "line",
    [
        ["run", "--api-key=hunter2-secret"],
        ["run", "--api-key", "hunter2-secret"],
        ["status", "hunter2-secret"],
        ["user", "add", "anna", "--password=hunter2-secret"],
    ],
)
def test_the_value_of_an_unknown_option_is_not_repeated(tmp_path: Path, line: list[str]) -> None:
    ended = archiver(*line, folder=tmp_path)
    assert ended.code == 2
    assert not ended.says("hunter2")
