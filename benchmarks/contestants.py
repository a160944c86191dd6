"""The contestants: the command that each one runs, and how its result is checked."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import proof
from benchmarks.s3server import Bucket
from benchmarks.source import Source

_HERE = Path(__file__).parent
_KEY = "benchmark"


@dataclass(frozen=True, slots=True)
class Work:
    """One round of one contestant: what is served where, its new folder, and for S3 the bucket, in
    which it has its own prefix."""

    source: Source
    url: str
    folder: Path
    bucket: Bucket | None = None

    @property
    def target(self) -> tuple[Bucket, str]:
        """The bucket, and the prefix of this round."""
        if self.bucket is None:
            raise ValueError("this work is not for S3")
        return self.bucket, f"{self.folder.parent.name}/{self.source.size}/{self.folder.name}"


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way to do the work. `does` says briefly what it does and what it leaves out.

    `command` prepares a round and returns its command line; `check` raises Incomplete unless the
    folder has everything that this contestant is supposed to produce.
    """

    name: str
    does: str
    tools: tuple[str, ...]
    command: Callable[[Work], list[str]]
    check: Callable[[Work], None]

    @property
    def missing(self) -> str | None:
        """The tools that it needs and that are not installed."""
        absent = [tool for tool in self.tools if shutil.which(tool) is None]
        return ", ".join(absent) or None


def environment(work: Work) -> Mapping[str, str]:
    """The environment of a round: new state folders, no proxies."""
    folder = work.folder
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **keep,
        **(work.bucket.environment if work.bucket else {}),
        "PYTHONPATH": str(_HERE.parent),
        "XDG_STATE_HOME": str(folder / "state"),
        "TMPDIR": str(folder),
    }


def _archiver(work: Work, processes: str = "auto") -> list[str]:
    return _archiver_to(work, processes, f"  url: {work.folder / 'archive'}\n")


def _archiver_s3(work: Work, processes: str = "auto") -> list[str]:
    bucket, prefix = work.target
    s3 = f"  s3: {{endpoint_url: '{bucket.endpoint}', region: us-east-1}}\n"
    return _archiver_to(work, processes, f"  url: s3://{bucket.name}/{prefix}\n{s3}")


def _archiver_to(work: Work, processes: str, storage: str) -> list[str]:
    config = work.folder / "archive.yaml"
    config.write_text(
        f"liner:\n  url: {work.url}\n  api_key: {_KEY}\n  requests_per_second: 10000\n"
        f"window:\n  since: {work.source.since:%Y-%m-%dT%H:%M:%SZ}\n"
        f"download:\n  processes: {processes}\n"
        f"storage:\n{storage}"
        "inspect:\n  after_run: no\n",  # no other contestant decodes what it fetched
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


def _curl_s3(work: Work) -> list[str]:
    bucket, prefix = work.target
    curl = _curl(work)
    return [curl[0], str(_HERE / "s3_pipeline.sh"), *curl[2:], bucket.remote(prefix)]


def _curl_s3_bare(work: Work) -> list[str]:
    return [*_curl_s3(work), "--s3-no-head", "--no-check-dest", "--ignore-checksum"]


def _rclone(work: Work) -> list[str]:
    names = work.folder / "names"
    names.write_text("".join(f"{item.recording}.mp3\n" for item in work.source.items))
    return ["sh", str(_HERE / "rclone_pipeline.sh"), work.url, str(work.folder), str(names)]


def _httpx(work: Work) -> list[str]:
    return [sys.executable, "-m", "benchmarks.httpx_script", work.url, str(work.folder / "files")]


TO_A_FOLDER = (
    Contestant(
        "archiver",
        "calls, recordings, files, proof, SHA-256, sidecars, ledger, catalog; all of it synced",
        (),
        _archiver,
        lambda work: proof.check_archive(work.source, work.folder),
    ),
    Contestant(
        "archiver, 1",
        "the same in one process",
        (),
        partial(_archiver, processes="1"),
        lambda work: proof.check_archive(work.source, work.folder),
    ),
    Contestant(
        "curl",
        "recordings of known calls, files, then sha256sum; no sidecars, not synced",
        ("curl", "sha256sum", "xargs"),
        _curl,
        lambda work: proof.check_sums(work.source, work.folder),
    ),
    Contestant(
        "curl+sync",
        "the same, and one sync of the file system at the end",
        ("curl", "sha256sum", "xargs", "sync"),
        _curl_durable,
        lambda work: proof.check_sums(work.source, work.folder),
    ),
    Contestant(
        "rclone",
        "known files only, then sha256sum; no lists, no sidecars, not synced",
        ("rclone", "sha256sum", "xargs"),
        _rclone,
        lambda work: proof.check_sums(work.source, work.folder),
    ),
    Contestant(
        "httpx script",
        "calls, recordings, files, SHA-256, sidecars; no retries, no proof, not synced",
        (),
        _httpx,
        lambda work: proof.check_tree(work.source, work.folder),
    ),
)

TO_S3 = (
    Contestant(
        "archiver",
        "calls, recordings, files, proof, SHA-256 checked by the server, sidecars, ledger, catalog",
        (),
        _archiver_s3,
        lambda work: proof.check_s3_archive(work.source, work.folder, _there(work)),
    ),
    Contestant(
        "archiver, 1",
        "the same in one process",
        (),
        partial(_archiver_s3, processes="1"),
        lambda work: proof.check_s3_archive(work.source, work.folder, _there(work)),
    ),
    Contestant(
        "curl+rclone",
        "recordings of known calls, files, sha256sum, then `rclone copy` of audio and JSON",
        ("curl", "rclone", "sha256sum", "xargs"),
        _curl_s3,
        lambda work: proof.check_s3_copies(work.source, work.folder, _there(work)),
    ),
    Contestant(
        "curl+rclone-",
        "the same, and rclone neither looks what is there nor at what it has put",
        ("curl", "rclone", "sha256sum", "xargs"),
        _curl_s3_bare,
        lambda work: proof.check_s3_copies(work.source, work.folder, _there(work)),
    ),
)


def _there(work: Work) -> dict[str, int]:
    bucket, prefix = work.target
    return bucket.sizes(prefix)
