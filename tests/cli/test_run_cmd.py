"""`archiver run`: what it asks of the engine, how it ends, and what it says."""

import json
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archiver.cli.run_cmd import window
from archiver.config import Config
from archiver.config.loading import load_config
from archiver.errors import ConfigError, UsageError
from archiver.sandbox.cues import Fault
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Stall, Status
from archiver.sandbox.server import Sandbox, sandbox_thread
from tests.cli.commands import ALONE, PATIENCE, archiver, interrupted, started
from tests.support.nightly import some_by_day

ENVIRON = {"LINER_URL": "https://liner.test", "LINER_API_KEY": "key"}


def config(text: str = "window: {timezone: Europe/Berlin}") -> Config:
    return load_config(text, ENVIRON, base=Path("/srv"))


def test_dates_are_midnights_of_the_zone() -> None:
    assert window("2026-10-01", "2026-10-02T12:00:00Z", config()) == (
        datetime(2026, 9, 30, 22, tzinfo=UTC),
        datetime(2026, 10, 2, 12, tzinfo=UTC),
    )
    assert window(None, None, config()) == (None, None)


@pytest.mark.parametrize(
    ("since", "until", "message"),
    [
        ("soon", None, "--since must be a date"),
        (None, "2026-02-30", "--until must be a day"),
        ("2026-10-02", "2026-10-02", "--since must be earlier than --until"),
        ("2999-01-01", None, "--since is in the future"),
    ],
)
def test_a_window_without_a_call_in_it_is_refused(
    since: str | None, until: str | None, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        window(since, until, config())


def test_a_first_day_in_the_future_is_refused() -> None:
    later = config("window: {since: 2999-01-01}")
    with pytest.raises(ConfigError, match=r"window\.since is in the future"):
        window(None, None, later)
    assert window("2026-10-01", None, later)[0] == datetime(2026, 10, 1, tzinfo=UTC)


KEY = "canary-key-7f3a"


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox with a key of its own, and an archive.yaml for it in the folder of the test."""
    with sandbox_thread(Sandbox(key=KEY)) as serving:
        document = {"liner": {"url": serving.url, "requests_per_second": 500}, **ALONE}
        (tmp_path / "archive.yaml").write_text(json.dumps(document))
        yield serving


@pytest.mark.usefixtures("sandbox")
def test_a_verbose_run_tells_its_name_and_what_it_is_made_of(tmp_path: Path) -> None:
    environ = {"LINER_API_KEY": KEY}
    ended = archiver("run", "--verbose", "--since", "today", folder=tmp_path, environ=environ)
    assert ended.code == 0
    assert ended.err.startswith("archiver "), "the version and the configuration come first"
    assert "\nrun 20" in ended.err


@pytest.mark.usefixtures("sandbox")
def test_a_complete_run_answers_with_its_balance_and_0(tmp_path: Path) -> None:
    environ = {"LINER_API_KEY": KEY}
    ended = archiver("run", "--since", "2026-10-01", "--json", folder=tmp_path, environ=environ)
    assert ended.code == 0, ended
    told = ended.answer
    assert told["complete"] is True
    assert told["recordings"]["archived"] == 17
    assert told["calls"]["listed"] == told["calls"]["archived"] + told["calls"]["none"]
    ended = archiver("run", "--since", "2026-10-01", folder=tmp_path, environ=environ)
    assert (ended.code, ended.err) == (0, "")
    ended = archiver("run", "--quiet", "--since", "9y", folder=tmp_path, environ=environ)
    assert (ended.code, ended.err, "COMPLETE" in ended.out) == (0, "", True)
    assert "already              17  archived before this run" in ended.out


@pytest.mark.usefixtures("sandbox")
def test_neither_output_nor_archive_holds_the_key(tmp_path: Path) -> None:
    ended = archiver(
        "run", "--since", "2026-10-01", folder=tmp_path, environ={"LINER_API_KEY": KEY}
    )
    assert ended.code == 0, ended
    assert not ended.says(KEY)
    holding = [
        path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()
    ]
    assert holding == []


@pytest.mark.usefixtures("sandbox")
def test_a_wrong_key_ends_with_5_in_three_lines(tmp_path: Path) -> None:
    environ = {"LINER_API_KEY": "canary-wrong"}
    ended = archiver("run", "--since", "2026-10-01", folder=tmp_path, environ=environ)
    assert (ended.code, ended.out) == (5, "")
    assert len(ended.err.splitlines()) == 3
    assert not ended.says("canary-wrong")


@pytest.mark.usefixtures("sandbox")
def test_without_a_beginning_it_ends_with_2(tmp_path: Path) -> None:
    ended = archiver("run", "--json", folder=tmp_path, environ={"LINER_API_KEY": KEY})
    assert ended.code == 2, ended
    assert "window.since" in ended.answer["error"]["hint"]


@pytest.mark.usefixtures("sandbox")
def test_a_dry_run_tells_and_changes_nothing(tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    environ = {"LINER_API_KEY": KEY}
    ended = archiver("run", "--since", "2026-10-01", "--dry-run", folder=tmp_path, environ=environ)
    assert ended.code == 0, ended
    assert "DRY RUN: nothing was changed." in ended.out
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("number", some_by_day([signal.SIGTERM, signal.SIGINT, signal.SIGHUP], 3))
def test_an_interrupted_run_waits_for_no_source_and_the_next_completes_it(
    tmp_path: Path, sandbox: Sandbox, number: signal.Signals
) -> None:
    sandbox.faults.add(Fault(Route.FILE, Stall(after=1000), id=900105))
    environ = {"LINER_API_KEY": KEY}
    arguments = ("run", "--since", "2026-10-01", "--json")
    process = started(*arguments, folder=tmp_path, environ=environ)
    sandbox.wait_for(Route.FILE, 900105, patience=PATIENCE)
    ended = interrupted(process, number)
    assert sandbox.count(Route.FILE, of=900105) == 1, "it waited until the source was given up"
    assert ended.code == 130, ended
    assert ended.answer["interrupted"] is True
    assert "Traceback" not in ended.err
    sandbox.faults.clear()
    ended = archiver(*arguments, folder=tmp_path, environ=environ)
    assert ended.code == 0, ended
    told = ended.answer["recordings"]
    assert told["archived"] + told["already"] == 17


def test_a_quiet_run_that_is_not_complete_says_so(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults.add(Fault(Route.FILE, Status(404), id=900101))
    environ = {"LINER_API_KEY": KEY}
    ended = archiver("run", "-q", "--since", "2026-10-01", folder=tmp_path, environ=environ)
    assert ended.code == 3
    (said,) = ended.err.splitlines()
    assert said.startswith("NOT COMPLETE: ")
    assert ended.out.splitlines()[-1] == said
