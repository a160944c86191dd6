"""A night is told to everybody who is configured, and nothing of that can fail it."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from archiver.config import Config
from archiver.console import Console
from archiver.monitoring import notify
from archiver.monitoring.history import Memory, memory_path, recall
from archiver.monitoring.metrics import exposition
from archiver.monitoring.night import Night
from archiver.monitoring.notify import tell
from archiver.monitoring.standing import Standing, last_began, standing
from archiver.sandbox.cues import Fault
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Status
from archiver.sandbox.world import World
from tests.monitoring.hooks import AT_ONCE, Hooks
from tests.support.world import Night as Bench
from tests.support.world import bench

pytestmark = pytest.mark.anyio

CANARY = "canary-1b7e"


class Voice:
    """A console that remembers what it said."""

    def __init__(self) -> None:
        self.err = io.StringIO()
        self.console = Console(err=self.err, out=io.StringIO())

    @property
    def lines(self) -> list[str]:
        return self.err.getvalue().splitlines()


@pytest.fixture
def voice() -> Iterator[Voice]:
    yield Voice()


def watched(server: Hooks, folder: Path) -> dict[str, Any]:
    return {
        "notices": {
            "webhook": f"{server.url}/hook/{CANARY}",
            "heartbeat": f"{server.url}/beat/{CANARY}",
        },
        "metrics": {"textfile": str(folder / "archiver.prom")},
    }


async def told(there: Bench, config: Config, voice: Voice, code: int | None = None) -> Standing:
    """A run (or, with a code, a failure to have one) and the telling of it."""
    began = there.clock()
    if code is None:
        report = await there.run()
        night = Night(began, there.clock(), report.exit_code, report.as_json())
    else:
        night = Night(began, there.clock(), code, error="the API is down")
    found = await tell(
        config,
        night,
        state_folder=there.state,
        console=voice.console,
        clock=there.clock,
        retry=AT_ONCE,
    )
    assert found is not None
    return found


async def test_failure_recovery_and_heartbeat_reach_whoever_is_configured(
    tmp_path: Path, server: Hooks, voice: Voice
) -> None:
    async with bench(tmp_path, World().call(1).recording(11)) as there:
        config = there.config(**watched(server, tmp_path))
        for code in (None, 5, 5, None, None):
            await told(there, config, voice, code)
            there.clock.advance(days=1)
    assert server.kinds == ["failure", "failure", "recovery"]
    assert server.beats == 3
    assert "the API is down" in server.notices[0]["text"]
    assert server.notices[0]["archive"] == str(tmp_path / "archive")
    assert voice.lines == []
    memory = recall(memory_path(config.storage.url, there.state))
    assert memory.runs == {"0": 3, "5": 2}


async def test_nobody_who_listens_fails_nothing_and_is_told_in_a_line_each(
    tmp_path: Path, server: Hooks, voice: Voice
) -> None:
    server.statuses = [500]
    async with bench(tmp_path, World().call(1).recording(11)) as there:
        settings = watched(server, tmp_path)
        settings["metrics"]["textfile"] = str(tmp_path / "no" / "archiver.prom")
        config = there.config(**settings)
        await told(there, config, voice, 5)
        found = await told(there, config, voice)
    assert voice.lines == [
        f"could not deliver the notice of failure: {server.url} responded with status 500",
        f"cannot write {tmp_path}/no/archiver.prom: No such file or directory",
        f"could not deliver the notice of recovery: {server.url} responded with status 500",
        f"could not deliver the heartbeat: {server.url} responded with status 500",
        f"cannot write {tmp_path}/no/archiver.prom: No such file or directory",
    ]
    assert CANARY not in voice.err.getvalue()
    assert found.memory.undelivered == 3


async def test_even_a_bug_in_the_telling_fails_no_run(
    tmp_path: Path, voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(notify, "trouble_of", broken)
    async with bench(tmp_path) as there:
        night = Night(there.clock(), there.clock(), 0)
        found = await tell(
            there.config(),
            night,
            state_folder=there.state,
            console=voice.console,
            clock=there.clock,
        )
    assert found is None
    assert voice.lines == ["could not report the result of this run: RuntimeError: a bug"]


async def test_metrics_tell_what_lies_in_the_archive_and_since_when_something_is_open(
    tmp_path: Path, server: Hooks, voice: Voice
) -> None:
    world = World().call(1).recording(11).call(2).recording(21)
    async with bench(tmp_path, world, Fault(Route.FILE, Status(404), id=21)) as there:
        config = there.config(**watched(server, tmp_path))
        await told(there, config, voice)
        there.clock.advance(hours=6)
        found = await standing(config, there.state)
        now = exposition(found.memory, found.vitals, there.clock()).decode()
        written = (tmp_path / "archiver.prom").read_text()
    assert 'archiver_calls{state="archived"} 1.0' in now
    assert 'archiver_recordings{state="failed"} 1.0' in now
    assert "archiver_oldest_open_age_seconds 21600.0" in now
    assert "archiver_oldest_open_age_seconds 0.0" in written
    assert 'archiver_runs_total{exit_code="3"} 1.0' in written
    assert CANARY not in now + written
    assert server.kinds == []
    assert server.beats == 1


async def test_a_silent_weekday_is_told_once_from_the_archives_own_history(
    tmp_path: Path, server: Hooks, voice: Voice
) -> None:
    """Twelve calls on each of four Mondays, and none on the fifth."""
    mondays = [datetime(2026, 11, day, 9, tzinfo=UTC) for day in (2, 9, 16, 23)]
    world = World()
    for number, monday in enumerate(mondays):
        for one in range(12):
            call = 100 * number + one + 1
            world.call(call, at=monday + timedelta(minutes=one), talk=0, has_records=False)
    async with bench(tmp_path, world) as there:
        config = there.config(**watched(server, tmp_path))
        there.clock.now = datetime(2026, 11, 30, 1, tzinfo=UTC)
        await told(there, config, voice)
        for _ in range(3):
            there.clock.advance(days=1)
            await told(there, config, voice)
    assert server.kinds == ["silence"]
    (notice,) = server.notices
    assert (notice["day"], notice["median"]) == ("2026-11-30", 12)
    assert "not one call on Monday, 2026-11-30" in notice["text"]


async def test_the_last_run_is_known_from_the_archive_on_a_new_machine_too(tmp_path: Path) -> None:
    async with bench(tmp_path, World().call(1).recording(11)) as there:
        config = there.config()
        assert await last_began(config, there.state) is None
        await there.run()
        began = there.clock()
        there.clock.advance(hours=5)
        await there.run(orders=(1,))  # by hand, of one order: not the night's run
        assert await last_began(config, there.state) == began
        assert await last_began(config, tmp_path / "another machine") == began
        for settle in ("0s", "6h"):
            changed = there.config(window={"settle": settle})
            assert await last_began(changed, there.state) == began


async def test_an_archive_that_cannot_be_asked_leaves_the_memory_of_this_machine(
    tmp_path: Path, server: Hooks, voice: Voice
) -> None:
    async with bench(tmp_path) as there:
        config = there.config(**watched(server, tmp_path))
        await told(there, config, voice, 5)
        (tmp_path / "archive" / "_archive").mkdir(parents=True)
        (tmp_path / "archive" / "_archive" / "format.json").write_text(json.dumps({}))
        assert await last_began(config, there.state) == there.clock()
        found = await standing(config, there.state)
    assert found.vitals is None
    assert found.memory != Memory()
