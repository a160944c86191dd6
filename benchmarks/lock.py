"""How long `archiver lock --dry-run` takes over an archive of a million recordings on S3, with and
without rules of retention, and how much memory.

    python -m benchmarks.lock [--recordings 1000000]

The catalog is that of `benchmarks.status`; the bucket is one of SeaweedFS, with Object Lock.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import boto3

from benchmarks.s3server import Bucket, missing_s3_server, s3_server
from benchmarks.status import make_archive

_ARCHIVED = 0.7
"""The share of the calls of `benchmarks.status` that have a recording."""
_RULES = """\
retention:
  keep: 3y
  rules:
    - {orders: [201, 202, 203], keep: 10y}
    - {leads: leads.txt, keep: 7y}
    - {orders: [204], statuses: [answered], keep: 6y}
    - {orders: [205, 206], leads: leads.txt, keep: 5y}
"""
_LEADS = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=int, default=1_000_000)
    recordings = parser.parse_args().recordings
    if (reason := missing_s3_server()) is not None:
        sys.exit(reason)
    with tempfile.TemporaryDirectory() as name, s3_server(Path(name) / "weed") as server:
        folder, bucket = Path(name) / "work", Bucket(server.endpoint, "locked")
        folder.mkdir()
        make_archive(folder, int(recordings / _ARCHIVED))
        _move(folder, bucket)
        for said, rules in (("without rules", ""), ("four rules", _RULES)):
            _configure(folder, bucket, rules)
            _measure(folder, said, bucket.environment)


def _move(folder: Path, bucket: Bucket) -> None:
    """Put what the archive on disk has besides its catalog into a bucket that can lock."""
    client = boto3.client(
        "s3",
        endpoint_url=bucket.endpoint,
        region_name="us-east-1",
        aws_access_key_id=bucket.environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=bucket.environment["AWS_SECRET_ACCESS_KEY"],
    )
    client.create_bucket(Bucket=bucket.name, ObjectLockEnabledForBucket=True)
    body = (folder / "archive/_archive/format.json").read_bytes()
    client.put_object(Bucket=bucket.name, Key="_archive/format.json", Body=body)
    shutil.rmtree(folder / "archive")
    leads = "".join(f"{50_000 + 7 * number}\n" for number in range(_LEADS))
    (folder / "leads.txt").write_text(leads)


def _configure(folder: Path, bucket: Bucket, rules: str) -> None:
    (folder / "archive.yaml").write_text(
        "catalog: {path: catalog.sqlite}\n"
        f"storage:\n  url: s3://{bucket.name}\n  s3:\n    endpoint_url: {bucket.endpoint}\n"
        "    region: us-east-1\n    object_lock: {mode: COMPLIANCE, retain: 4y}\n" + rules
    )


def _measure(folder: Path, said: str, environment: Mapping[str, str]) -> None:
    config = str(folder / "archive.yaml")
    command = [sys.executable, "-m", "archiver", "-c", config, "lock", "--dry-run", "--quiet"]
    began = time.monotonic()
    child = subprocess.Popen(command, env={**os.environ, **environment})
    _, status, used = os.wait4(child.pid, 0)
    seconds = time.monotonic() - began
    busy, memory = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    print(
        f"lock --dry-run, {said}: {seconds:.1f} s, {busy:.1f} s of it busy, {memory:.0f} MiB, "
        f"exit {os.waitstatus_to_exitcode(status)}",
        flush=True,
    )


if __name__ == "__main__":
    main()
