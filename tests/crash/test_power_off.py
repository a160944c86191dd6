"""The power goes after any call of a real `archiver run`: what is reported is there, all of it.

A library that is preloaded journals what the process does to the disk of the archive and of the
catalog. See `power.py`.
"""

import random
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread

from archiver.sandbox.audio import wav
from archiver.sandbox.server import Sandbox
from archiver.sandbox.world import World
from tests.cli.commands import Ended, awaited, started
from tests.crash.dead import damage
from tests.crash.power import Cut, Disk, Record, library, records
from tests.support.witness import Witness
from tests.support.world import ManualClock, Night, audio_of, bench

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.nightly,
    pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not here, to cut the power"),
]

SEED = 20_261_130
CONFIG = """\
liner: {{url: "{url}", api_key: {key}, requests_per_second: 10000}}
window: {{since: 2026-11-01}}
inspect: {{after_run: no}}
download: {{processes: {processes}}}
storage: {{url: "{disk}/archive"}}
catalog: {{path: "{disk}/state/catalog.sqlite"}}
"""


def world() -> World:
    found = World().user(101)
    for number in range(1, 6):
        size = 1_300_000 if number == 5 else 700 + number  # the last does not stay in memory
        found.call(number).recording(number * 10, summary=None, audio=wav(size))
    return found


def night_on(sandbox: Sandbox, folder: Path) -> Night:
    """Runs over the disk in that folder."""
    settings: dict[str, Any] = {"catalog": {"path": str(folder / "state/catalog.sqlite")}}
    return Night(sandbox, folder, ManualClock(datetime.now(UTC)), settings)


async def journaled(
    sandbox: Sandbox, folder: Path, *options: str, processes: int = 1
) -> tuple[Disk, Sequence[Record], Ended]:
    """A real run over `folder / "disk"`, and all that it did there."""
    disk = folder / "disk"
    disk.mkdir(exist_ok=True)
    text = CONFIG.format(url=sandbox.url, key=sandbox.key, disk=disk, processes=processes)
    (folder / "archive.yaml").write_text(text)
    (folder / "archive.yaml").chmod(0o600)
    before = Disk(disk)
    environ: Mapping[str, str] = {
        "LD_PRELOAD": str(await to_thread.run_sync(library, folder)),
        "POWER_ROOT": str(disk),
        "POWER_JOURNAL": str(folder / "journal"),
    }
    process = started("run", *options, folder=folder, environ=environ)
    ended = await to_thread.run_sync(awaited, process)
    return before, list(records(folder / "journal")), ended


async def survived(sandbox: Sandbox, folder: Path, **request: Any) -> None:
    """Nothing that the ledger names is damaged, and the next run completes it all."""
    state = folder / "state"
    assert await damage(folder, state) == [], folder.name
    night = night_on(sandbox, folder)
    night.clock.advance(hours=1)
    assert (await night.run(**request)).exit_code == 0, folder.name
    night.check_archive()
    assert await damage(folder, state) == [], folder.name


async def cut_everywhere(
    sandbox: Sandbox, folder: Path, disk: Disk, journal: Sequence[Record], **request: Any
) -> int:
    """Cut the power after each call, in every way that it makes a difference to; how often."""
    tried = 0
    for number, record in enumerate(journal):
        disk.play(record)
        for cut in _ways(record):
            left = folder / f"after-{number}-{cut.name}"
            disk.survivors(left, cut, random.Random(SEED + number))
            await survived(sandbox, left, **request)
            shutil.rmtree(left)
            tried += 1
    return tried


def _ways(record: Record) -> list[Cut]:
    match record.what:
        case "S" | "A":
            return [Cut.NOTHING, Cut.CHANCE]
        case "W":
            return [Cut.CHANCE]
        case _:
            return [Cut.NAMES, Cut.CHANCE]


async def reported(folder: Path, disk: Disk, head: str) -> None:
    """What the run that has ended calls archived is there, with nothing run after it."""
    for cut in Cut:
        left = folder / f"at-the-end-{cut.name}"
        disk.survivors(left, cut, random.Random(SEED))
        assert await damage(left, left / "state") == []
        archive = Witness(left / "archive")
        assert archive.head() == head
        archive.check_recordings(audio_of(world()))


@pytest.mark.parametrize("processes", [1, 2])
async def test_a_first_run_may_lose_its_power_after_any_call(
    tmp_path: Path, processes: int
) -> None:
    async with bench(tmp_path, world()) as night:
        disk, journal, ended = await journaled(
            night.sandbox, tmp_path, "--json", processes=processes
        )
        assert ended.code == 0, ended
        tried = await cut_everywhere(night.sandbox, tmp_path, disk, journal)
        assert tried > 300
        await reported(tmp_path, disk, ended.answer["ledgerHead"])


async def test_a_run_that_revises_may_lose_its_power_after_any_call(tmp_path: Path) -> None:
    async with bench(tmp_path, world()) as night:
        (tmp_path / "disk").mkdir()
        before = night_on(night.sandbox, tmp_path / "disk")
        assert (await before.run()).exit_code == 0
        for number in range(1, 6):
            night.world.change_recording(number * 10, summary=f"Said {number}.")
        recheck = ("--recheck", "--since", "2026-11-01")
        disk, journal, ended = await journaled(night.sandbox, tmp_path, *recheck)
        assert ended.code == 0, ended
        since = datetime(2026, 11, 1, tzinfo=UTC)
        tried = await cut_everywhere(
            night.sandbox, tmp_path, disk, journal, recheck=True, since=since
        )
        assert tried > 300
        left = tmp_path / "at-the-end"
        disk.survivors(left, Cut.NOTHING, random.Random(SEED))
        archive = Witness(left / "archive")
        said = {number: archive.sidecar(number * 10)["recordSummary"] for number in range(1, 6)}
        assert said == {number: f"Said {number}." for number in range(1, 6)}
