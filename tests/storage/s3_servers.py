"""Real S3 servers on loopback, started once a session: moto (an emulator) and SeaweedFS."""

import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from archiver.config import S3Config

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ACCESS_KEY, SECRET_KEY = "testkey", "testsecret1234"
READY_WITHIN = 30.0
JUICEFS = Path(sys.executable).with_name("juicefs")


@dataclass(frozen=True)
class S3Server:
    """Where a server listens; its credentials are those of this module."""

    endpoint: str

    @property
    def config(self) -> S3Config:
        return S3Config(endpoint_url=self.endpoint, region="us-east-1")


@cache
def _client(endpoint: str) -> "S3Client":
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(s3={"addressing_style": "path"}),
    )


@dataclass(frozen=True)
class Seaweed(S3Server):
    """A SeaweedFS of the test's own. `identities` is the file of whom it admits."""

    process: "subprocess.Popen[bytes]"
    identities: Path

    def admit(self, *access_keys: str) -> None:
        """Admit these keys from now on, and no other; the secret is that of this module."""
        _admit(self.identities, *access_keys)
        self.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + READY_WITHIN
        while self._admits(ACCESS_KEY) != (ACCESS_KEY in access_keys) or not all(
            map(self._admits, access_keys)
        ):
            assert time.monotonic() < deadline, "SeaweedFS does not read its identities again"
            time.sleep(0.02)

    def _admits(self, access_key: str) -> bool:
        client = boto3.session.Session().client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=access_key,
            aws_secret_access_key=SECRET_KEY,
        )
        try:
            client.list_buckets()
        except ClientError:
            return False
        return True


def _admit(file: Path, *access_keys: str) -> None:
    rights = ["Admin", "Read", "Write", "List", "Tagging"]
    # One identity: those that a file no longer has are kept until the server is started again.
    credentials = [{"accessKey": one, "secretKey": SECRET_KEY} for one in access_keys]
    identities = [{"name": "qa", "credentials": credentials, "actions": rights}]
    file.write_text(json.dumps({"identities": identities}))


class RawBucket:
    """A stretch of a bucket as the medium, looked at behind the driver's back."""

    def __init__(
        self, server: S3Server, prefix: str, name: str = "archives", **attributes: Any
    ) -> None:
        self.name = name
        self.prefix = prefix
        self.client = _client(server.endpoint)
        with suppress(self.client.exceptions.BucketAlreadyOwnedByYou):
            self.client.create_bucket(Bucket=name, **attributes)

    def read(self, key: str) -> bytes | None:
        try:
            answer = self.client.get_object(Bucket=self.name, Key=f"{self.prefix}/{key}")
        except ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 404
            return None
        return answer["Body"].read()

    def write(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=f"{self.prefix}/{key}", Body=data)

    def head(self, key: str) -> dict[str, Any]:
        return dict(self.client.head_object(Bucket=self.name, Key=f"{self.prefix}/{key}"))

    def uploads(self) -> list[str]:
        answer = self.client.list_multipart_uploads(Bucket=self.name, Prefix=f"{self.prefix}/")
        return [upload["Key"] for upload in answer.get("Uploads", [])]


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on; held together, so that they differ."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@contextmanager
def moto_server() -> Iterator[S3Server]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield S3Server(f"http://{host}:{port}")
    finally:
        server.stop()


@contextmanager
def seaweedfs() -> Iterator[Seaweed]:
    # Every port that it would take by default is given or off: two servers run side by side.
    master, filer, volume, s3, admin = _low_ports(5)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "seaweed.json"
        _admit(config, ACCESS_KEY)
        arguments = [
            *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-s3.config={config}", f"-dir={folder}"),
            *(f"-master.port={master}", f"-filer.port={filer}", f"-volume.port={volume}"),
            *(f"-s3.port={s3}", f"-admin.port={admin}", "-webdav=false", "-admin.ui=false"),
            *("-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"),
        ]
        program = str(Path(sys.executable).with_name("weed"))
        with _running([program, "mini", *arguments], cwd=folder) as process:
            endpoint = f"http://127.0.0.1:{s3}"
            _wait_until_ready(f"{endpoint}/healthz")
            yield Seaweed(endpoint, process, config)


@contextmanager
def juicefs() -> Iterator[S3Server]:
    """A gateway that ignores conditions on writes: the adversary of the probe."""
    (port,) = free_ports(1)
    environment = {**os.environ, "MINIO_ROOT_USER": ACCESS_KEY, "MINIO_ROOT_PASSWORD": SECRET_KEY}
    with tempfile.TemporaryDirectory() as folder:
        meta = f"sqlite3://{folder}/meta.db"
        subprocess.run(
            [str(JUICEFS), "format", "--storage", "file", "--bucket", f"{folder}/", meta, "jfs"],
            check=True,
            capture_output=True,
        )
        options = ["--multi-buckets", "--keep-etag", "--object-tag", "--object-meta"]
        options += ["--no-usage-report", "--cache-dir", f"{folder}/cache"]
        address = f"127.0.0.1:{port}"
        with _running([str(JUICEFS), "gateway", *options, meta, address], folder, environment):
            _wait_until_ready(f"http://{address}/minio/health/live")
            yield S3Server(f"http://{address}")


@contextmanager
def _running(
    command: list[str], cwd: str, env: dict[str, str] | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(
        command, cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _wait_until_ready(address: str) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while True:
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _low_ports(count: int) -> list[int]:
    """Free ports whose gRPC ports, 10,000 above, are free as well.

    All of them lie below 32,768, where Linux takes the ports of outgoing connections from.
    """
    drawn = random.SystemRandom().sample(range(11_000, 22_000), 1000)
    return list(itertools.islice(filter(_is_free, drawn), count))


def _is_free(port: int) -> bool:
    with ExitStack() as held:
        try:
            for each in (port, port + 10_000):
                held.enter_context(socket.socket()).bind(("127.0.0.1", each))
        except OSError:
            return False
        return True
