"""A Dask scheduler and its workers on loopback ports, as processes of their own."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.webserver import free_port, is_free

_TOP = Path(__file__).parent.parent
_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where the scheduler listens, and its process id."""

    address: str
    scheduler: int


@contextmanager
def dask_cluster(environ: Mapping[str, str], folder: Path, workers: int) -> Iterator[Cluster]:
    """A scheduler and so many workers with that environment, while the context lasts."""
    port, quiet = free_port(), ["--no-dashboard"]
    address = f"tcp://127.0.0.1:{port}"
    dask = [sys.executable, "-m", "dask"]
    with ExitStack() as stack:
        command = [*dask, "scheduler", "--host", "127.0.0.1", "--port", str(port), *quiet]
        scheduler = stack.enter_context(process(command, environ, folder))
        wait_for(port)
        worker = [*dask, "worker", address, "--no-nanny", "--nthreads", "3", *quiet]
        worker += ["--memory-limit", "0", "--preload", "archiver.crew.cluster_worker"]
        for _ in range(workers):
            stack.enter_context(process(worker, environ, _TOP))
        from distributed import Client

        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=_START_SECONDS)
        yield Cluster(address, scheduler)


@contextmanager
def process(command: Sequence[str], environ: Mapping[str, str], folder: Path) -> Iterator[int]:
    """The command, silently, while the context lasts; its process id."""
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command, env=dict(environ), cwd=folder, stdout=quiet, stderr=quiet
    ) as started:
        try:
            yield started.pid
        finally:
            started.kill()


def wait_for(port: int) -> None:
    """Wait until someone listens on the port."""
    deadline = time.monotonic() + _START_SECONDS
    while is_free(port):
        if time.monotonic() > deadline:
            raise RuntimeError(f"nobody listens on port {port}")
        time.sleep(0.05)
