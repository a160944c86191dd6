"""A night with nothing new: `python -m benchmarks.night [--calls 160000] [--recorded-every 10]`.

The sandbox serves synthetic calls in a separate process. The first run archives them; the second
finds all of them in its window again, and nothing new. Prints how many requests both made, their
seconds, and the processor time and memory of the second.
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from archiver.sandbox.synthetic import SyntheticWorld
from benchmarks.machine import describe_machine
from benchmarks.memory import serve_world

DAYS = 8
"""So long ago the first call was created: within what a run lists again."""


@dataclass(frozen=True, slots=True)
class Night:
    """A run: its report, its processor seconds, and its peak resident memory in MiB."""

    report: dict[str, Any]
    processor: float
    peak_mib: float


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; 0 if both runs were complete and the second archived nothing."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=160_000)
    parser.add_argument("--recorded-every", type=int, default=10, help="calls per recording")
    asked = parser.parse_args(argv)
    world = SyntheticWorld(
        size=asked.calls,
        recorded_every=asked.recorded_every,
        start=datetime.now(UTC).replace(microsecond=0) - timedelta(days=DAYS),
        step=timedelta(days=DAYS) / (asked.calls + 1),
    )
    print(describe_machine())
    with tempfile.TemporaryDirectory(prefix="night-") as folder:
        nights = _measure(world, Path(folder))
    for name, night in zip(("first", "nothing new"), nights, strict=True):
        report = night.report
        print(
            f"{name:<12} {report['calls']['listed']:,} calls listed,"
            f" {report['recordings']['archived']:,} recordings archived,"
            f" {report['requests']:,} requests, {report['seconds']:.1f} s,"
            f" {night.processor:.1f} s of the processor, {night.peak_mib:.0f} MiB"
        )
    second = nights[1].report
    is_whole = all(night.report["complete"] for night in nights)
    return 0 if is_whole and not second["recordings"]["archived"] else 1


def _measure(world: SyntheticWorld, folder: Path) -> list[Night]:
    ours, theirs = multiprocessing.Pipe()
    sandbox = multiprocessing.Process(target=serve_world, args=(world, theirs), daemon=True)
    sandbox.start()
    url, key = ours.recv()
    (folder / "archive.yaml").write_text(
        f"liner: {{url: '{url}', api_key: '{key}', requests_per_second: 10000}}\n"
        f"window: {{since: '{world.start:%Y-%m-%d}', settle: 0s}}\n"
        f"catalog: {{path: '{folder / 'catalog.sqlite'}'}}\n"
    )
    try:
        return [_run(folder), _run(folder)]
    finally:
        sandbox.terminate()
        sandbox.join()


def _run(folder: Path) -> Night:
    command = [sys.executable, "-m", "archiver", "run", "--quiet", "--json", "-c"]
    with subprocess.Popen([*command, str(folder / "archive.yaml")], stdout=subprocess.PIPE) as run:
        told = run.stdout.read() if run.stdout else b""
        _, status, used = os.wait4(run.pid, 0)
        run.returncode = os.waitstatus_to_exitcode(status)
    return Night(json.loads(told), used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


if __name__ == "__main__":
    sys.exit(main())
