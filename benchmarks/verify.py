"""Reading an archive back: `archiver verify` compared with `sha256sum` over the same files.

    python -m benchmarks.verify [--recordings 100000] [--size 4096] [--rounds 3] [--dir PATH]
    python -m benchmarks.verify --from s3 --recordings 2000 --size 65536

Both read every byte, on all cores, from the page cache, so that programs are compared and not the
disk. `sha256sum` gets file names from `find` and cores from `xargs -P`, and compares nothing.
`verify` also lists the archive, follows the chain of the ledger, compares every digest and size,
and reads every sidecar. `reindex` fills a catalog from the same ledger. From S3 (SeaweedFS), verify
is compared with `rclone copy` of the archive into memory, with its default and with 32 transfers.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.archives import write_archive
from benchmarks.machine import describe_machine
from benchmarks.s3server import Bucket, missing_s3_server, s3_server

TOP = Path(__file__).parent.parent
HASHING = "find archive -type f -print0 | xargs -0 -n 256 -P {cores} sha256sum > /dev/null"
"""256 names per process: enough to outweigh its start, few enough to keep all cores busy."""


def main() -> None:
    """Create the archive, let each program read it, print a table and one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--recordings", type=int, default=100_000)
    parser.add_argument("--size", type=int, default=4096, help="bytes of audio a recording")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dir", type=Path, help="where (default: the temporary folder)")
    parser.add_argument("--from", dest="source", choices=("disk", "s3"), default="disk")
    asked = parser.parse_args()
    from_s3 = asked.source == "s3"
    if from_s3 and (absent := missing_s3_server()):
        raise SystemExit(absent)
    with tempfile.TemporaryDirectory(prefix="verify-", dir=asked.dir) as folder:
        place = Path(folder)
        # In a separate process: child processes inherit the memory of their parent in their peak.
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as maker:
            files, size = maker.submit(_make, place, asked.recordings, asked.size).result()
        with _uploaded(place) if from_s3 else nullcontext(_on_disk()) as contestants:
            runs = _measure(place, asked.rounds, contestants)
        fields = {
            "recordings": asked.recordings,
            "files": files,
            "bytes": size,
            "runs": runs,
            "machine": describe_machine(),
        }
    _print_table(fields)
    print(json.dumps(fields))


def _make(place: Path, recordings: int, size: int) -> tuple[int, int]:
    write_archive(place / "archive", recordings, size=size)
    (place / "archive.yaml").write_text("window: {since: 2026-01-01}\n")
    sizes = [path.stat().st_size for path in (place / "archive").rglob("*") if path.is_file()]
    return len(sizes), sum(sizes)


def _measure(
    place: Path, rounds: int, contestants: dict[str, Callable[[Path], dict[str, Any]]]
) -> dict[str, dict[str, Any]]:
    """The contestants in turn, round by round, so that a busy minute affects all of them."""
    next(iter(contestants.values()))(place)  # into the page cache
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            found[name].append(run(place))
    return {
        name: {key: median(one[key] for one in runs) for key in runs[0]}
        for name, runs in found.items()
    }


def _on_disk() -> dict[str, Callable[[Path], dict[str, Any]]]:
    return {
        "sha256sum": _sha256sum,
        "archiver verify": lambda place: _archiver(place, "verify"),
        "archiver reindex": lambda place: _archiver(place, "reindex"),
    }


@contextmanager
def _uploaded(place: Path) -> Iterator[dict[str, Callable[[Path], dict[str, Any]]]]:
    """Contestants that read the archive from S3, where it is while the context lasts."""
    with s3_server(place / "weed") as bucket:
        _rclone(place, bucket, "archive", bucket.remote("archive"), "--transfers", "32")
        (place / "archive.yaml").write_text(
            "window: {since: 2026-01-01}\n"
            f"storage: {{url: 's3://{bucket.name}/archive', s3: {{region: us-east-1, "
            f"endpoint_url: '{bucket.endpoint}'}}}}\n"
        )

        def copied(place: Path, *options: str) -> dict[str, Any]:
            copy = place / "copy"
            measured = _rclone(place, bucket, bucket.remote("archive"), "copy", *options)
            shutil.rmtree(copy)
            return measured

        yield {
            "rclone copy": copied,
            "rclone, 32 at once": lambda place: copied(place, "--transfers", "32"),
            "archiver verify": lambda place: _archiver(place, "verify", bucket.environment),
            "archiver reindex": lambda place: _archiver(place, "reindex", bucket.environment),
        }


def _rclone(place: Path, bucket: Bucket, *arguments: str) -> dict[str, Any]:
    command = ["rclone", "copy", "--config", "/dev/null", *arguments]
    return _timed(command, place, bucket.environment)


def _sha256sum(place: Path) -> dict[str, Any]:
    return _timed(["sh", "-c", HASHING.format(cores=os.cpu_count())], place)


def _archiver(
    place: Path, command: str, credentials: Mapping[str, str] | None = None
) -> dict[str, Any]:
    return _timed([sys.executable, "-m", "archiver", command, "--json"], place, credentials)


def _timed(
    command: list[str], place: Path, credentials: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Seconds, processor seconds and peak resident memory (of one process) in MiB."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(TOP), "HOME": str(place.parent)}
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=place,
        env={**environment, "XDG_STATE_HOME": str(place / "state"), **(credentials or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}")
    return {
        "seconds": round(seconds, 2),
        "processor": round(usage.ru_utime + usage.ru_stime, 2),
        "mebibytes": round(usage.ru_maxrss / 1024, 1),
    }


def _print_table(fields: dict[str, Any]) -> None:
    print(f"{fields['files']:,} files, {fields['bytes'] / 2**20:,.0f} MiB")
    print(f"{'':<18}{'seconds':>9}{'processor':>11}{'MiB/s':>9}{'files/s':>10}{'memory':>12}")
    for name, run in fields["runs"].items():
        rates = (
            ("", "")
            if name.endswith("reindex")
            else (
                f"{fields['bytes'] / 2**20 / run['seconds']:,.0f}",
                f"{fields['files'] / run['seconds']:,.0f}",
            )
        )
        print(
            f"{name:<18}{run['seconds']:>9.2f}{run['processor']:>11.2f}{rates[0]:>9}{rates[1]:>10}"
            + ("" if name == "sha256sum" else f"{run['mebibytes']:>8.0f} MiB")
        )


if __name__ == "__main__":
    main()
