"""Memory of a run with a million calls: `python -m benchmarks.memory`.

The sandbox serves synthetic calls in one process; the command line archives them in another, whose
resident memory is read from the kernel every second, and its peak at the end. The exit code is 0
only if the run is complete and the peak below the limit.
"""

import argparse
import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import anyio

from archiver.sandbox.server import serve
from archiver.sandbox.synthetic import SyntheticWorld
from benchmarks.machine import describe_machine

LIMIT_MIB = 150
_SAMPLE_SECONDS = 1.0
_SHOWN = 12


@dataclass(slots=True)
class Course:
    """The memory of a process over time as (seconds, resident MiB), and its peak."""

    samples: list[tuple[float, float]] = field(default_factory=list)
    peak_mib: float = 0.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; 0 if the run was complete and stayed below the limit."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--recorded-every", type=int, default=10, help="calls per recording")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    arguments = parser.parse_args(argv)
    world = SyntheticWorld(size=arguments.calls, recorded_every=arguments.recorded_every)
    with tempfile.TemporaryDirectory(prefix="memory-") as folder:
        report, course, seconds = _measure(world, Path(folder))
    told = {
        "machine": describe_machine(),
        "calls": report["calls"],
        "recordings": report["recordings"],
        "complete": report["complete"],
        "seconds": round(seconds, 1),
        "callsPerSecond": round(arguments.calls / seconds),
        "peakMiB": round(course.peak_mib, 1),
        "residentMiB": [(round(at), round(mib, 1)) for at, mib in course.samples],
    }
    _show(told, course)
    if arguments.json:
        arguments.json.write_text(json.dumps(told, indent=2) + "\n", "ascii")
    whole = told["complete"] and report["calls"]["listed"] == arguments.calls
    return 0 if whole and course.peak_mib < LIMIT_MIB else 1


def _measure(
    world: SyntheticWorld, folder: Path
) -> tuple[dict[str, dict[str, int]], Course, float]:
    ours, theirs = multiprocessing.Pipe()
    sandbox = multiprocessing.Process(target=serve_world, args=(world, theirs), daemon=True)
    sandbox.start()
    url, key = ours.recv()
    config = folder / "archive.yaml"
    config.write_text(
        f"liner: {{url: '{url}', api_key: '{key}', requests_per_second: 10000}}\n"
        f"window: {{since: '{world.start:%Y-%m-%d}', settle: 0s}}\n"
        f"catalog: {{path: '{folder / 'catalog.sqlite'}'}}\n"
    )
    command = [sys.executable, "-m", "archiver", "run", "--json", "--config", str(config)]
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        course = _watch(run)
        output = run.stdout.read() if run.stdout else ""
    seconds = time.monotonic() - began
    sandbox.terminate()
    return json.loads(output), course, seconds


def _watch(run: subprocess.Popen[str]) -> Course:
    course, began = Course(), time.monotonic()
    status = Path(f"/proc/{run.pid}/status")
    while run.poll() is None:
        sizes = dict(
            line.split(":", 1) for line in status.read_text().splitlines() if line.startswith("Vm")
        )
        if "VmRSS" in sizes:
            course.samples.append((time.monotonic() - began, _mib(sizes["VmRSS"])))
            course.peak_mib = max(course.peak_mib, _mib(sizes["VmHWM"]))
        time.sleep(_SAMPLE_SECONDS)
    return course


def _mib(told: str) -> float:
    return int(told.removesuffix("kB")) / 1024


def serve_world(world: SyntheticWorld, listener: Connection) -> None:
    def announce(url: str, key: str) -> None:
        listener.send((url, key))

    async def forever() -> None:
        await serve("127.0.0.1", 0, announce, world=world)

    anyio.run(forever)


def _show(told: dict[str, object], course: Course) -> None:
    for name, value in told.items():
        if name not in ("machine", "residentMiB"):
            print(f"{name:<16} {value}")
    step = max(1, len(course.samples) // _SHOWN)
    print(f"{'second':>8} {'resident MiB':>13}")
    for at, mib in course.samples[::step]:
        print(f"{at:>8.0f} {mib:>13.1f}")


if __name__ == "__main__":
    sys.exit(main())
