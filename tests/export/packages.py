"""Leads worth exporting, exports of them, and packages looked at as a stranger would."""

import csv
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import anyio
import bagit  # type: ignore[import-untyped]

from archiver.archive.opening import watched_archive
from archiver.config import Config
from archiver.export.custody import Exporter
from archiver.export.fetching import fetch
from archiver.export.outcome import ExportReport
from archiver.export.package import export
from archiver.export.request import ExportRequest, Trace
from archiver.export.selection import Selection
from archiver.export.tracing import trace
from archiver.run.events import OnEvent
from archiver.run.report import RunReport
from archiver.run.request import RunRequest
from archiver.run.run import run
from archiver.sandbox.audio import sample
from archiver.sandbox.sample_world import samples
from archiver.sandbox.world import World
from tests.storage.s3_servers import S3Server
from tests.support.world import QUICK, ManualClock, Night

LEAD = 789
PHONE = "+79001234567"
_CHOICE = {field.name for field in fields(Selection)}
HOSTILE = "<img src=x onerror=\"document.title='owned'\"></script><script>alert(1)</script>"


def nobody(event: object) -> None:
    """An ear for events that hears nothing."""


def left_in(folder: Path) -> list[str]:
    """What lies there beside the archive and the catalog."""
    return sorted(
        path.name for path in folder.iterdir() if path.name not in ("archive", "state", "other")
    )


def flip(path: Path) -> None:
    """Change one bit of the file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)


def one_lead() -> World:
    """A lead with calls of every kind, told as a story: the sandbox's own recordings."""
    known = {each["recordId"]: each for each in samples()}
    world = World().order(202, "Delivery line").order(203, "Customer care")
    world.user(101, "Anna", "Price").user(102, "David", "Walsh")
    world.user(103, "Maria", "Lopez").user(106, "Karen", "Mills")
    story: tuple[tuple[int, str, int | None, str, tuple[int, ...]], ...] = (
        (123, "2026-11-02T09:14:05Z", 101, "outgoing", (900101,)),
        (124, "2026-11-02T10:02:51Z", None, "outgoing", ()),
        (125, "2026-11-02T15:31:47Z", 102, "incoming", (900102,)),
        (126, "2026-11-03T08:48:52Z", 102, "incoming", (900106,)),
        (70108, "2026-11-03T13:11:02Z", 103, "incoming", (900108, 900109)),
        (128, "2026-11-04T09:20:15Z", 103, "outgoing", (900116,)),
        (129, "2026-11-04T10:17:44Z", 101, "outgoing", (900113,)),
    )
    for call_id, at, user, direction, record_ids in story:
        talk = round(sum(known[one]["durationSeconds"] for one in record_ids))
        world.call(
            call_id, order=203 if direction == "incoming" else 202, lead=LEAD, at=at, user_id=user,
            direction=direction, talk=talk, phone=PHONE,
            status="answered" if record_ids else "no-answer",
        )  # fmt: skip
        for one in record_ids:
            each = known[one]
            world.recording(
                one, at=at if one != 900109 else "2026-11-03T13:12:26Z",
                audio=sample(each["file"], each["contentType"]),
                user_id=106 if one == 900109 else user, duration=each["durationSeconds"],
                summary=each["recordSummary"], is_transfer=one == 900109,
            )  # fmt: skip
    return world


def on_s3(server: S3Server, prefix: str) -> dict[str, Any]:
    """Settings of an archive in that stretch of the test bucket."""
    s3 = {"endpoint_url": server.endpoint, "region": "us-east-1"}
    return {"storage": {"url": f"s3://archives/{prefix}", "s3": s3}}


async def exported(
    night: Night,
    target: Path,
    *,
    settings: Mapping[str, Any] | None = None,
    state: Path | None = None,
    on_event: OnEvent = nobody,
    clock: ManualClock | None = None,
    **request: Any,
) -> ExportReport:
    """One export with all its steps, as the command does them. `request` are members of it and of
    its selection."""
    config = night.config(**(settings or {}))
    chosen = {name: request.pop(name) for name in _CHOICE if name in request}
    asked = ExportRequest(target=target, selection=Selection(**chosen), **request)
    return await exported_from(
        config, asked, state or night.state, clock or night.clock, on_event=on_event
    )


async def exported_from(
    config: Config,
    request: ExportRequest,
    state: Path,
    clock: ManualClock,
    *,
    on_event: OnEvent = nobody,
) -> ExportReport:
    async def one_run(config: Config, asked: RunRequest) -> RunReport | None:
        return await run(
            config,
            asked,
            on_event=on_event,
            stop=anyio.Event(),
            state_folder=state,
            clock=clock,
            pace=QUICK,
        )

    traced = Trace()
    if request.selection.needs_trace:
        async with watched_archive(config, state_folder=state) as archive:
            traced = await trace(archive, request.selection, on_event)
    fetched = await fetch(config, request, traced, run=one_run, on_event=on_event)
    assert fetched is not None
    return await export(
        config,
        request,
        fetched,
        traced,
        exporter=Exporter("tester", "testhost"),
        on_event=on_event,
        state_folder=state,
        clock=clock,
        pace=QUICK,
    )


@dataclass(frozen=True)
class Package:
    """A package in a folder, as it came out of a zip or not."""

    root: Path

    @classmethod
    def unzipped(cls, path: Path, into: Path) -> "Package":
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            archive.extractall(into)
        (root,) = into.iterdir()
        return cls(root)

    def validate(self, *, fast: bool = False) -> None:
        """The library `bagit` checks the bag, and so does its command."""
        bagit.Bag(str(self.root)).validate(fast=fast)
        if fast:
            return
        command = [sys.executable, "-m", "bagit", "--validate", str(self.root)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    @property
    def files(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file()
        }

    @property
    def custody(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self.root / "custody.json").read_bytes())
        return told

    @property
    def manifest(self) -> dict[str, str]:
        """The digests by path."""
        lines = (self.root / "manifest-sha256.txt").read_text("utf-8").splitlines()
        return {path: digest for digest, path in (line.split("  ", 1) for line in lines)}

    @property
    def page(self) -> str:
        """All that a browser may show of the calls: the page, its data, and the plain lists."""
        paths = [self.root / "data/index.html", *sorted((self.root / "data/lists").iterdir())]
        paths += sorted((self.root / "data/view").iterdir())
        return "".join(path.read_text("utf-8") for path in paths)

    def rows(self) -> list[dict[str, str]]:
        data = (self.root / "data/calls.csv").read_bytes()
        assert data.startswith(b"\xef\xbb\xbf")
        return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))

    def audio(self) -> dict[int, bytes]:
        """The recordings by the id that ends their names."""
        return {
            int(path.stem.rpartition("_")[2]): path.read_bytes()
            for path in (self.root / "data/audio").glob("*")
        }

    def check(self) -> None:
        """Every payload file is in the manifest, every digest is right, custody tells the same."""
        files = self.files
        payload = {path: data for path, data in files.items() if path.startswith("data/")}
        digests = {path: hashlib.sha256(data).hexdigest() for path, data in payload.items()}
        assert self.manifest == digests
        manifest = files["manifest-sha256.txt"]
        assert self.custody["manifest"]["sha256"] == hashlib.sha256(manifest).hexdigest()
        for one in self.custody["recordings"]:
            assert digests[one["file"]] == one["sha256"]
            assert digests[one["sidecar"]] == one["sidecarSha256"]
