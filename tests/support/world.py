"""A call centre, an archive and a clock: runs over a sandbox, one after the other, at will.

    async with bench(tmp_path, World().call(1).recording(11)) as night:
        report = await night.run()
        night.clock.advance(days=1)

Nothing waits: retries come after a millisecond, time passes only where a test says so, no other
clock counts, and disks are not synced, since no test here cuts the power.
"""

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
from msgspec.structs import replace

from archiver.archive.pace import API_RETRY, Pace
from archiver.config import Config
from archiver.config.loading import load_config
from archiver.run.events import Event
from archiver.run.report import RunReport
from archiver.run.request import RunRequest
from archiver.run.run import run
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Fault
from archiver.sandbox.model import Source
from archiver.sandbox.server import Sandbox
from archiver.sandbox.world import World
from archiver.storage.local.syncing import Syncing, Target
from archiver.tasks.retry import RetryPolicy
from archiver.verify.findings import Finding
from archiver.verify.verify import Wanted, verify
from tests.support.crews import CREW
from tests.support.witness import Witness

FIRST_NIGHT = datetime(2026, 11, 3, 1, 0, tzinfo=UTC)
"""The night after the first calls of a `World`."""


class Unsynced(Syncing):
    """Takes everything for durable at once: no test here cuts the power."""

    def sync(self, targets: Iterable[Target]) -> dict[Target, OSError]:
        return {}


QUICK = Pace(
    api=replace(API_RETRY, first_wait=0.001, greatest_wait=0.002),
    fetch=RetryPolicy(attempts=3, first_wait=0.001, greatest_wait=0.002),
    storage=RetryPolicy(attempts=6, first_wait=0.001, greatest_wait=0.002),
    syncing=Unsynced,
    clocks_apart=timedelta.max,
)

CALL_STATES = ("archived", "none", "waiting", "failed", "gone")
RECORDING_STATES = ("archived", "already", "waiting", "failed", "gone")


IN_TURN: dict[str, Any] = {"download": {"workers": 1}}
"""Settings for a world in which two calls have one recording: it is stored with the first of them,
where several workers leave that to chance."""


@dataclass
class ManualClock:
    """A clock that stands still until it is moved."""

    now: datetime = FIRST_NIGHT

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **length: float) -> None:
        self.now += timedelta(**length)


@dataclass
class Night:
    """A sandbox, the archive that is made of it, and what runs over it."""

    sandbox: Sandbox
    folder: Path
    clock: ManualClock = field(default_factory=ManualClock)
    settings: dict[str, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    pace: Pace = QUICK

    @property
    def archive(self) -> Witness:
        return Witness(self.folder / "archive")

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def world(self) -> World:
        assert isinstance(self.sandbox.world, World)
        return self.sandbox.world

    @property
    def catalog(self) -> Path:
        (found,) = self.state.glob("*.sqlite")
        return found

    def config(self, **settings: Any) -> Config:
        """The configuration; `window={"lookback": "3d"}` and the like change it."""
        document: dict[str, Any] = {
            "liner": {
                "url": self.sandbox.url,
                "api_key": self.sandbox.key,
                "requests_per_second": 10_000,
            },
            "window": {"since": "2026-11-01"},
            "download": {"workers": 8},
            "storage": {"url": str(self.folder / "archive")},
            "inspect": {"after_run": False},
        }
        for changes in (self.settings, settings):
            for section, members in changes.items():
                document[section] = document.get(section, {}) | members
        CREW.configure(document, self.sandbox.key)
        return load_config(json.dumps(document), {}, base=self.folder)

    async def run(
        self,
        *,
        state: Path | None = None,
        settings: Mapping[str, Any] | None = None,
        stop: anyio.Event | None = None,
        **request: Any,
    ) -> RunReport:
        """One run, whose sums are checked. `request` are members of RunRequest."""
        report = await run(
            self.config(**(settings or {})),
            RunRequest(**request),
            on_event=self.events.append,
            stop=stop or anyio.Event(),
            state_folder=state or self.state,
            clock=self.clock,
            pace=self.pace,
        )
        assert report is not None
        check_sums(report)
        return report

    async def nights(self, count: int, **request: Any) -> list[RunReport]:
        """A run, and a day later the next."""
        reports = []
        for _ in range(count):
            reports.append(await self.run(**request))
            self.clock.advance(days=1)
        return reports

    def lists(self, call_id: int) -> int:
        """How often the recordings of a call were asked for."""
        return self.sandbox.count(Route.RECORDINGS, of=call_id)

    def files(self, record_id: int) -> int:
        """How often the file of a recording was asked for."""
        return self.sandbox.count(Route.FILE, of=record_id)

    def forget_catalog(self) -> None:
        for path in self.state.iterdir():
            path.unlink()

    def cursors(self) -> dict[tuple[str, int], str]:
        """Where the ledger says that each scope stands."""
        found: dict[tuple[str, int], str] = {}
        for event in self.archive.events("cursor"):
            found |= {(event["kind"], one): event["until"] for one in event["ids"]}
        return found

    async def findings(self) -> list[Finding]:
        """What `verify` finds in the archive."""
        verified = await verify(self.config(), Wanted(), state_folder=self.state)
        return verified.found.findings

    def check_archive(self, *, whole: bool = True) -> None:
        """The archive is what the world says, nothing more and (if `whole`) nothing less."""
        self.archive.check()
        self.archive.check_recordings(audio_of(self.world), whole=whole)


@asynccontextmanager
async def bench(
    folder: Path,
    world: Source | None = None,
    *faults: Fault | Iterable[Fault],
    clock: ManualClock | None = None,
    settings: Mapping[str, Any] | None = None,
    pace: Pace = QUICK,
    **sandbox: Any,
) -> AsyncIterator[Night]:
    """A sandbox over the world, with faults, and all that a run over it needs."""
    async with Sandbox(world or World(), faults=faults, **sandbox) as server:
        yield Night(server, folder, clock or ManualClock(), dict(settings or {}), pace=pace)


def audio_of(world: World) -> dict[int, bytes]:
    """The bytes behind every recording of the world."""
    return {one.id: one.audio.data for one in world._by_id.values()}


def check_sums(report: RunReport) -> None:
    """Every call and every recording listed ended somewhere, or the report says so."""
    told = report.as_json()
    calls, recordings = told["calls"], told["recordings"]
    ended = sum(calls[state] for state in CALL_STATES)
    assert calls["listed"] == ended + told.get("unfinished", 0)
    assert recordings["listed"] == sum(recordings[state] for state in RECORDING_STATES)
    is_open = bool(calls["waiting"] or calls["failed"] or told.get("unfinished"))
    if "estimate" not in told:
        assert not (told["complete"] and (is_open or told["problems"]))
        assert told["complete"] == (report.exit_code == 0)


def told(report: RunReport, *, of: str = "calls") -> dict[str, int]:
    """What the report counts, without the zeros and the sum."""
    counts = report.as_json()[of]
    return {name: count for name, count in counts.items() if count and name != "listed"}


def reasons(report: RunReport) -> dict[int | None, str]:
    """Why what is open is open, by recording."""
    return {one["recordId"]: one["reason"] for one in report.as_json()["problems"]}


def tree(*folders: Path) -> dict[str, bytes]:
    """Every file under the folders, byte for byte."""
    return {
        str(path): path.read_bytes()
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
