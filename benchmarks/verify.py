"""Reading an archive back: `archiver verify` compared with `sha256sum` over the same files.

    python -m benchmarks.verify [--recordings 100000] [--size 4096] [--rounds 3] [--dir PATH]

Both read every byte, on all cores, from the page cache, so that programs are compared and not the
disk. `sha256sum` gets file names from `find` and cores from `xargs -P`, and compares nothing.
`verify` also lists the archive, follows the chain of the ledger, compares every digest and size,
and reads every sidecar. `reindex` fills a catalog from the same ledger.
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.archives import write_archive
from benchmarks.machine import describe_machine

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
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="verify-", dir=asked.dir) as folder:
        place = Path(folder)
        # In a separate process: child processes inherit the memory of their parent in their peak.
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as maker:
            files, size = maker.submit(_make, place, asked.recordings, asked.size).result()
        fields = {
            "recordings": asked.recordings,
            "files": files,
            "bytes": size,
            "runs": _measure(place, asked.rounds),
            "machine": describe_machine(),
        }
    _print_table(fields)
    print(json.dumps(fields))


def _make(place: Path, recordings: int, size: int) -> tuple[int, int]:
    write_archive(place / "archive", recordings, size=size)
    (place / "archive.yaml").write_text("window: {since: 2026-01-01}\n")
    sizes = [path.stat().st_size for path in (place / "archive").rglob("*") if path.is_file()]
    return len(sizes), sum(sizes)


def _measure(place: Path, rounds: int) -> dict[str, dict[str, Any]]:
    """The contestants in turn, round by round, so that a busy minute affects all of them."""
    contestants: dict[str, Callable[[Path], dict[str, Any]]] = {
        "sha256sum": _sha256sum,
        "archiver verify": lambda place: _archiver(place, "verify"),
        "archiver reindex": lambda place: _archiver(place, "reindex"),
    }
    _sha256sum(place)  # into the page cache
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            found[name].append(run(place))
    return {
        name: {key: median(one[key] for one in runs) for key in runs[0]}
        for name, runs in found.items()
    }


def _sha256sum(place: Path) -> dict[str, Any]:
    return _timed(["sh", "-c", HASHING.format(cores=os.cpu_count())], place)


def _archiver(place: Path, command: str) -> dict[str, Any]:
    return _timed([sys.executable, "-m", "archiver", command, "--json"], place)


def _timed(command: list[str], place: Path) -> dict[str, Any]:
    """Seconds, processor seconds and peak resident memory (of one process) in MiB."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(TOP), "HOME": str(place.parent)}
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=place,
        env={**environment, "XDG_STATE_HOME": str(place / "state")},
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
