"""Who competes: the command that each one runs, and how its result is proved complete."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import proof
from benchmarks.source import Source

_HERE = Path(__file__).parent
_KEY = "benchmark"


@dataclass(frozen=True, slots=True)
class Work:
    """One round of one contestant: what is served where, and its own new folder."""

    source: Source
    url: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way to do the work. `does` says in a few words what it does and what it leaves out.

    `command` prepares a round and returns its command line; `check` raises Incomplete unless the
    folder holds all that this contestant promises.
    """

    name: str
    does: str
    tools: tuple[str, ...]
    command: Callable[[Work], list[str]]
    check: Callable[[Source, Path], None]

    @property
    def missing(self) -> str | None:
        """The tools that it wants and the machine has not."""
        absent = [tool for tool in self.tools if shutil.which(tool) is None]
        return ", ".join(absent) or None


def environment(folder: Path) -> Mapping[str, str]:
    """The environment of a round: state folders are new each time, proxies are no part of it."""
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **keep,
        "PYTHONPATH": str(_HERE.parent),
        "XDG_STATE_HOME": str(folder / "state"),
        "TMPDIR": str(folder),
    }


def _archiver(work: Work) -> list[str]:
    config = work.folder / "archive.yaml"
    config.write_text(
        f"liner:\n  url: {work.url}\n  api_key: {_KEY}\n  requests_per_second: 10000\n"
        f"window:\n  since: {work.source.since:%Y-%m-%dT%H:%M:%SZ}\n"
        f"storage:\n  url: {work.folder / 'archive'}\n",
        encoding="utf-8",
    )
    report = work.folder / proof.REPORT
    line = '"$0" -m archiver run --json --config "$1" > "$2" 2> "$2.log"'
    return ["sh", "-c", f"exec {line}", sys.executable, str(config), str(report)]


def _curl(work: Work) -> list[str]:
    ids = work.folder / "ids"
    ids.write_text("".join(f"{item.call}\n" for item in work.source.items))
    return ["sh", str(_HERE / "curl_pipeline.sh"), work.url, str(work.folder), str(ids)]


def _curl_durable(work: Work) -> list[str]:
    return [*_curl(work), "sync"]


def _rclone(work: Work) -> list[str]:
    names = work.folder / "names"
    names.write_text("".join(f"{item.recording}.mp3\n" for item in work.source.items))
    return ["sh", str(_HERE / "rclone_pipeline.sh"), work.url, str(work.folder), str(names)]


def _httpx(work: Work) -> list[str]:
    return [sys.executable, "-m", "benchmarks.httpx_script", work.url, str(work.folder / "files")]


CONTESTANTS = (
    Contestant(
        "archiver",
        "calls, recordings, files, proof, SHA-256, sidecars, ledger, catalog; all of it synced",
        (),
        _archiver,
        proof.check_archive,
    ),
    Contestant(
        "curl",
        "recordings of known calls, files, then sha256sum; no sidecars, not synced",
        ("curl", "sha256sum", "xargs"),
        _curl,
        proof.check_sums,
    ),
    Contestant(
        "curl+sync",
        "the same, and one sync of the file system at the end",
        ("curl", "sha256sum", "xargs", "sync"),
        _curl_durable,
        proof.check_sums,
    ),
    Contestant(
        "rclone",
        "known files only, then sha256sum; no lists, no sidecars, not synced",
        ("rclone", "sha256sum", "xargs"),
        _rclone,
        proof.check_sums,
    ),
    Contestant(
        "httpx script",
        "calls, recordings, files, SHA-256, sidecars; no retries, no proof, not synced",
        (),
        _httpx,
        proof.check_tree,
    ),
)
