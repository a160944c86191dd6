"""`archiver doctor` prints a line a check and ends with the code of the first problem."""

import json
from pathlib import Path

import pytest

from archiver.cli import main
from archiver.sandbox.server import Sandbox, sandbox_thread
from tests.cli.commands import archiver

KEY = "canary-key-7f3a"


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)


def test_a_sound_installation_ends_with_0(tmp_path: Path) -> None:
    with sandbox_thread(Sandbox(key=KEY)) as sandbox:
        (tmp_path / "archive.yaml").write_text("window: {since: 2026-10-01}")
        environ = {"LINER_URL": sandbox.url, "LINER_API_KEY": KEY}
        ended = archiver("doctor", folder=tmp_path, environ=environ)
    assert ended.code == 0, ended
    assert ended.out.splitlines()[0].startswith("ok       configuration ")
    assert ended.out.endswith("\nAll checks passed.\n")
    lines = ended.out.splitlines()[:-2]
    assert all(line[46:48] == "  " and line[48] != " " for line in lines), "findings in one column"
    assert not ended.says(KEY)


def test_machines_get_every_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with sandbox_thread(Sandbox(key=KEY)) as sandbox:
        (tmp_path / "archive.yaml").write_text(
            f"liner: {{url: '{sandbox.url}', api_key: wrong-one}}"
        )
        assert main(["doctor", "--json"]) == 5
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is False
    by_name = {check["name"]: check for check in told["checks"]}
    assert by_name["API"]["verdict"] == "problem"
    assert by_name["catalog"]["verdict"] == "ok"


def test_a_configuration_that_cannot_be_read_ends_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor"]) == 2
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("PROBLEM  configuration ")
    assert first.endswith("archive.yaml does not exist")
    assert "next: create one with `archiver init`" in second
    (tmp_path / "archive.yaml").write_text("liner: {tiemout: 3s}")
    assert main(["doctor", "--json"]) == 2
    check = json.loads(capsys.readouterr().out)["checks"][0]
    assert (check["verdict"], check["hint"]) == ("problem", "did you mean liner.timeout?")
    (tmp_path / "archive.yaml").write_text("liner: {tiemout: 3s}\nscope: {lead: 5}")
    assert main(["doctor", "--json"]) == 2
    hints = [check["hint"] for check in json.loads(capsys.readouterr().out)["checks"]]
    assert hints[0] == "did you mean liner.timeout?"
    assert hints[-1] == "did you mean scope.leads?"
