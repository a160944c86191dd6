"""How long `archiver replicate` takes from folder to folder, and how much memory.

    python -m benchmarks.replica [--recordings 20000] [--size 4096] [--known 1000000]

First a replica is filled with so many recordings, then replicated again with nothing new; then a
replica of a ledger of `--known` recordings, whose segments it has already, is found to be complete.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.archives import write_archive


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--recordings", type=int, default=20_000)
    parser.add_argument("--size", type=int, default=4096, help="bytes of audio a recording")
    parser.add_argument("--known", type=int, default=1_000_000, help="0: leave that out")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="replica-") as name:
        folder = Path(name)
        write_archive(folder / "archive", asked.recordings, size=asked.size)
        _prepare(folder)
        _measure(folder, f"first replication of {asked.recordings:,}")
        _measure(folder, f"nothing new of {asked.recordings:,}")
    if not asked.known:
        return
    with tempfile.TemporaryDirectory(prefix="replica-") as name:
        folder = Path(name)
        write_archive(folder / "archive", asked.known, size=asked.size, ledger_only=True)
        _prepare(folder)
        shutil.copytree(folder / "archive", folder / "replica")
        _measure(folder, f"nothing new of {asked.known:,}")


def _prepare(folder: Path) -> None:
    """The configuration, and a catalog of the ledger, which is not part of the measurement."""
    settings = {
        "window": {"since": "2026-01-01"},
        "catalog": {"path": "catalog.sqlite"},
        "replica": {"url": "./replica"},
    }
    (folder / "archive.yaml").write_text(json.dumps(settings))
    subprocess.run(_command(folder, "reindex"), stdout=subprocess.DEVNULL, check=True)


def _command(folder: Path, name: str) -> list[str]:
    return [sys.executable, "-m", "archiver", "-c", str(folder / "archive.yaml"), name, "--quiet"]


def _measure(folder: Path, label: str) -> None:
    began = time.monotonic()
    child = subprocess.Popen(_command(folder, "replicate"), stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    seconds = time.monotonic() - began
    busy, memory = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    code = os.waitstatus_to_exitcode(status)
    print(f"{label}: {seconds:.1f} s, {busy:.1f} s busy, {memory:.0f} MiB, exit {code}", flush=True)


if __name__ == "__main__":
    main()
