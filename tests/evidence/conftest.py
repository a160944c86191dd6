"""An authority, and an archive of three nights that is signed, stamped and witnessed."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest

from archiver.config import Config
from archiver.config.loading import load_config
from archiver.evidence.keys import make_key
from archiver.sandbox.audio import wav
from archiver.sandbox.world import World
from archiver.verify.findings import Finding
from archiver.verify.verify import Verified, Wanted, verify
from tests.evidence.authority import Authority, serving
from tests.support.world import bench
from tests.verify.archives import AT_ONCE
from tests.verify.media import Folder


@dataclass(frozen=True)
class Vouched:
    """A signed archive in a folder, with the key and a witness beside it."""

    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        return self.folder / "archive"

    @property
    def medium(self) -> Folder:
        return Folder(self.root)

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def key(self) -> Path:
        return self.folder / "key.pem"

    @property
    def public(self) -> Path:
        return self.folder / "key.pem.pub"

    def config(self, **evidence: Any) -> Config:

        text = {
            "liner": {"url": "http://127.0.0.1:9", "api_key": "unused"},
            "storage": {"url": str(self.root)},
            "evidence": self.settings | evidence,
        }
        return load_config(json.dumps(text), {}, base=self.folder)

    def segments(self) -> list[str]:
        return [one for one in self.medium.listing() if one.endswith(".jsonl")]

    async def verify(self, *, evidence: dict[str, Any] | None = None, **wanted: Any) -> Verified:
        return await verify(
            self.config(**(evidence or {})),
            Wanted(**wanted),
            state_folder=self.state,
            patience=AT_ONCE,
        )

    async def findings(
        self, *, evidence: dict[str, Any] | None = None, **wanted: Any
    ) -> list[Finding]:
        return (await self.verify(evidence=evidence, **wanted)).found.findings

    def forget_catalog(self) -> None:
        shutil.rmtree(self.state)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    authority.make()
    with serving(authority):
        yield authority


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Path:
    """The folder that `vouched` copies; `archive-1` is the archive as it was a night before."""
    folder = tmp_path_factory.mktemp("vouched")
    (folder / "witness").mkdir()
    make_key(folder / "key.pem", None)
    world = World().user(101)
    world.call(1).recording(11, audio=wav(600, 11), summary=None)
    world.call(2).recording(21, audio=wav(600, 21), summary="Said.")

    async def make() -> None:
        async with bench(folder, world, settings={"evidence": settings_in(folder, authority)}) as b:
            await b.run()
            b.clock.advance(days=1)
            shutil.copytree(folder / "archive", folder / "archive-1")
            shutil.copytree(folder / "state", folder / "state-1")
            world.change_recording(11, summary="Late, but there.")
            world.call(3).recording(31, audio=wav(600, 31))
            report = await b.run()
            assert report.evidence is not None
            assert report.evidence["troubles"] == []

    anyio.run(make)
    return folder


def settings_in(folder: Path, authority: Authority) -> dict[str, Any]:
    return {
        "sign": str(folder / "key.pem"),
        "timestamp_url": authority.url,
        "timestamp_roots": str(authority.roots),
        "witnesses": [{"url": str(folder / "witness")}],
    }


@pytest.fixture
def vouched(made: Path, tmp_path: Path, authority: Authority) -> Vouched:
    """A copy to tamper with."""
    folder = tmp_path / "own"
    shutil.copytree(made, folder)
    return Vouched(folder, settings_in(folder, authority))
