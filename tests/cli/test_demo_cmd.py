"""`archiver demo` shows a whole archive, twice if asked, and never in somebody else's folder."""

import io
import shutil
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archiver.cli import demo_cmd, main
from archiver.cli.context import Context
from archiver.console import Console
from archiver.sandbox.stage import stage_for
from tests.cli.commands import Ended, archiver


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """A folder in which the demo ran once, which is also its home, and what it said."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, archiver("demo", "--no-serve", folder=folder)


@pytest.fixture
def shown(first: tuple[Path, Ended], tmp_path: Path) -> Path:
    """A copy of that folder."""
    return Path(shutil.copytree(first[0], tmp_path / "own"))


def test_it_archives_the_samples_and_shows_them(first: tuple[Path, Ended]) -> None:
    folder, ended = first
    assert ended.code == 0, ended
    assert "COMPLETE" in ended.out
    assert "70101/900101.mp3  (" in ended.out
    assert '"format": "liner-recording/1"' in ended.out
    audio = [path for path in (folder / "demo-archive").rglob("9001*") if path.suffix != ".json"]
    assert len(audio) == 17
    assert "Traceback" not in ended.err


def test_a_second_demo_finds_everything_there_already(shown: Path) -> None:
    told = archiver("demo", "--no-serve", "--json", folder=shown).answer["recordings"]
    assert (told["archived"], told["already"], told["refreshed"]) == (0, 17, 0)


@pytest.mark.parametrize("name", ["letter.txt", "12345/1/2.mp3", "_archive/format.json/x"])
def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path, name: str) -> None:
    foreign = tmp_path / "mine" / name
    foreign.parent.mkdir(parents=True)
    foreign.write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    assert main(["demo", "--dir", "mine", "--no-serve"]) == 2
    assert sorted(tmp_path.rglob("*")) == before


def test_an_archive_of_other_leads_is_left_alone(shown: Path) -> None:
    (shown / "demo-archive" / "12345").mkdir()
    ended = archiver("demo", "--no-serve", folder=shown)
    assert ended.code == 2
    assert "other than a demo archive" in ended.err


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
