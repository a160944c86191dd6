"""Dask workers fetch and store: as one process does, whoever is killed, and no secret is shown."""

import signal
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from archiver.crew.cluster import Cluster as Lanes
from archiver.crew.cluster_scheduler import SPAN
from archiver.crew.dispatch import Dispatch, WorkerLost
from archiver.errors import ArchiverError, CrewUnavailable, UsageError
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Fault, Happens, Stall
from archiver.sandbox.world import World
from archiver.tasks.grace import Grace
from tests.cli.commands import PATIENCE, awaited
from tests.crash.test_kills_s3 import centre, copied, on_s3
from tests.crew.test_pipes import centre as crowd
from tests.storage.s3_servers import moto_server, seaweedfs
from tests.support.command import RECENTLY, command
from tests.support.dask_cluster import START_SECONDS, Cluster, certificates, dask_cluster
from tests.support.world import Night, audio_of, bench, told

SIGNED = "{origin}{path}?signature=do-not-show-this"

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("address", "code", "words"),
    [
        ("tls://127.0.0.1:1", 2, "dask.tls_cert"),
        ("tcp://127.0.0.1:1", 5, "does not respond"),
        ("tcp://192.0.2.7:8786", 2, "not encrypted"),
        ("tls://scheduler", 2, "not the address"),
        ("https://127.0.0.1:8786", 2, "not the address"),
        ("nonsense", 2, "not the address"),
    ],
)
def test_a_scheduler_that_cannot_be_used_is_said_in_a_line(
    tmp_path: Path, address: str, code: int, words: str
) -> None:
    with command(tmp_path, crowd(2)) as commands:
        ended = commands.run("--dask", address)
        assert ended.code == code, ended.err
        error = ended.answer["error"]
        assert words in error["message"] + error["hint"]
        assert error["hint"]
        assert len(ended.err.strip().splitlines()) == 3
        assert commands.run().code == 0
        commands.archive.check()


def test_doctor_says_whether_the_scheduler_answers(tmp_path: Path) -> None:
    with command(tmp_path, crowd(1)) as commands:
        commands.settings["dask"] = {"scheduler": "tcp://127.0.0.1:1"}
        ended = commands.here("doctor", "--json")
        (check,) = (one for one in ended.answer["checks"] if one["name"] == "Dask")
        assert (ended.code, check["verdict"]) == (5, "problem")
        assert "does not respond" in check["finding"]


def test_other_machines_cannot_reach_a_folder(tmp_path: Path) -> None:
    with command(tmp_path, crowd(1)) as commands:
        ended = commands.run("--dask", "tls://scheduler.example.com:8786")
        assert ended.code == 2
        assert "folder" in ended.answer["error"]["message"]


@pytest.fixture(scope="module")
def shared() -> Iterator[Cluster]:
    with dask_cluster(0) as cluster:
        yield cluster


@pytest.fixture
def cluster(shared: Cluster) -> Cluster:
    """With two workers, whatever became of those before."""
    shared.have_workers(2)
    return shared


def over(cluster: Cluster, night: Night) -> None:
    """Let the night's runs use the cluster, whose workers learn of its archive."""
    night.clock.now = RECENTLY + timedelta(days=1)
    night.settings = {"dask": {"scheduler": cluster.address}, "download": {"workers": 8}}
    config = {"liner": {"url": night.sandbox.url, "api_key": night.sandbox.key}}
    cluster.configure({**config, "storage": {"url": str(night.archive.root)}})


@pytest.mark.nightly
async def test_a_run_over_dask_is_like_any_other_also_when_a_worker_is_killed(
    tmp_path: Path, cluster: Cluster
) -> None:
    world = World().user(101)
    for number in range(1, 81):
        world.call(number, at=RECENTLY + timedelta(seconds=number))
        world.recording(10 * number, file_url=SIGNED)
    victim = cluster.workers[0]
    async with bench(tmp_path, world) as night:
        over(cluster, night)
        night.sandbox.faults.add(Fault(Route.FILE, Happens(victim.kill), after=20, times=1))
        report = await night.run()
        assert victim.poll() is not None
        assert report.exit_code == 0
        assert told(report, of="recordings") == {"archived": 80}
        night.check_archive()
        assert await night.findings() == []
        shown = cluster.log("worker") + cluster.log("scheduler")
        assert "do-not-show-this" not in shown
        assert night.sandbox.key not in shown


@pytest.mark.nightly
def test_a_worker_started_as_documented_has_imported_everything_before_its_first_batch() -> None:
    from distributed import Client

    with dask_cluster(1) as cluster, Client(cluster.address, set_as_default=False) as client:
        client.wait_for_workers(1, timeout=START_SECONDS)
        needed = {"archiver.storage.s3.bucket", "archiver.storage.s3.client", "boto3"}
        (missing,) = client.run(lambda: needed - set(sys.modules)).values()
        assert not missing


@pytest.mark.nightly
@pytest.mark.parametrize("number", range(50))
async def test_a_worker_may_be_killed_at_any_moment(
    tmp_path: Path, cluster: Cluster, number: int
) -> None:
    async with bench(tmp_path, crowd(40)) as night:
        over(cluster, night)
        victim = cluster.workers[number % 2]
        kill = Fault(Route.FILE, Happens(victim.kill), after=number * 4 % 39, times=1)
        night.sandbox.faults.add(kill)
        assert (await night.run()).exit_code == 0
        night.check_archive()
        assert await night.findings() == []


@pytest.mark.nightly
async def test_a_worker_that_hangs_and_comes_back_does_no_harm(
    tmp_path: Path, cluster: Cluster
) -> None:
    """It is given up by the scheduler, and wakes when others have done its work."""
    async with bench(tmp_path, crowd(40)) as night:
        over(cluster, night)
        (victim, *_) = cluster.workers

        def stop() -> None:
            victim.send_signal(signal.SIGSTOP)

        night.sandbox.faults.add(Fault(Route.FILE, Happens(stop), after=10, times=1))
        assert (await night.run()).exit_code == 0
        victim.send_signal(signal.SIGCONT)
        assert (await night.run()).exit_code == 0
        victim.kill()  # it may still be storing: its part file is removed by the next run
        victim.wait(PATIENCE)
        assert (await night.run()).exit_code == 0
        night.check_archive()
        assert await night.findings() == []


class LostWhileAnswering:
    """A client that loses its scheduler between the end of a task and the arrival of its result."""

    def submit(self, *_: object, **named: object) -> "LostWhileAnswering":
        return self

    def __await__(self) -> Iterator[None]:
        from distributed.comm import CommClosedError

        yield
        raise CommClosedError

    def release(self) -> None:
        """As a future has it."""


async def test_a_batch_is_sent_again_if_the_scheduler_is_lost_while_its_answer_is_fetched() -> None:
    dispatch = Dispatch("archive", "run", most=1, slots=1, grace=Grace())
    client: Any = LostWhileAnswering()
    with pytest.raises(WorkerLost) as lost:
        await Lanes(dispatch, client, "run", 1).ask(b"")
    assert not lost.value.is_its_fault


@pytest.mark.nightly
async def test_a_scheduler_may_be_started_again(tmp_path: Path) -> None:
    with dask_cluster(2) as cluster:
        async with bench(tmp_path, crowd(40)) as night:
            over(cluster, night)
            night.sandbox.faults.add(Fault(Route.FILE, Stall(100), after=10, times=4))
            night.sandbox.faults.add(Fault(Route.FILE, Happens(cluster.restart), after=14, times=1))
            assert (await night.run()).exit_code == 0
            night.check_archive()
            assert await night.findings() == []


def batches_noted(dask_scheduler: Any) -> int | None:
    """Of how many batches of this run the scheduler keeps a note; None before the first one."""
    noted = dask_scheduler.extensions["spans"].spans_search_by_name[SPAN,]
    return len(noted[-1].metadata["collections"]) if noted else None


@pytest.mark.nightly
async def test_a_run_has_the_scheduler_forget_its_batches_while_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import Client

    monkeypatch.setattr("archiver.crew.cluster._FORGET_EVERY", 1)
    with dask_cluster(2) as cluster:
        async with (
            bench(tmp_path, crowd(40)) as night,
            Client(cluster.address, asynchronous=True, set_as_default=False) as client,
            anyio.create_task_group() as group,
        ):
            over(cluster, night)
            night.sandbox.faults.add(Fault(Route.FILE, Stall(100), after=10))
            group.start_soon(night.run)
            with anyio.fail_after(4 * PATIENCE):
                while await client.run_on_scheduler(batches_noted) != 0:
                    pass  # each question waits for the scheduler
            group.cancel_scope.cancel()


@pytest.mark.nightly
async def test_no_workers_for_a_minute_end_the_run_and_the_next_completes_it(
    tmp_path: Path,
) -> None:
    with dask_cluster(0) as cluster:
        async with bench(tmp_path, crowd(5)) as night:
            over(cluster, night)
            with pytest.raises(CrewUnavailable, match="no Dask worker") as ended:
                await night.run()
            assert "dask worker" in ended.value.hint
            cluster.start_worker()
            assert (await night.run()).exit_code == 0
            night.check_archive()


async def refused(night: Night) -> ArchiverError:
    with pytest.raises(ArchiverError) as ended, anyio.fail_after(4 * PATIENCE):
        await night.run()
    return ended.value


@pytest.mark.nightly
async def test_a_worker_of_another_archive_version_or_configuration_is_refused(
    tmp_path: Path,
) -> None:
    with dask_cluster(0) as cluster:
        cluster.start_worker()
        async with (
            bench(tmp_path / "a", crowd(3)) as night,
            bench(tmp_path / "b", crowd(1)) as other,
        ):
            over(cluster, night)
            cluster.config.unlink()
            error = await refused(night)
            assert (error.exit_code, "does not exist" in str(error)) == (2, True)
            await other.run()
            over(cluster, other)
            night.settings = other.settings
            error = await refused(night)
            assert (error.exit_code, "that of the run is" in str(error)) == (2, True)
            assert "Dask worker tcp://127.0.0.1" in str(error)
            over(cluster, night)
            cluster.stop_workers()
            preload = cluster.folder / "older.py"
            preload.write_text("import archiver; archiver.__version__ = '0.0.1'")
            cluster.start_worker("--preload", str(preload))
            error = await refused(night)
            assert isinstance(error, UsageError)
            assert "0.0.1" in str(error)
            cluster.stop_workers()
            cluster.start_worker()
            assert (await night.run()).exit_code == 0
            night.check_archive()


@pytest.mark.nightly
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_over_dask_onto_s3_is_ended_or_killed_and_the_next_completes_it(
    tmp_path: Path, cluster: Cluster, end: signal.Signals
) -> None:
    world = centre(40)
    with moto_server() as server, on_s3(tmp_path, world, server) as (commands, bucket):
        commands.settings["dask"] = {"scheduler": cluster.address}
        commands.configure()
        document: dict[str, Any] = {
            "liner": {"url": commands.sandbox.url, "api_key": commands.sandbox.key},
            "storage": commands.settings["storage"],
        }
        cluster.configure(document)
        commands.sandbox.faults.add(Fault(Route.FILE, Stall(1000), after=20))
        process = commands.start("run", "--json")
        commands.sandbox.wait_for(Route.FILE, least=26, patience=4 * PATIENCE)
        process.send_signal(end)
        if end == signal.SIGTERM:
            ended = awaited(process)
            assert ended.code == 130
            assert ended.answer["interrupted"] is True
        else:
            process.communicate()
        commands.sandbox.faults.clear()
        ended = commands.run()
        assert ended.code == 0, ended.err
        witness = copied(bucket, tmp_path / "copy")
        witness.check()
        witness.check_recordings(audio_of(world))


@pytest.mark.nightly
def test_a_worker_without_rights_in_the_bucket_ends_the_run_with_its_words(
    tmp_path: Path,
) -> None:
    world = centre(6)
    wrong = {"AWS_SECRET_ACCESS_KEY": "another"}
    with (
        seaweedfs() as server,
        dask_cluster(1, environ=wrong) as cluster,
        on_s3(tmp_path, world, server) as (commands, _),
    ):
        commands.settings["dask"] = {"scheduler": cluster.address}
        commands.configure()
        cluster.configure(
            {
                "liner": {"url": commands.sandbox.url, "api_key": commands.sandbox.key},
                "storage": commands.settings["storage"],
            }
        )
        ended = commands.run()
        assert ended.code == 5
        assert "Dask worker tcp://127.0.0.1" in ended.answer["error"]["message"]
        assert ended.answer["error"]["hint"]
        commands.settings.pop("dask")
        assert commands.run().code == 0


@pytest.mark.nightly
async def test_mutual_tls_is_asked_for_and_given(tmp_path: Path) -> None:
    files = certificates(tmp_path / "tls")
    secure = (
        *("--tls-ca-file", str(files.authority), "--tls-cert", str(files.cert)),
        *("--tls-key", str(files.key)),
    )
    with dask_cluster(1, scheme="tls", secure=secure) as cluster:
        async with bench(tmp_path, crowd(8)) as night:
            over(cluster, night)
            night.settings["dask"] |= {
                "tls_ca": str(files.authority),
                "tls_cert": str(files.stranger_cert),
                "tls_key": str(files.stranger_key),
            }
            error = await refused(night)
            assert (error.exit_code, "cannot be used" in str(error)) == (5, True)
            night.settings["dask"] |= {"tls_cert": str(files.cert), "tls_key": str(files.key)}
            assert (await night.run()).exit_code == 0
            night.check_archive()
