"""Time of `archiver status` for an archive of a million calls.

    python -m benchmarks.status [--calls 1000000]

The catalog is generated: three years of calls, thirty orders, two hundred agents, three in ten
calls without a recording, one in a thousand open or gone.
"""

import argparse
import json
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from archiver.catalog.schema import prepare

_START = int(datetime(2023, 10, 1, tzinfo=UTC).timestamp())
_LENGTH = 3 * 365 * 86_400


def make_archive(folder: Path, calls: int) -> None:
    """An archive without a ledger whose catalog has this many calls."""
    archive_id = str(uuid.uuid4())
    fields = {"format": "liner-archive/1", "archiveId": archive_id}
    (folder / "archive/_archive").mkdir(parents=True)
    (folder / "archive/_archive/format.json").write_text(json.dumps(fields))
    (folder / "archive.yaml").write_text("catalog: {path: catalog.sqlite}\n")
    db = sqlite3.connect(folder / "catalog.sqlite")
    prepare(db)
    db.execute("INSERT INTO head VALUES (1, ?, 0, NULL)", (archive_id,))
    marks = ", ".join("?" * 12)
    db.executemany(
        "INSERT INTO calls (call_id, state, lead_id, order_id, user_id, created_at, talk_seconds,"
        f" due_at, open_since, attempts, reason, judged_at) VALUES ({marks})",
        _calls(calls),
    )
    digest = "'" + "5" * 64 + "'"
    db.execute(
        "INSERT INTO recordings (record_id, state, call_id, key, bytes, sha256, sidecar_sha256,"
        " metadata_sha256, has_summary, lead_id, created_at, reason, attempts, open_since)"
        " SELECT call_id + 900000, state, call_id, lead_id || '/' || call_id || '.mp3', 250000,"
        f" {digest}, {digest}, {digest}, 1, lead_id, created_at, reason, attempts, open_since"
        " FROM calls WHERE state <> 'none'"
    )
    db.execute("INSERT INTO links SELECT call_id, record_id FROM recordings")
    db.commit()
    db.close()


def _calls(calls: int) -> Iterator[tuple[object, ...]]:
    rng = random.Random(1)
    states = rng.choices(
        ("archived", "none", "gone", "failed", "waiting"), (7000, 2990, 5, 3, 2), k=calls
    )
    for number, state in enumerate(states, start=1):
        at = _START + _LENGTH * number // calls
        due = at if state in ("failed", "waiting") else None
        reason = None if due is None else "source-error"
        people = (rng.randrange(50_000, 400_000), rng.randrange(200, 230), rng.randrange(100, 300))
        talk = 30.0 if state == "archived" or rng.random() < 0.05 else 0.0
        yield (number, state, *people, at, talk, due, due, 2 if due else 0, reason, at)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000)
    calls = parser.parse_args().calls
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_archive(folder, calls)
        for arguments in ([], ["--json"], ["--by", "agent", "--csv"]):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            began = time.monotonic()
            subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "archiver",
                    "-c",
                    folder / "archive.yaml",
                    "status",
                    *arguments,
                ],
                stdout=subprocess.DEVNULL,
                check=False,
            )
            seconds = time.monotonic() - began
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            said = " ".join(["status", *arguments])
            print(f"{said:<24} {seconds:5.2f} s, {busy:5.2f} s of it busy, {calls:,} calls")


if __name__ == "__main__":
    main()
