"""Memory and time of `archiver table` for a million recordings.

    python -m benchmarks.table [--recordings 1000000] [--to .parquet .sqlite .csv]

The catalog is generated, and so is each sidecar when it is read: a million files would measure the
disk. Everything else is as in the command, in a separate process, whose peak resident memory is
read from the kernel.
"""

import argparse
import hashlib
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import anyio.lowlevel

from archiver.catalog.selection import ChosenRecording
from archiver.config import Config
from archiver.config.loading import load_config
from archiver.storage.base import Storage
from archiver.table import table
from archiver.table.table import TableReport, TableRequest, write_table
from benchmarks.machine import describe_machine
from benchmarks.status import make_archive

LIMIT_MIB = 300
FORMATS = (".parquet", ".sqlite", ".csv")
SUMMARY = "The customer asked why parcel 22-81 is late. David promised delivery tomorrow. "


def card(record_id: int) -> bytes:
    """The sidecar of a recording; two in three have a summary."""
    summary = SUMMARY * (1 + record_id % 3) if record_id % 3 else None
    row = {"id": record_id - 900_000, "direction": "outgoing", "clientPhone": "+79001234567"}
    fields = {
        "format": "liner-recording/1",
        "recordId": record_id,
        "userName": f"Agent {record_id % 200}",
        "orderTitle": f"Order {record_id % 30}",
        "statusCode": "answered",
        "durationSeconds": record_id % 600,
        "recordSummary": summary,
        "isTransfer": False,
        "call": row | {"talkTimeDurationSeconds": record_id % 600},
        "record": {"id": record_id, "durationSeconds": record_id % 600, "recordSummary": summary},
        "audio": {"sha256": "5" * 64, "measuredSeconds": record_id % 600 + 0.1, "findings": []},
        "revision": 1,
    }
    return json.dumps(fields).encode()


async def made_up(storage: Storage, one: ChosenRecording) -> bytes:
    """Replaces `read_sidecar`, including its comparison with the digest."""
    await anyio.lowlevel.checkpoint()
    data = card(one.record_id)
    assert hashlib.sha256(data).hexdigest() == one.sidecar_sha256
    return data


def prepare(folder: Path, recordings: int) -> None:
    """Give each recording of the generated catalog its key, and the digest of its sidecar."""
    make_archive(folder, recordings)
    db = sqlite3.connect(folder / "catalog.sqlite")
    db.create_function("card", 1, lambda one: hashlib.sha256(card(one)).hexdigest())
    db.execute(
        "UPDATE recordings SET key = lead_id || '/' || call_id || '/' || record_id || '.mp3',"
        " sidecar_sha256 = card(record_id), revision = 1"
    )
    db.commit()
    db.close()


def child(folder: Path, target: Path) -> None:
    """Write one table, and print its cost."""

    setattr(table, "read_sidecar", made_up)  # noqa: B010 - its own name is another type
    config: Config = load_config(
        (folder / "archive.yaml").read_text(), {}, base=folder, needs_key=False
    )
    began = time.monotonic()
    write = partial(
        write_table,
        config,
        TableRequest(target),
        on_event=lambda event: None,
        state_folder=folder / "state",
    )
    report: TableReport = anyio.run(write)
    fields = {
        "format": target.suffix,
        "rows": report.rows,
        "recordings": report.recordings,
        "damaged": len(report.damaged),
        "MiB": round(report.bytes / 2**20, 1),
        "seconds": round(time.monotonic() - began, 1),
        "peakMiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }
    print(json.dumps(fields))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--recordings", type=int, default=1_000_000)
    parser.add_argument("--to", nargs="*", default=FORMATS, choices=FORMATS)
    parser.add_argument("--child", type=Path, nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(*arguments.child)
        return 0
    print(describe_machine())
    is_within = True
    with tempfile.TemporaryDirectory(prefix="table-") as name:
        folder = Path(name)
        # three calls in ten have no recording
        prepare(folder, arguments.recordings * 10 // 7)
        for ending in arguments.to:
            command = [sys.executable, "-m", "benchmarks.table"]
            command += ["--child", str(folder), str(folder / f"calls{ending}")]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            fields = json.loads(done.stdout)
            is_within &= fields["peakMiB"] <= LIMIT_MIB and not fields["damaged"]
            print(done.stdout, end="", flush=True)
    return 0 if is_within else 1


if __name__ == "__main__":
    sys.exit(main())
