"""`archiver init` writes a file that can be used, and never over another."""

import json
from pathlib import Path

import pytest

from archiver.cli import main
from archiver.cli.init_cmd import sample, schema_text
from archiver.config.loading import read_config


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_it_writes_the_sample_which_needs_only_url_and_key(tmp_path: Path) -> None:
    assert main(["init"]) == 0
    written = tmp_path / "archive.yaml"
    assert written.read_text(encoding="utf-8") == sample()
    environ = {"LINER_URL": "https://liner.test", "LINER_API_KEY": "key"}
    assert read_config(written, environ).api.url == "https://liner.test"


def test_the_schema_that_its_first_line_names_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    assert main(["init", "-c", "etc/night.yaml"]) == 0
    first = (tmp_path / "etc" / "night.yaml").read_text(encoding="utf-8").splitlines()[0]
    named = tmp_path / "etc" / first.removeprefix("# yaml-language-server: $schema=")
    assert json.loads(named.read_text(encoding="utf-8"))["additionalProperties"] is False
    named.write_text("mine")
    (tmp_path / "etc" / "night.yaml").unlink()
    assert main(["init", "-c", "etc/night.yaml"]) == 0
    assert named.read_text() == "mine"


def test_the_schema_is_printed_for_whoever_updates(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert capsys.readouterr().out == schema_text()


def test_it_says_what_to_do_next(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "-c", "night.yaml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["config"].endswith("/night.yaml")
    assert main(["init"]) == 0
    assert "archiver doctor" in capsys.readouterr().out


def test_next_steps_leave_out_what_the_environment_already_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LINER_URL", raising=False)
    monkeypatch.delenv("LINER_API_KEY", raising=False)
    assert main(["init", "-c", "without.yaml"]) == 0
    out = capsys.readouterr().out
    assert "1. set liner.url to the host of your Liner API, and window.since" in out
    assert "2. export LINER_API_KEY=" in out
    monkeypatch.setenv("LINER_URL", "http://127.0.0.1:8123")
    monkeypatch.setenv("LINER_API_KEY", "key")
    assert main(["init"]) == 0
    out = capsys.readouterr().out
    assert "1. set window.since to the first day (LINER_URL is set" in out
    assert "2. archiver doctor" in out


def test_it_leaves_a_file_that_is_there_alone(tmp_path: Path) -> None:
    (tmp_path / "archive.yaml").write_text("mine")
    assert main(["init"]) == 2
    assert (tmp_path / "archive.yaml").read_text() == "mine"


def test_a_folder_that_is_not_there_is_an_error_of_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["init", "-c", "no/such/archive.yaml"]) == 2
    assert "cannot write no/such/archive.yaml: No such file" in capsys.readouterr().err
