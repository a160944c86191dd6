"""Networks that fail between workers, scheduler and run, while all of them go on, and come back."""

import re
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest

from archiver.errors import CrewUnavailable
from archiver.sandbox.exchange import Request, Route
from archiver.sandbox.faults import Fault, Happens
from tests.cli.commands import PATIENCE
from tests.crash.test_kills_s3 import centre, copied, on_s3
from tests.crew.test_dask import over
from tests.crew.test_pipes import centre as crowd
from tests.storage.s3_servers import free_ports, seaweedfs
from tests.support.cables import FAR, NEAR, SAFE_FAR, SAFE_NEAR, cables
from tests.support.dask_cluster import Cluster, dask_cluster
from tests.support.processes import until
from tests.support.wire import Wire, wire_to
from tests.support.world import Night, audio_of, bench, told

pytestmark = [pytest.mark.anyio, pytest.mark.nightly]

SOON = {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "5s"}
"""The shortest time to live: ten times the interval of heartbeats."""


@dataclass
class Remote:
    """A worker that reaches its scheduler through one wire and is reached through another one. It
    has other ways to the source and to the storage."""

    cluster: Cluster
    up: Wire
    down: Wire
    port: int
    process: "subprocess.Popen[bytes]"

    def silence(self) -> None:
        self.up.silence()
        self.down.silence()

    def cut(self) -> None:
        self.up.cut()
        self.down.cut()

    def mend(self) -> None:
        self.up.mend()
        self.down.mend()

    def die(self) -> None:
        self.process.kill()

    def start_again(self) -> None:
        """As whoever supervises the worker does when it has ended."""
        self.process = _started(self.cluster, self.up, self.down)

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None


def _started(cluster: Cluster, up: Wire, down: Wire) -> "subprocess.Popen[bytes]":
    return cluster.start_worker(
        *("--listen-address", f"tcp://127.0.0.1:{down.target}"),
        *("--contact-address", f"tcp://127.0.0.1:{down.port}"),
        scheduler=f"tcp://127.0.0.1:{up.port}",
    )


@contextmanager
def remote_worker() -> Iterator[Remote]:
    """A cluster with one worker, behind wires."""
    (port,) = free_ports(1)
    with (
        dask_cluster(0, environ=SOON) as cluster,
        wire_to(cluster.port) as up,
        wire_to(port) as down,
    ):
        yield Remote(cluster, up, down, port, _started(cluster, up, down))


@asynccontextmanager
async def remote_run(folder: Path) -> AsyncIterator[tuple[Remote, Night]]:
    """That worker, and an archive which is right in the end."""
    with remote_worker() as remote:
        async with bench(folder, crowd(40)) as night:
            over(remote.cluster, night)
            yield remote, night
            await check(night)
            assert "archiver/" not in remote.cluster.log("worker"), "a traceback"


async def check(night: Night) -> None:
    """The next run finds nothing left to do, and every recording is there once."""
    report = await night.run()
    assert told(report, of="recordings") == {"already": 40}
    night.check_archive()
    stored = [event["recordId"] for event in night.archive.events("stored")]
    assert sorted(stored) == sorted(audio_of(night.world))
    assert await night.findings() == []


def on_file(night: Night, number: int, act: Callable[[], object]) -> None:
    """Do it when so many files were asked for."""
    night.sandbox.faults.add(Fault(Route.FILE, Happens(act), after=number, times=1))


@dataclass
class Again:
    """Whether a file is asked for that was asked for before: another worker repeats a batch."""

    before: set[int | None]

    def __call__(self, request: Request) -> bool:
        is_again = request.id in self.before
        self.before.add(request.id)
        return is_again


def on_repeat(sandbox: Any, act: Callable[[], object]) -> None:
    sandbox.faults.add(Fault(Route.FILE, Happens(act), where=Again(set()), times=1))


async def ended(worker: "subprocess.Popen[bytes]") -> None:
    await anyio.to_thread.run_sync(worker.wait, PATIENCE, abandon_on_cancel=True)


async def run_to_its_end(night: Night) -> None:
    with anyio.fail_after(2 * PATIENCE):
        report = await night.run()
    assert report.exit_code == 0
    assert told(report, of="recordings") == {"archived": 40}


@pytest.mark.parametrize("then", [Remote.mend, Remote.cut, Remote.die])
async def test_a_worker_that_is_cut_off_goes_on_storing_while_another_one_repeats_its_batches(
    tmp_path: Path, then: Callable[[Remote], None]
) -> None:
    """Then its answers come late, or it finds that it was given up, or it dies."""
    stored: list[int] = []
    async with remote_run(tmp_path) as (remote, night):

        def count() -> None:
            stored.append(len(list(night.archive.root.glob("[0-9]*/*/*.json"))))

        def cut_off() -> None:
            remote.silence()
            count()
            remote.cluster.start_worker()

        def come_back() -> None:
            count()
            then(remote)

        on_file(night, 10, cut_off)
        on_repeat(night.sandbox, come_back)
        await run_to_its_end(night)
        at_the_cut, alone = stored
        assert at_the_cut < 10 < alone
        await ended(remote.process)


async def test_a_short_silence_of_the_network_costs_nothing(tmp_path: Path) -> None:
    async with remote_run(tmp_path) as (remote, night):
        on_file(night, 10, remote.silence)
        on_file(night, 18, remote.mend)
        await run_to_its_end(night)
        assert night.sandbox.count(Route.FILE) == 40
        assert not remote.has_ended


async def test_a_worker_that_is_cut_and_started_again_goes_on(tmp_path: Path) -> None:
    async with remote_run(tmp_path) as (remote, night), anyio.create_task_group() as group:
        on_file(night, 10, remote.cut)
        group.start_soon(run_to_its_end, night)
        await ended(remote.process)
        remote.mend()
        remote.start_again()


async def test_answers_that_a_worker_has_when_it_is_cut_off_are_made_again(tmp_path: Path) -> None:
    async with remote_run(tmp_path) as (remote, night):

        def hear(sent: bytes) -> None:
            """Silence the way on which answers are fetched before their end is reported."""
            if b"task-finished" in sent and night.sandbox.count(Route.FILE):
                remote.up.heard = lambda sent: None
                remote.down.silence()
                remote.up.silence()
                remote.cluster.start_worker()

        remote.up.heard = hear
        await run_to_its_end(night)
        assert night.sandbox.count(Route.FILE) > 40
        remote.cut()
        await ended(remote.process)


async def test_a_worker_that_reports_but_cannot_be_reached_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.crew.cluster._ANSWER_SECONDS", 1.0)
    async with remote_run(tmp_path) as (remote, night):

        def cut_off() -> None:
            remote.down.silence()
            remote.cluster.start_worker()

        on_file(night, 10, cut_off)
        await run_to_its_end(night)
        await ended(remote.process)


async def test_workers_that_never_can_be_reached_end_the_run_which_says_what_to_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.crew.cluster._ANSWER_SECONDS", 1.0)

    async def supervise(remote: Remote) -> None:
        while True:
            await ended(remote.process)
            remote.start_again()

    async with remote_run(tmp_path) as (remote, night):
        on_file(night, 10, remote.down.silence)
        async with anyio.create_task_group() as group:
            group.start_soon(supervise, remote)
            with (
                pytest.raises(CrewUnavailable, match="cannot fetch") as refused,
                anyio.fail_after(3 * PATIENCE),
            ):
                await night.run()
            group.cancel_scope.cancel()
        assert "ports of its workers" in refused.value.hint
        remote.cluster.stop_workers()
        remote.mend()
        remote.start_again()
        assert (await night.run()).exit_code == 0


@asynccontextmanager
async def remote_coordinator(folder: Path) -> AsyncIterator[tuple[Wire, Night]]:
    """Runs that reach their scheduler through a wire, and an archive which is right in the end."""
    with dask_cluster(2, environ=SOON) as cluster, wire_to(cluster.port) as wire:
        async with bench(folder, crowd(40)) as night:
            over(cluster, night)
            night.settings["dask"] = {"scheduler": f"tcp://127.0.0.1:{wire.port}"}
            yield wire, night
            await check(night)


@pytest.mark.parametrize("fail", [Wire.silence, Wire.cut])
async def test_a_run_that_loses_its_scheduler_for_a_while_goes_on(
    tmp_path: Path, fail: Callable[[Wire], None]
) -> None:
    """The network is back when the workers have ended all batches that they have."""
    async with remote_coordinator(tmp_path) as (wire, night):
        on_file(night, 10, lambda: fail(wire))
        on_file(night, 22, wire.mend)
        await run_to_its_end(night)


async def test_a_run_that_connects_again_before_its_scheduler_knows_that_it_was_gone_goes_on(
    tmp_path: Path,
) -> None:
    async with remote_coordinator(tmp_path) as (wire, night):
        on_file(night, 10, wire.cut_here)
        on_repeat(night.sandbox, wire.let_go)
        await run_to_its_end(night)


async def test_a_run_that_connects_again_is_another_client_to_its_scheduler_and_hears_of_progress(
    tmp_path: Path,
) -> None:
    """A scheduler that still knows the first one would disturb the connection of the second one."""
    sent: list[bytes] = []
    async with remote_coordinator(tmp_path) as (wire, night):
        wire.heard = sent.append
        on_file(night, 10, wire.cut_here)
        await run_to_its_end(night)
        wire.heard = lambda piece: None
        said = b"".join(sent)
    registered = re.findall(rb"register-client\xa6client\xd9.([\w-]+)", said, re.DOTALL)
    topic = rb"subscribe-topic\xa5topic\xd9.archiver-[\w-]+\xa6client\xd9.([\w-]+)"
    assert len(set(registered)) == 2
    assert re.findall(topic, said, re.DOTALL) == registered


@pytest.mark.parametrize("fail", [Wire.silence, Wire.cut])
async def test_a_run_that_loses_its_scheduler_for_good_ends_and_the_next_one_completes_it(
    tmp_path: Path, fail: Callable[[Wire], None]
) -> None:
    async with remote_coordinator(tmp_path) as (wire, night):
        on_file(night, 10, lambda: fail(wire))
        with (
            pytest.raises(CrewUnavailable, match="scheduler has been unreachable") as lost,
            anyio.fail_after(2 * PATIENCE),
        ):
            await night.run()
        assert lost.value.exit_code == 5
        assert "the next run continues" in lost.value.hint
        wire.mend()
        assert (await night.run()).exit_code == 0


async def test_a_worker_whose_cable_is_pulled_is_given_up_when_its_connection_breaks(
    tmp_path: Path,
) -> None:
    """That is after half a minute, however long its time to live."""
    late = {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "10 minutes"}
    with (
        cables() as found,
        dask_cluster(0, environ=late, host="0.0.0.0", scheduler_within=found.inside) as cluster,
        wire_to(cluster.port, SAFE_FAR) as wire,
    ):
        far = f"tcp://{FAR}:{cluster.port}"
        worker = cluster.start_worker("--host", NEAR, scheduler=far)

        def pull() -> None:
            found.pull()
            safe = f"tcp://{SAFE_FAR}:{cluster.port}"
            cluster.start_worker("--host", SAFE_NEAR, scheduler=safe)

        async with bench(tmp_path, crowd(40)) as night:
            over(cluster, night)
            night.settings["dask"] = {"scheduler": f"tcp://127.0.0.1:{wire.port}"}
            on_file(night, 10, pull)
            await run_to_its_end(night)
            await ended(worker)
            await check(night)


def test_a_worker_that_is_cut_off_goes_on_storing_onto_s3(tmp_path: Path) -> None:
    world = centre(40)
    with (
        seaweedfs() as server,
        remote_worker() as remote,
        on_s3(tmp_path, world, server) as (commands, bucket),
    ):
        commands.settings["dask"] = {"scheduler": remote.cluster.address}
        commands.configure()
        liner = {"url": commands.sandbox.url, "api_key": commands.sandbox.key}
        remote.cluster.configure({"liner": liner, "storage": commands.settings["storage"]})

        def cut_off() -> None:
            remote.silence()
            remote.cluster.start_worker()

        commands.sandbox.faults.add(Fault(Route.FILE, Happens(cut_off), after=10, times=1))
        on_repeat(commands.sandbox, remote.mend)
        done = commands.run()
        assert done.code == 0, done.err
        until(lambda: remote.has_ended)
        done = commands.run()
        assert done.answer["recordings"]["already"] == len(audio_of(world))
        assert commands.here("verify").code == 0
        witness = copied(bucket, tmp_path / "copy")
        witness.check()
        witness.check_recordings(audio_of(world))
        assert bucket.uploads() == []
