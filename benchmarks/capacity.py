"""Measures the size of everything in an archive except audio: `python -m benchmarks.capacity`.

The sandbox serves synthetic calls in a separate process; the command line archives them, each with
a recording, and then runs a second time. The resulting files are counted by kind and divided by the
number of recordings: the table in docs/operations.md has these figures.
"""

import argparse
import json
import multiprocessing
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from archiver.sandbox.synthetic import SyntheticWorld
from benchmarks.machine import describe_machine
from benchmarks.memory import serve_world


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; 0 if both runs were complete."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--recordings", type=int, default=5_000)
    parser.add_argument("--audio-bytes", type=int, default=16 * 1024)
    arguments = parser.parse_args(argv)
    world = SyntheticWorld(
        size=arguments.recordings,
        recorded_every=1,
        audio_bytes=arguments.audio_bytes,
        start=datetime.now(UTC).replace(microsecond=0) - timedelta(days=20),
        step=timedelta(days=8) / arguments.recordings,
    )
    with tempfile.TemporaryDirectory(prefix="capacity-") as folder:
        first, second, told = _measure(world, Path(folder))
    print(f"{describe_machine()}\n")
    for name, value in told.items():
        print(f"{name:<34} {value:>14,.1f}")
    return 0 if first["complete"] and second["complete"] else 1


def _measure(
    world: SyntheticWorld, folder: Path
) -> tuple[dict[str, Any], dict[str, Any], dict[str, float]]:
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
        first, second = _run(folder), _run(folder)
    finally:
        sandbox.terminate()
        sandbox.join()
    return first, second, _figures(world.size, folder, first, second)


def _run(folder: Path) -> dict[str, Any]:
    command = [
        sys.executable,
        "-m",
        "archiver",
        "run",
        "--json",
        "-c",
        str(folder / "archive.yaml"),
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _figures(
    count: int, folder: Path, first: dict[str, Any], second: dict[str, Any]
) -> dict[str, float]:
    archive = folder / "archive"
    sidecars = [path for path in archive.glob("[0-9]*/*/*") if path.suffix == ".json"]
    ledger = list((archive / "_archive" / "ledger").rglob("*"))
    catalog = list(folder.glob("catalog.sqlite*"))
    return {
        "recordings": count,
        "first night: seconds": first["seconds"],
        "first night: recordings a second": count / first["seconds"],
        "first night: requests a recording": first["requests"] / count,
        "second night: seconds": second["seconds"],
        "second night: requests": second["requests"],
        "sidecar: bytes a recording": _size(sidecars) / count,
        "ledger: bytes a recording": _size(ledger) / count,
        "catalog: bytes a recording": _size(catalog) / count,
        "files beside the audio a recording": (len(sidecars) + len(ledger)) / count,
    }


def _size(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths if path.is_file())


if __name__ == "__main__":
    sys.exit(main())
