"""`archiver demo` shows a whole archive, twice if asked, and never in somebody else's folder."""

import io
import json
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archiver.cli import demo_cmd, main
from archiver.cli.context import Context
from archiver.console import Console
from archiver.sandbox.stage import stage_for
from tests.cli.commands import archiver


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)


def test_it_archives_the_samples_and_shows_them(tmp_path: Path) -> None:
    ended = archiver("demo", "--no-serve", folder=tmp_path)
    assert ended.code == 0, ended
    assert "COMPLETE" in ended.out
    assert "70101/900101.mp3  (" in ended.out
    assert '"format": "liner-recording/1"' in ended.out
    audio = [path for path in (tmp_path / "demo-archive").rglob("9001*") if path.suffix != ".json"]
    assert len(audio) == 17
    assert "Traceback" not in ended.err


def test_a_second_demo_finds_everything_there_already(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = []
    for _ in range(2):
        assert main(["demo", "--no-serve", "--json"]) == 0
        told.append(json.loads(capsys.readouterr().out)["recordings"])
    assert (told[0]["archived"], told[0]["already"]) == (17, 0)
    assert (told[1]["archived"], told[1]["already"], told[1]["refreshed"]) == (0, 17, 0)


@pytest.mark.parametrize("name", ["letter.txt", "12345/1/2.mp3", "_archive/format.json/x"])
def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path, name: str) -> None:
    foreign = tmp_path / "mine" / name
    foreign.parent.mkdir(parents=True)
    foreign.write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    assert main(["demo", "--dir", "mine", "--no-serve"]) == 2
    assert sorted(tmp_path.rglob("*")) == before


def test_an_archive_of_other_leads_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--no-serve"]) == 0
    (tmp_path / "demo-archive" / "12345").mkdir()
    assert main(["demo", "--no-serve"]) == 2
    assert "other than a demo archive" in capsys.readouterr().err


def test_a_port_that_somebody_has_is_told_and_another_one_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = io.StringIO()
    context = Context(Console(err=said), {}, tmp_path / "archive.yaml")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(demo_cmd, "_PORT", port)
        with demo_cmd._listener(context) as listener:
            assert listener.getsockname()[1] != port
    assert f"port {port} is not available on 127.0.0.1: Address already in use" in said.getvalue()


@pytest.mark.parametrize("year", [2025, 2026, 2027])
def test_its_calls_lie_in_the_past_whatever_the_clock_says(year: int) -> None:
    now = datetime(year, 11, 2, 12, tzinfo=UTC)
    stage = stage_for(now)
    assert stage.since < now
    rows = [stage.world.call_row(call_id) for call_id in range(70101, 70124)]
    times = [datetime.fromisoformat(row["createdAt"]) for row in rows if row is not None]
    assert len(times) > 20
    assert stage.since < min(times) <= max(times) < now
