"""Load test of the desk: pages, audio and tables while forty people listen, in one command.

    python -m benchmarks.desk_load [--recordings 200000] [--listeners 40] [--seconds 60]
                                   [--json PATH] [--folder PATH] [--datasette]

It writes an archive (two hundred agents, thirty orders, three years), starts `archiver serve` for
it as one process, and waits until the index is complete. Then it measures, in this order: lists
alone, eight views in turn; lists that nobody has requested before; lists and audio while listeners
play (each fetches its recording in pieces of 256 KiB at playing speed, and checks every second that
the desk responds); a CSV of everything while lists are still requested. The load generator runs on
the same machine. With --datasette, the same rows are served by Datasette, which must be installed.
With --folder, the archive is kept there and reused.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import anyio
import httpx

from benchmarks.desk_archives import write_desk_archive
from benchmarks.machine import describe_machine

VIEWS: Final = (
    "/", "/?sort=agent&up=yes", "/?agent=101&agent=102&agent=103", "/?q=refund", "/?q=доставка",
    "/?order=201&way=incoming", "/?summary=yes&min=1:00", "/?since=2025-03-04&until=2025-04-03",
)  # fmt: skip
PIECE: Final = 256 * 1024
READERS: Final = 4
GOALS: Final = {
    "list p50 ms": 25, "list p95 ms, listeners": 150, "first sound p95 ms": 150, "csv s": 10,
    "index s": 40, "memory MiB": 300,
}  # fmt: skip


@dataclass(slots=True)
class Seen:
    """Durations in seconds, by kind of request."""

    times: dict[str, list[float]] = field(default_factory=dict)
    failures: int = 0

    def add(self, what: str, seconds: float) -> None:
        self.times.setdefault(what, []).append(seconds)

    def share(self, what: str, share: float) -> float:
        """The time in milliseconds within which this share was done."""
        ordered = sorted(self.times.get(what, [float("nan")]))
        return round(1000 * ordered[min(int(share * len(ordered)), len(ordered) - 1)], 1)


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, int]]:
    """Serve the archive of the folder; gives the address of the desk and its process id."""
    command = [sys.executable, "-m", "archiver", "serve", "--port", "0", "--json"]
    with subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "XDG_STATE_HOME": str(folder / "state")},
    ) as desk:
        assert desk.stdout is not None
        try:
            yield json.loads(desk.stdout.readline())["url"].rstrip("/"), desk.pid
        finally:
            desk.terminate()


def memory(pid: int) -> float:
    """The peak resident memory of a process so far, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def processor(pid: int) -> float:
    """The processor time that a process has used so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def children(pid: int) -> list[int]:
    """The child processes of a process."""
    told = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    return [int(one) for one in told.split()]


async def until_indexed(url: str, recordings: int) -> float:
    """Wait until the list has every summary; returns the seconds."""
    began = time.monotonic()
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        while time.monotonic() - began < 1800:
            page = (await client.get("/", headers={"accept": "text/html"})).text
            if f"{recordings:,} recordings" in page and 'class="notice"' not in page:
                return time.monotonic() - began
            await anyio.sleep(0.5)
    raise TimeoutError("the index was not complete after half an hour")


async def read(client: httpx.AsyncClient, seen: Seen, what: str, until: float) -> None:
    """Request lists, one after another, like a person looking around."""
    chance = random.Random(id(seen) ^ id(client) ^ time.monotonic_ns())
    while time.monotonic() < until:
        began = time.monotonic()
        answer = await client.get(chance.choice(VIEWS), headers={"accept": "text/html"})
        seen.add(what, time.monotonic() - began)
        seen.failures += answer.status_code != 200
        await anyio.sleep(chance.uniform(0.1, 0.4))


async def hear(client: httpx.AsyncClient, seen: Seen, heard: Sequence[int], until: float) -> None:
    """Open calls and play them, piece by piece."""
    chance = random.Random(time.monotonic_ns())
    await anyio.sleep(chance.uniform(0, 3))
    while time.monotonic() < until:
        path = f"/recordings/{chance.choice(heard)}"
        began = time.monotonic()
        await client.get(path, headers={"accept": "text/html"})
        seen.add("call", time.monotonic() - began)
        await client.get(f"{path}/peaks")
        at, size = 0, PIECE
        while at < size and time.monotonic() < until:
            began = time.monotonic()
            asked = {"range": f"bytes={at}-{at + PIECE - 1}"}
            async with client.stream("GET", f"{path}/audio", headers=asked) as answer:
                size = int(answer.headers.get("content-range", "/0").rpartition("/")[2])
                async for _ in answer.aiter_raw():
                    if not at:
                        seen.add("first sound", time.monotonic() - began)
                        at = 1
            at = at // PIECE * PIECE + PIECE
            for _ in range(8):
                await client.get("/healthz")
                await anyio.sleep(1)


async def crowd(
    url: str, heard: Sequence[int], *, listeners: int, seconds: float, what: str
) -> Seen:
    """Request lists with a few readers, beside a number of listeners."""
    seen, until = Seen(), time.monotonic() + seconds
    limits = httpx.Limits(max_connections=None)
    async with (
        httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as client,
        anyio.create_task_group() as people,
    ):
        for _ in range(READERS):
            people.start_soon(read, client, seen, what, until)
        for _ in range(listeners):
            people.start_soon(hear, client, seen, heard, until)
    return seen


async def never_shown(url: str) -> dict[str, Any]:
    """Request lists that nobody has requested before, one after another."""
    seen = Seen()
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        for agent in range(110, 210):
            began = time.monotonic()
            (
                await client.get(f"/?agent={agent}", headers={"accept": "text/html"})
            ).raise_for_status()
            seen.add("list", time.monotonic() - began)
    return {
        "list never shown, p50 ms": seen.share("list", 0.5),
        "list never shown, p95 ms": seen.share("list", 0.95),
    }


async def table(url: str) -> dict[str, Any]:
    """Request a CSV of everything, and lists meanwhile."""
    seen, told = Seen(), {}
    async with httpx.AsyncClient(base_url=url, timeout=600) as client:
        began = time.monotonic()
        async with anyio.create_task_group() as people:

            async def fetch() -> None:
                size = 0
                async with client.stream("GET", "/recordings.csv") as answer:
                    async for chunk in answer.aiter_bytes():
                        size += len(chunk)
                told["seconds"], told["bytes"] = time.monotonic() - began, size
                people.cancel_scope.cancel()

            people.start_soon(fetch)
            people.start_soon(read, client, seen, "list", began + 600)
    return {
        "csv s": round(told["seconds"], 1),
        "csv MB": round(told["bytes"] / 1e6, 1),
        "list p50 ms, csv": seen.share("list", 0.5),
        "list p95 ms, csv": seen.share("list", 0.95),
    }


def figures(alone: Seen, busy: Seen) -> dict[str, Any]:
    """The figures for lists and audio."""
    return {
        "list p50 ms": alone.share("list", 0.5),
        "list p95 ms": alone.share("list", 0.95),
        "list p50 ms, listeners": busy.share("list", 0.5),
        "list p95 ms, listeners": busy.share("list", 0.95),
        "call p95 ms, listeners": busy.share("call", 0.95),
        "first sound p95 ms": busy.share("first sound", 0.95),
        "answers": sum(len(one) for one in busy.times.values()),
        "failures": alone.failures + busy.failures,
    }


def measure(folder: Path, asked: argparse.Namespace, heard: Sequence[int]) -> dict[str, Any]:
    """Measure the desk for the archive of the folder."""
    with served(folder) as (url, pid):
        indexed = anyio.run(until_indexed, url, asked.recordings)

        def run(listeners: int, seconds: float) -> Seen:
            return anyio.run(
                lambda: crowd(url, heard, listeners=listeners, seconds=seconds, what="list")
            )

        run(asked.listeners, 5)  # waveforms and processes that are created only once
        spent = processor(pid)
        indexing = spent
        alone = run(0, asked.seconds / 3)
        a_list = (processor(pid) - spent) / len(alone.times["list"])
        fresh = anyio.run(never_shown, url)
        busy = run(asked.listeners, asked.seconds)
        told = {"index s": round(indexed, 1), **figures(alone, busy), **fresh}
        told |= anyio.run(table, url)
        told["processor, index s"] = round(indexing, 1)
        told["processor, a list ms"] = round(1000 * a_list, 1)
        told["memory MiB"] = round(memory(pid))
        told["memory of workers MiB"] = [round(memory(one)) for one in children(pid)]
    return told


def datasette(folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """The same rows in a table of Datasette: fifty of them, with counts of three columns."""
    index = next((folder / "state" / "archiver" / "desk").glob("*/index.sqlite"))
    path = folder / "datasette.sqlite"
    path.unlink(missing_ok=True)
    make = (
        f"ATTACH '{index}' AS desk; CREATE TABLE calls AS SELECT r.record_id, r.call_id,"
        " r.created_at, c.direction, c.status, c.user_id, c.order_id, c.seconds, c.phone, c.summary"
        " FROM desk.recordings r LEFT JOIN desk.cards c USING (record_id);"
        " CREATE INDEX calls_at ON calls (created_at); CREATE INDEX calls_user ON calls (user_id);"
        " CREATE INDEX calls_order ON calls (order_id);"
    )
    import sqlite3

    with sqlite3.connect(path) as db:
        db.executescript(make)
    port = "8397"
    command = [sys.executable, "-m", "datasette", "serve", str(path), "--port", port]
    command += ["--setting", "sql_time_limit_ms", "5000", "--setting", "max_csv_mb", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            return anyio.run(_ask_datasette, f"http://127.0.0.1:{port}/datasette/calls", asked)
        finally:
            server.terminate()


async def _ask_datasette(url: str, asked: argparse.Namespace) -> dict[str, Any]:
    page = "?_sort_desc=created_at&_size=50&_facet=user_id&_facet=order_id&_facet=direction"
    seen = Seen()
    async with httpx.AsyncClient(timeout=120) as client:
        for _ in range(100):
            try:
                await client.get(f"{url}?_size=1")
                break
            except httpx.TransportError:
                await anyio.sleep(0.2)
        until = time.monotonic() + asked.seconds / 3
        while time.monotonic() < until:
            began = time.monotonic()
            (await client.get(url + page)).raise_for_status()
            seen.add("list", time.monotonic() - began)
        began = time.monotonic()
        async with client.stream("GET", f"{url}.csv?_stream=on&_size=max") as answer:
            async for _ in answer.aiter_bytes():
                pass
        csv = time.monotonic() - began
    return {
        "list p50 ms": seen.share("list", 0.5),
        "list p95 ms": seen.share("list", 0.95),
        "csv s": round(csv, 1),
    }


def main() -> None:
    """Create or reuse the archive, measure, print a table and one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--recordings", type=int, default=200_000)
    parser.add_argument("--listeners", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--folder", type=Path, help="keep the archive here")
    parser.add_argument("--datasette", action="store_true")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="desk-load-") as name:
        folder = asked.folder or Path(name)
        ids = folder / "heard.json"
        if not ids.exists():
            heard = write_desk_archive(folder / "archive", asked.recordings)
            (folder / "archive.yaml").write_text("window: {since: 2023-01-01}\n")
            ids.write_text(json.dumps(heard))
        told: dict[str, Any] = {"desk": measure(folder, asked, json.loads(ids.read_text()))}
        if asked.datasette:
            told["datasette"] = datasette(folder, asked)
    others = told.get("datasette", {})
    print("| figure | goal | desk | Datasette |", "|---|---:|---:|---:|", sep="\n")
    for what, value in told["desk"].items():
        print(f"| {what} | {GOALS.get(what, '')} | {value} | {others.get(what, '')} |")
    told |= {"recordings": asked.recordings, "machine": describe_machine()}
    print(json.dumps(told))
    if asked.json:
        asked.json.write_text(json.dumps(told, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
