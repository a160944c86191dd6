"""A small archive that has everything: revisions, reports, several segments; and ways to verify it.

It is made once and copied for each test, in a folder or into a bucket.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
from msgspec.structs import replace

from archiver.config import Config
from archiver.config.loading import load_config
from archiver.sandbox.audio import wav
from archiver.sandbox.world import World
from archiver.verify.audit import Patience
from archiver.verify.findings import Finding
from archiver.verify.verify import Verified, Wanted, verify
from tests.support.witness import Witness
from tests.support.world import QUICK, bench


async def _no_time(seconds: float) -> None:
    await anyio.lowlevel.checkpoint()


AT_ONCE = Patience(seconds=3.0, sleep=_no_time)
"""A run that is under way is waited for, but no time passes."""


@dataclass(frozen=True)
class Case:
    """An archive in a folder, with the state that its runs left."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "archive"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def config(self) -> Config:
        return config_of(self.folder)

    @property
    def head(self) -> str:
        return max(self.segments())[1]

    def segments(self) -> list[tuple[str, str]]:
        names = [path.stem.partition("-") for path in self.root.glob("_archive/ledger/*.jsonl")]
        return sorted((number, digest) for number, _, digest in names)

    def forget_catalog(self) -> None:
        shutil.rmtree(self.state)

    def copy(self, folder: Path) -> "Case":
        shutil.copytree(self.folder, folder)
        return Case(folder)

    async def verify(self, **wanted: Any) -> Verified:
        return await verify(
            self.config, Wanted(**wanted), state_folder=self.state, patience=AT_ONCE
        )

    async def findings(self, **wanted: Any) -> list[Finding]:
        return (await self.verify(**wanted)).found.findings


def config_of(folder: Path, url: str = "http://127.0.0.1:9", key: str = "unused") -> Config:
    text = f"liner: {{url: '{url}', api_key: {key}}}\nwindow: {{since: 2026-11-01}}\n"
    return load_config(text, {}, base=folder)


def names(findings: Sequence[Finding]) -> set[tuple[str, str]]:
    """Kind and key of each."""
    return {(one.name, one.key) for one in findings}


def world_of_everything() -> World:
    """Three calls with four recordings, one of which gets its summary a day late."""
    world = World().user(101)
    world.call(1).recording(11, audio=wav(600, 11), summary=None).recording(12, audio=wav(600, 12))
    world.call(2).recording(21, audio=wav(600, 21), summary="Said.")
    return world.call(3, lead=None).recording(31, lead_id=None, audio=wav(600, 31))


async def make(folder: Path) -> Case:
    """The archive after three nights, in more than three segments."""
    world = world_of_everything()
    async with bench(folder, world, pace=replace(QUICK, segment_events=4)) as night:
        await night.run()
        night.clock.advance(days=1)
        world.change_recording(11, summary="Late, but there.")
        await night.nights(2)
    Witness(folder / "archive").check()
    return Case(folder)
