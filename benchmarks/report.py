"""Time and memory of `archiver report` for an archive of a million calls.

    python -m benchmarks.report [--calls 1000000]

It uses the catalog of `benchmarks.status`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.status import make_archive


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000)
    calls = parser.parse_args().calls
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_archive(folder, calls)
        for number, arguments in enumerate(([], ["--month", "2025-10"], ["--lang", "ru"])):
            _measure(folder, calls, number, arguments)


def _measure(folder: Path, calls: int, number: int, arguments: list[str]) -> None:
    target = folder / f"{number}.html"
    config = str(folder / "archive.yaml")
    command = ["-m", "archiver", "-c", config, "report", "--to", str(target)]
    began = time.monotonic()
    child = subprocess.Popen([sys.executable, *command, *arguments], stdout=subprocess.DEVNULL)
    _, _, used = os.wait4(child.pid, 0)
    seconds = time.monotonic() - began
    busy, memory = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    said = " ".join(["report", *arguments])
    print(
        f"{said:<24} {seconds:5.2f} s, {busy:5.2f} s of it busy, {memory:.0f} MiB, {calls:,} calls"
    )


if __name__ == "__main__":
    main()
