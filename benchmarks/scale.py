"""What more machines bring: `python -m benchmarks.scale [--workers 1 2 4]`.

Dask workers on this machine stand in for machines: each has 8 recordings in flight, and the S3
server answers every put 0.4 s late, so that a run waits for its storage as it does for one far
away, and not for the processor that all of them share here. All runs do the same work. Times are of
the whole command, listing, start and report included; a run that is not complete ends the
benchmark.

Beside each time is the least that the slow puts of the recordings allow: two for each, 8 at a time
for each worker. What a run takes beyond it is mostly the same for any number of workers: its start,
and some ten puts of lock, ledger and report, one after another. A run of hours does not notice it;
so the default is a number of recordings that takes minutes, of which it is only a small part.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.dask_cluster import dask_cluster, process, wait_for
from benchmarks.machine import describe_machine
from benchmarks.s3server import Bucket, s3_server
from benchmarks.source import Size, Source, write_source
from benchmarks.webserver import free_port, web_server

_TOP = Path(__file__).parent.parent
_SLOTS = 8
_DELAY = 0.4
_PUTS = 2
"""Objects of a recording: audio and sidecar."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where everything is, and what the processes see of the environment."""

    folder: Path
    url: str
    source: Source
    bucket: Bucket
    endpoint: str

    @property
    def environ(self) -> Mapping[str, str]:
        return {
            **os.environ,
            **self.bucket.environment,
            "PYTHONPATH": str(_TOP),
            "ARCHIVER_CONFIG": str(self.folder / "archive.yaml"),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "DASK_DISTRIBUTED__SCHEDULER__WORK_STEALING": "False",
            "DASK_DISTRIBUTED__ADMIN__LOW_LEVEL_LOG_LENGTH": "10",
        }

    def configure(self, workers: int, prefix: str) -> None:
        """One configuration for the run and its workers."""
        document = {
            "liner": {"url": self.url, "api_key": "benchmark", "requests_per_second": 10_000},
            "window": {"since": f"{self.source.since:%Y-%m-%dT%H:%M:%SZ}"},
            "download": {"workers": _SLOTS * workers},
            "storage": {
                "url": f"s3://{self.bucket.name}/{prefix}",
                "s3": {"endpoint_url": self.endpoint, "region": "us-east-1"},
            },
            "inspect": {"after_run": "no"},
        }
        (self.folder / "archive.yaml").write_text(json.dumps(document))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; 0 when every run was complete."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--size", type=Size.parse, default=Size(1920, 64 * 2**10))
    arguments = parser.parse_args(argv)
    print(describe_machine())
    with _place(arguments.size) as place:
        first = None
        for count in arguments.workers:
            place.configure(count, f"workers-{count}")
            with dask_cluster(place.environ, place.folder, count) as cluster:
                seconds = _run(place, cluster.address)
            first = first or seconds
            least = len(place.source.items) * _PUTS * _DELAY / (count * _SLOTS)
            print(
                f"{count} workers: {seconds:.1f} s, {first / seconds:.2f} x; "
                f"{seconds - least:.1f} s beyond the {least:.1f} s of the puts",
                flush=True,
            )
    return 0


def _run(place: Place, address: str) -> float:
    begun = time.monotonic()
    command = [sys.executable, "-m", "archiver", "run", "--json", "--dask", address]
    done = subprocess.run(
        [*command, "--config", str(place.folder / "archive.yaml")],
        env=place.environ,
        check=True,
        capture_output=True,
    )
    seconds = time.monotonic() - begun
    archived = json.loads(done.stdout)["recordings"]["archived"]
    if archived != len(place.source.items):
        raise RuntimeError(f"{archived} of {len(place.source.items)} recordings are archived")
    return seconds


@contextmanager
def _place(size: Size) -> Iterator[Place]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="archiver-scale-")))
        port, slow = free_port(), free_port()
        url = f"http://127.0.0.1:{port}"
        source = write_source(folder / "www", size, url)
        stack.enter_context(web_server(folder, source.root, port))
        bucket = stack.enter_context(s3_server(folder / "s3"))
        upstream = bucket.endpoint.rpartition(":")[2]
        arguments = ["benchmarks.slow_puts", str(slow), upstream, str(_DELAY)]
        stack.enter_context(process([sys.executable, "-m", *arguments], {**os.environ}, _TOP))
        wait_for(slow)
        yield Place(folder, url, source, bucket, f"http://127.0.0.1:{slow}")


if __name__ == "__main__":
    sys.exit(main())
