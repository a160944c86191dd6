"""A Dask scheduler and workers on loopback: real processes, as their commands start them.

They outlive a test and read their configuration anew for each run, so a test writes it to the file
that `config` names. The key of the API is in it, since sandboxes serve recordings themselves.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

START_SECONDS: Final = 90.0
"""As long as its imports may take on a busy machine."""

_ENVIRON: Final = {
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "15s",
    "DASK_DISTRIBUTED__SCHEDULER__WORK_STEALING": "False",
    "DASK_DISTRIBUTED__ADMIN__LOW_LEVEL_LOG_LENGTH": "10",
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass
class Cluster:
    """A scheduler and its workers."""

    folder: Path
    secure: tuple[str, ...] = ()
    scheme: str = "tcp"
    environ: Mapping[str, str] = field(default_factory=dict)
    host: str = "127.0.0.1"
    scheduler_within: tuple[str, ...] = ()
    """The command that starts the scheduler elsewhere, such as in another network."""
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    address: str = ""

    @property
    def config(self) -> Path:
        return self.folder / "archive.yaml"

    @property
    def port(self) -> int:
        """That of the scheduler."""
        return int(self.address.rpartition(":")[2])

    @property
    def workers(self) -> list["subprocess.Popen[bytes]"]:
        return self.processes[1:]

    def configure(self, document: Mapping[str, Any]) -> None:
        """What the workers read for the next run."""
        self.config.write_text(json.dumps(document))

    def start_scheduler(self, port: int = 0) -> None:
        told = self.folder / "scheduler.json"
        told.unlink(missing_ok=True)
        arguments = ["--host", self.host, "--port", str(port), "--protocol", self.scheme]
        process = self._start(
            "scheduler", *arguments, "--no-dashboard", "--scheduler-file", str(told)
        )
        self.processes.insert(0, process)
        deadline = monotonic() + START_SECONDS
        while True:
            with suppress(OSError, ValueError):
                self.address = json.loads(told.read_text())["address"]
                return
            assert process.poll() is None, self.log("scheduler")
            assert monotonic() < deadline, "the scheduler does not start"
            sleep(0.05)

    def start_worker(self, *others: str, scheduler: str | None = None) -> "subprocess.Popen[bytes]":
        """Another one, started as docs/scale.md says; `scheduler` is its own way to there."""
        options = ["--no-nanny", "--nthreads", "2", "--no-dashboard", "--memory-limit", "0"]
        scratch = ["--local-directory", str(self.folder / "scratch")]
        ours = ["--preload", "archiver.crew.cluster_worker"]
        process = self._start(
            "worker", scheduler or self.address, *options, *scratch, *others, *ours
        )
        self.processes.append(process)
        return process

    def have_workers(self, count: int) -> None:
        """So many that live."""
        for process in self.workers:
            process.send_signal(signal.SIGCONT)
            if process.poll() is not None:
                self.processes.remove(process)
        for _ in range(count - len(self.workers)):
            self.start_worker()

    def stop_workers(self) -> None:
        for process in self.workers:
            process.kill()
            process.wait()
        del self.processes[1:]

    def restart(self) -> None:
        """The scheduler dies, and its workers with it; all of them are started again."""
        count, port = len(self.workers), self.port
        self.stop()
        self.start_scheduler(port)
        for _ in range(count):
            self.start_worker()

    def log(self, name: str) -> str:
        return "".join(one.read_text() for one in self.folder.glob(f"{name}-*.log"))

    def stop(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.processes.clear()

    def _start(self, command: str, *arguments: str) -> "subprocess.Popen[bytes]":
        from tests.storage.s3_servers import ACCESS_KEY, SECRET_KEY  # and a server with them

        within = self.scheduler_within if command == "scheduler" else ()
        log = self.folder / f"{command}-{len(self.processes)}-{monotonic()}.log"
        with log.open("wb") as output:
            return subprocess.Popen(
                [*within, sys.executable, "-m", "dask", command, *arguments, *self.secure],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={
                    **os.environ,
                    **_ENVIRON,
                    "AWS_ACCESS_KEY_ID": ACCESS_KEY,
                    "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
                    "PYTHONPATH": str(Path(__file__).parents[2]),
                    "ARCHIVER_CONFIG": str(self.config),
                    **self.environ,
                },
            )


@dataclass(frozen=True)
class Certificates:
    """An authority, a certificate of it, and one that another authority made."""

    authority: Path
    cert: Path
    key: Path
    stranger_cert: Path
    stranger_key: Path


def certificates(folder: Path) -> Certificates:
    """Made by openssl, for loopback."""
    folder.mkdir()
    made: list[Path] = []
    for name in ("ours", "strange"):
        authority, own = folder / f"{name}-ca", folder / name
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        _openssl("req", "-x509", *curve, "-subj", f"/CN={name}", *_files(authority))
        _openssl(
            *("req", "-x509", *curve, "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-addext", "basicConstraints=critical,CA:FALSE"),
            *("-CA", f"{authority}.pem", "-CAkey", f"{authority}.key", *_files(own)),
        )
        made += [Path(f"{authority}.pem"), Path(f"{own}.pem"), Path(f"{own}.key")]
    return Certificates(*made[:3], *made[4:])


def _files(stem: Path) -> tuple[str, ...]:
    return ("-keyout", f"{stem}.key", "-out", f"{stem}.pem")


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


@contextmanager
def dask_cluster(workers: int = 2, **named: Any) -> Iterator[Cluster]:
    """A scheduler and so many workers."""
    with tempfile.TemporaryDirectory(prefix="archiver-dask-") as folder:
        cluster = Cluster(Path(folder), **named)
        try:
            cluster.start_scheduler()
            for _ in range(workers):
                cluster.start_worker()
            yield cluster
        finally:
            cluster.stop()
