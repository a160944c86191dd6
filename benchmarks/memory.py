"""Memory of a run with a million calls: `python -m benchmarks.memory`.

The sandbox serves synthetic calls in one process; the command line archives them in another, whose
resident memory is read from the kernel every second, and its peak at the end. The exit code is 0
only if the run is complete and the peak below the limit.

With `--dask`, two Dask workers archive them to S3 (SeaweedFS), or to a folder (`--folder`), which
is faster; and the memory of the scheduler is read, too. All processes share this machine, which
makes them slow and not larger.
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeAlias

import anyio

from archiver.sandbox.server import serve
from archiver.sandbox.synthetic import SyntheticWorld
from benchmarks.dask_cluster import dask_cluster
from benchmarks.machine import describe_machine
from benchmarks.s3server import s3_server

LIMIT_MIB = 150
DASK_LIMIT_MIB = 200
_WORKERS = 2
_SAMPLE_SECONDS = 1.0
_SHOWN = 12


Place: TypeAlias = Callable[[Path], AbstractContextManager[tuple[str, Mapping[str, str]]]]
"""Provides an archive in that folder: its `storage` in archive.yaml, and the environment for it."""


@dataclass(slots=True)
class Course:
    """The memory of processes over time as (seconds, resident MiB of each), and the peak of the
    first."""

    samples: list[tuple[float, ...]] = field(default_factory=list)
    peak_mib: float = 0.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; 0 if the run was complete and stayed below the limit."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--recorded-every", type=int, default=10, help="calls per recording")
    parser.add_argument("--dask", action="store_true", help="over two Dask workers, to S3")
    parser.add_argument("--folder", action="store_true", help="with --dask: to a folder, not to S3")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    arguments = parser.parse_args(argv)
    world = SyntheticWorld(size=arguments.calls, recorded_every=arguments.recorded_every)
    with tempfile.TemporaryDirectory(prefix="memory-") as folder:
        if arguments.dask:
            place = _shared_folder if arguments.folder else _bucket
            report, course, seconds = _measure_dask(world, Path(folder), place)
        else:
            report, course, seconds = _measure(world, Path(folder))
    told = {
        "machine": describe_machine(),
        "calls": report["calls"],
        "recordings": report["recordings"],
        "complete": report["complete"],
        "seconds": round(seconds, 1),
        "callsPerSecond": round(arguments.calls / seconds),
        "peakMiB": round(course.peak_mib, 1),
        "residentMiB": [[round(one, 1) for one in sample] for sample in course.samples],
    }
    _show(told, course)
    if arguments.json:
        arguments.json.write_text(json.dumps(told, indent=2) + "\n", "ascii")
    limit = DASK_LIMIT_MIB if arguments.dask else LIMIT_MIB
    whole = told["complete"] and report["calls"]["listed"] == arguments.calls
    return 0 if whole and course.peak_mib < limit else 1


def _measure(
    world: SyntheticWorld, folder: Path
) -> tuple[dict[str, dict[str, int]], Course, float]:
    with _served(world) as (url, key):
        (folder / "archive.yaml").write_text(_configured(world, folder, url, key))
        return _run(folder, dict(os.environ))


def _measure_dask(
    world: SyntheticWorld, folder: Path, place: Place
) -> tuple[dict[str, dict[str, int]], Course, float]:
    with _served(world) as (url, key), place(folder) as (storage, credentials):
        config = folder / "archive.yaml"
        others = f"storage: {storage}\ninspect: {{after_run: no}}\n"
        config.write_text(_configured(world, folder, url, key) + others)
        environ = {
            **os.environ,
            **credentials,
            "ARCHIVER_CONFIG": str(config),
            "XDG_STATE_HOME": str(folder / "state"),
            "DASK_DISTRIBUTED__SCHEDULER__WORK_STEALING": "False",
            "DASK_DISTRIBUTED__ADMIN__LOW_LEVEL_LOG_LENGTH": "10",
        }
        with dask_cluster(environ, folder, _WORKERS) as cluster:
            return _run(folder, environ, "--dask", cluster.address, also=cluster.scheduler)


@contextmanager
def _bucket(folder: Path) -> Iterator[tuple[str, Mapping[str, str]]]:
    with s3_server(folder / "s3") as bucket:
        server = f"{{region: us-east-1, endpoint_url: '{bucket.endpoint}'}}"
        yield f"{{url: 's3://{bucket.name}/archive', s3: {server}}}", bucket.environment


@contextmanager
def _shared_folder(folder: Path) -> Iterator[tuple[str, Mapping[str, str]]]:
    yield f"{{url: '{folder / 'archive'}'}}", {}


@contextmanager
def _served(world: SyntheticWorld) -> Iterator[tuple[str, str]]:
    """The address of the world's API and its key, while the context lasts."""
    ours, theirs = multiprocessing.Pipe()
    sandbox = multiprocessing.Process(target=serve_world, args=(world, theirs), daemon=True)
    sandbox.start()
    try:
        yield ours.recv()
    finally:
        sandbox.terminate()


def _configured(world: SyntheticWorld, folder: Path, url: str, key: str) -> str:
    return (
        f"liner: {{url: '{url}', api_key: '{key}', requests_per_second: 10000}}\n"
        f"window: {{since: '{world.start:%Y-%m-%d}', settle: 0s}}\n"
        f"catalog: {{path: '{folder / 'catalog.sqlite'}'}}\n"
    )


def _run(
    folder: Path, environ: Mapping[str, str], *options: str, also: int | None = None
) -> tuple[dict[str, dict[str, int]], Course, float]:
    config = str(folder / "archive.yaml")
    command = [sys.executable, "-m", "archiver", "run", "--json", "--config", config, *options]
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as run:
        course = _watch(run, also)
        output = run.stdout.read() if run.stdout else ""
    if run.returncode:
        raise SystemExit(f"the run ended with {run.returncode}")
    return json.loads(output), course, time.monotonic() - began


def _watch(run: subprocess.Popen[str], also: int | None) -> Course:
    course, began = Course(), time.monotonic()
    while run.poll() is None:
        sizes = _sizes(run.pid)
        if "VmRSS" in sizes:
            others = () if also is None else (_mib(_sizes(also)["VmRSS"]),)
            course.samples.append((time.monotonic() - began, _mib(sizes["VmRSS"]), *others))
            course.peak_mib = max(course.peak_mib, _mib(sizes["VmHWM"]))
        time.sleep(_SAMPLE_SECONDS)
    return course


def _sizes(process: int) -> dict[str, str]:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return dict(line.split(":", 1) for line in lines if line.startswith("Vm"))


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
    for at, *sizes in course.samples[::step]:
        print(f"{at:>8.0f}", *(f"{mib:>13.1f}" for mib in sizes))


if __name__ == "__main__":
    sys.exit(main())
