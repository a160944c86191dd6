"""A fortnight of nights in a minute: every fault of a night, and nothing open at the end.

The real `run --every` in a process of its own, in Berlin, over the end of summer time in 2025. The
clock is the test's; API, files, disk, notices and kills are real.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from archiver.sandbox.audio import wav
from archiver.sandbox.exchange import API
from archiver.sandbox.faults import Fault, Route, Stall, Status, later
from archiver.sandbox.server import Sandbox, sandbox_thread
from archiver.sandbox.world import World
from tests.cli.commands import TOP, awaited, started
from tests.monitoring.hooks import Hooks
from tests.monitoring.week_child import read_moment, write_moment
from tests.support.witness import Witness
from tests.support.world import audio_of

BERLIN = ZoneInfo("Europe/Berlin")
CALLS_A_DAY = 12
FIRST_DAY = datetime(2025, 10, 18, 8, tzinfo=UTC)
DAYS = 15
KEY = "canary-key-week"
PATIENCE = 60.0


def world() -> World:
    """Twelve calls a day, from eight in the morning on, each with a recording."""
    found = World()
    for day in range(DAYS):
        for number in range(CALLS_A_DAY):
            call = 100 * (day + 1) + number
            at = FIRST_DAY + timedelta(days=day, minutes=40 * number)
            found.call(call, at=at).recording(900_000 + call, audio=wav(6000, call))
    return found


@dataclass
class Machine:
    """The machine at night: its clock, its disk, and the process that runs on it."""

    folder: Path
    sandbox: Sandbox
    process: "subprocess.Popen[str] | None" = None

    @property
    def now(self) -> datetime:
        return read_moment(self.folder / "now")

    def switch_on(self, local: str) -> None:
        write_moment(self.folder / "now", moment(local))
        write_moment(self.folder / "gate", moment(local))
        environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(TOP), "HOME": str(self.folder)}
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.monitoring.week_child"],
                cwd=self.folder,
                env={**environ, "LINER_API_KEY": KEY},
                stdout=subprocess.DEVNULL,
                stderr=log,
                text=True,
            )

    def until(self, local: str) -> None:
        """Let it be that moment, by the clocks of Berlin; whatever is due until then has ended."""
        write_moment(self.folder / "gate", moment(local))
        self.wait(lambda: self.now >= moment(local))

    def let_go(self, local: str) -> None:
        """Let it become that moment, and do not wait for it."""
        write_moment(self.folder / "gate", moment(local))

    def wait(self, happened: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not happened():
            assert self.process is not None
            assert self.process.poll() is None, (self.folder / "log").read_text()[-3000:]
            assert time.monotonic() < deadline, self.now
            time.sleep(0.005)  # what is waited for happens in another process

    def jump(self, length: timedelta) -> None:
        (self.folder / "jump").write_text(str(length.total_seconds()))

    def end(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        self.process = None
        return code

    def logged(self, event: str) -> list[dict[str, Any]]:
        lines = map(json.loads, (self.folder / "log").read_text().splitlines())
        return [one for one in lines if one["event"] == event]

    def runs(self) -> list[str]:
        """When runs began, by the clocks of Berlin, and how each ended (a killed one did not)."""
        codes = {one["runId"]: one["exitCode"] for one in self.logged("run-ended")}
        return [
            f"{local_start(one['runId'])}: {codes.get(one['runId'], 'killed')}"
            for one in self.logged("run-started")
        ]


def moment(local: str) -> datetime:
    return datetime.fromisoformat(f"2025-{local}").replace(tzinfo=BERLIN).astimezone(UTC)


def local_start(run_id: str) -> str:
    began = datetime.strptime(run_id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return f"{began.astimezone(BERLIN):%m-%d %H:%M %Z}"


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A disk of its own under the archive, which can be filled without harm."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        reason = "no disk can be mounted here"
        print(reason, file=sys.stderr)
        pytest.skip(reason)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """A file that leaves no more than a few pages on the disk."""
    found = os.statvfs(folder)
    filler = folder / "filler"
    filler.write_bytes(bytes((found.f_bavail - 5) * found.f_frsize))
    return filler


def configure(folder: Path, sandbox: Sandbox, server: Hooks) -> None:
    document = {
        "liner": {"url": sandbox.url, "requests_per_second": 10_000},
        "window": {"since": "2025-10-15", "timezone": "Europe/Berlin"},
        "storage": {"url": str(folder / "disk" / "archive")},
        "notices": {"webhook": f"{server.url}/hook", "heartbeat": f"{server.url}/beat"},
    }
    (folder / "archive.yaml").write_text(json.dumps(document))


@pytest.mark.nightly
def test_two_weeks_with_every_fault_end_with_nothing_open(tmp_path: Path, server: Hooks) -> None:
    calls = world()
    with (
        sandbox_thread(Sandbox(calls, key=KEY)) as sandbox,
        small_disk(tmp_path / "disk"),
    ):
        configure(tmp_path, sandbox, server)
        machine = Machine(tmp_path, sandbox)
        try:
            two_weeks(machine)
            assert machine.end(signal.SIGTERM) == 130
        finally:
            if machine.process is not None:
                machine.end(signal.SIGKILL)
        check_course(machine, server)
        environ = {"LINER_API_KEY": KEY}
        status = awaited(started("status", "--json", folder=tmp_path, environ=environ))
        assert (status.code, status.answer["open"]) == (0, 0), status
        assert status.answer["recordings"]["archived"] == DAYS * CALLS_A_DAY
        assert awaited(started("verify", folder=tmp_path, environ=environ)).code == 0
        witness = Witness(tmp_path / "disk" / "archive")
        witness.check()
        witness.check_recordings(audio_of(calls))


def two_weeks(machine: Machine) -> None:
    faults = machine.sandbox.faults
    machine.switch_on("10-20 12:00")
    machine.until("10-21 12:00")

    faults.add(Fault(None, Status(503)))  # the API is dead for a night
    machine.until("10-22 12:00")
    faults.clear()

    faults.add(Fault(API, Status(429), times=3))  # it asks to slow down
    machine.until("10-23 12:00")
    faults.clear()

    for record in (900_600, 900_601, 900_602):  # three recordings have no address yet
        faults.add(*later(record, "fileUrl"))
    faults.add(Fault(Route.FILE, Status(404), id=900_603))  # and the file of one is missing
    machine.until("10-24 12:00")
    faults.clear()

    filler = fill(machine.folder / "disk")  # the disk is full
    machine.until("10-25 12:00")
    filler.unlink()

    faults.add(Fault(Route.FILE, Stall(after=1000), id=900_805))
    machine.let_go("10-26 12:00")  # killed in the midst of the run, in the night of two o'clocks
    machine.wait(lambda: machine.sandbox.count(Route.FILE, of=900_805))
    machine.end(signal.SIGKILL)
    faults.clear()
    machine.switch_on("10-26 09:00")
    machine.until("10-26 22:00")

    machine.jump(timedelta(hours=9))  # the machine sleeps over its time
    machine.until("10-27 12:00")
    machine.until("10-28 06:00")

    machine.jump(-timedelta(hours=5))  # the clock is set back behind the night's run
    machine.until("10-28 12:00")
    machine.until("11-04 12:00")


def check_course(machine: Machine, server: Hooks) -> None:
    assert machine.runs() == [
        "10-21 02:30 CEST: 0",
        "10-22 02:30 CEST: 5",
        "10-23 02:30 CEST: 0",
        "10-24 02:30 CEST: 3",
        "10-25 02:30 CEST: 5",
        "10-26 02:30 CEST: killed",
        "10-26 09:00 CET: 0",
        "10-27 07:05 CET: 0",
        "10-28 02:30 CET: 0",
        "10-28 02:30 CET: 0",
        *(f"10-{day} 02:30 CET: 0" for day in (29, 30, 31)),
        *(f"11-0{day} 02:30 CET: 0" for day in (1, 2, 3, 4)),
    ]
    assert server.kinds == ["failure", "recovery", "failure", "recovery"]
    assert [one["exitCode"] for one in server.notices] == [5, 0, 5, 0]
    assert "No space left" in server.notices[2]["text"]
    assert server.beats == 14
    said = " ".join(one["message"] for one in machine.logged("note"))
    assert "the clock jumped ahead by 9 h" in said
    assert "the clock was set back by 5 h" in said
    assert "the run of 2025-10-25 02:30 CEST was missed" in said
    assert sum(one.get("throttled", 0) for one in machine.logged("run-ended")) == 3
