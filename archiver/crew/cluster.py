"""A crew of Dask workers on other machines (`cluster_worker`), for an archive that all can reach.

Dask distributes batches, and reassigns those of a worker that dies. The rest is done here: units
that crash every worker are isolated, no more batches are submitted than the workers can process,
and if the scheduler or all workers stay unreachable, the run ends with an error.

Anyone who can connect to a scheduler can run code on its workers. So it requires mutual TLS, or a
loopback address.
"""

import ipaddress
import logging
import warnings
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import CancelledError
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import anyio
from anyio import to_thread

from archiver.config import DaskConfig
from archiver.crew.cluster_scheduler import SPAN, forget_ended
from archiver.crew.cluster_worker import Sealed, bring_batch, end_run, topic_of
from archiver.crew.crew import Crew, Listener
from archiver.crew.dispatch import Dispatch, Lane, WorkerLost
from archiver.crew.progress import read_progress
from archiver.crew.unit import Brought, Unit
from archiver.errors import ArchiverError, CrewUnavailable, UsageError
from archiver.extras import extra
from archiver.tasks.grace import GRACE_SECONDS, Grace
from archiver.tasks.lanes import one_failure

if TYPE_CHECKING:
    from distributed import Client

MOST_UNITS: Final = 48
"""Units per batch: a batch costs Dask 5 ms of processor time, whatever its size."""

_ROUNDS_AHEAD: Final = 3
"""Units submitted for each one being fetched, so that no worker is idle between batches."""
_LISTING: Final = 16
_BATCHES_A_WORKER: Final = (2, 4)

_CONNECT_SECONDS: Final = 10.0
_RECONNECT_SECONDS: Final = 60.0
_NOBODY_SECONDS: Final = 60.0
_READY_SECONDS: Final = 2.0
"""How long the first batch waits for workers to open the archive, at most: a worker may hang."""
_LOOK_EVERY: Final = 2.0
_FORGET_EVERY: Final = 1000
"""Batches after which the scheduler is asked to forget those that have ended."""

_SENT_KEPT: Final = "distributed.admin.low-level-log-length"
"""How many messages a connection of Dask keeps after they were sent, so that its developers can
look at them: 1,000 by default, each with a whole batch."""

_START_WORKERS: Final = "start some with `dask worker ADDRESS`, see docs/scale.md"


@dataclass(frozen=True, slots=True)
class Scheduler:
    """The address of the scheduler, and the files of the certificates for it."""

    address: str
    tls: DaskConfig

    @property
    def is_on_loopback(self) -> bool:
        """Whether it is on this machine, so that no other machine can connect to it."""
        host = urlsplit(self.address).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    def check(self) -> None:
        """Raise UsageError if the address is invalid, or the connection would not be protected."""
        try:
            parts = urlsplit(self.address)
            is_whole = bool(parts.hostname) and parts.port is not None
        except ValueError:
            is_whole = False
        if not is_whole or parts.scheme not in ("tls", "tcp"):
            raise UsageError(
                f"{self.address} is not the address of a Dask scheduler",
                hint="use tls://HOST:PORT, such as tls://scheduler.example.com:8786",
            )
        if parts.scheme == "tcp" and not self.is_on_loopback:
            raise UsageError(
                f"{self.address} is not encrypted: tcp:// is for a scheduler on this machine only",
                hint="use tls:// with certificates, see docs/scale.md",
            )


@asynccontextmanager
async def dask_workers(
    scheduler: Scheduler,
    *,
    archive_id: str,
    run_id: str,
    workers: int,
    grace: Grace,
    listener: Listener,
) -> AsyncIterator[Crew]:
    """The workers of the scheduler, which together fetch this many recordings at a time.

    Raises UsageError for missing configuration, CrewUnavailable if the scheduler does not respond.
    """
    async with _connected(scheduler) as client:
        dispatch = Dispatch(archive_id, run_id, most=MOST_UNITS, slots=workers, grace=grace)
        crew = Cluster(dispatch, client, run_id, workers)

        def hear(event: tuple[float, Any]) -> None:
            news = read_progress(event[1])
            listener.on_bytes(news.received)
            for scheduled in news.retries:
                listener.on_retry(dispatch.call_of(scheduled.record_id), scheduled)

        client.subscribe_topic(topic_of(run_id), hear)
        with one_failure():
            async with anyio.create_task_group() as group:
                group.start_soon(crew.lead)
                yield crew
                group.cancel_scope.cancel()


def batches_for(workers: int, threads: Sequence[int]) -> tuple[int, int]:
    """The number of batches in progress, and the most units in one, for machines with so many
    threads and `workers` recordings in flight.

    Dask gives every machine the same number of batches, whatever their size. So a batch has no more
    than its share of the units that are submitted ahead: else one machine could get nearly all of
    them, and the others would wait for it at the end.
    """
    least, most = (each * len(threads) for each in _BATCHES_A_WORKER)
    batches = max(least, min(most, sum(threads)))
    return batches, min(MOST_UNITS, -(-_ROUNDS_AHEAD * workers // batches))


async def count_workers(scheduler: Scheduler) -> int:
    """The number of workers of the scheduler. Raises the errors of `dask_workers`."""
    async with _connected(scheduler) as client:
        return len(await client.nthreads())


class Cluster(Lane):
    """All workers of one scheduler; it assigns each batch to a worker with free capacity."""

    def __init__(self, dispatch: Dispatch, client: "Client", run_id: str, workers: int) -> None:
        super().__init__(dispatch)
        self._client = client
        self._run_id = run_id
        self._workers = workers
        self._asked = 0

    @property
    def couriers(self) -> int:
        """See `Crew.couriers`."""
        return _ROUNDS_AHEAD * self._workers + _LISTING

    @property
    def has_lost_any(self) -> bool:
        """See `Crew.has_lost_any`: Dask replaces workers that die without reporting it."""
        return True

    async def bring(self, unit: Unit) -> Brought:
        """See `Crew.bring`."""
        return await self.dispatch.bring(unit)

    async def drain(self) -> Sequence[tuple[int, Brought]]:
        """See `Crew.drain`."""
        with anyio.move_on_after(GRACE_SECONDS, shield=True), suppress(Exception):
            await self._client.run(end_run, self._run_id)
        return await self.dispatch.drain()

    async def lead(self) -> None:
        """Keep the workers busy. Without workers or scheduler, every unit ends with an error."""
        from distributed import span

        try:
            with one_failure(), span(SPAN):
                async with anyio.create_task_group() as group:
                    await self._make_ready()
                    await self._follow_workers(group)
        except ArchiverError as error:
            self.dispatch.fail(error)

    async def _make_ready(self) -> None:
        """Have all workers open the archive, by an empty batch.

        The run lists calls meanwhile. So the first batches are full ones, and no worker has to wait
        for the rest of its share until a batch of one recording is done. A worker that cannot open
        the archive answers that to its first batch again.
        """
        empty, opening = Sealed(self.dispatch.encode([])), []
        with anyio.move_on_after(_READY_SECONDS), suppress(Exception):
            for address in await self._client.nthreads():
                key = f"archiver-{self._run_id}-{address}"
                only = {"workers": [address], "pure": False}
                opening.append(self._client.submit(bring_batch, empty, key=key, **only))
            await self._client.gather(opening, errors="skip")
        for future in opening:
            future.release()

    async def _follow_workers(self, group: anyio.abc.TaskGroup) -> None:
        places, deserted, forgotten = 0, 0.0, 0
        while True:
            threads = await self._threads()
            if threads:
                self.dispatch.slots = -(-self._workers // len(threads))
                batches, self.dispatch.most = batches_for(self._workers, threads)
                for _ in range(places, batches):
                    group.start_soon(self.keep_busy)
                    places += 1
            nobody_works = not threads and self.dispatch.has_work
            deserted = deserted + _LOOK_EVERY if nobody_works else 0.0
            if deserted >= _NOBODY_SECONDS:
                raise CrewUnavailable(
                    f"no Dask worker has been connected for {_NOBODY_SECONDS:.0f} seconds",
                    hint=_START_WORKERS,
                )
            if self._asked - forgotten >= _FORGET_EVERY:
                forgotten = self._asked
                await self._forget_ended()
            await anyio.sleep(_LOOK_EVERY)

    async def _forget_ended(self) -> None:
        """Keep the scheduler small. It also works without: another version may not know how."""
        with anyio.move_on_after(_CONNECT_SECONDS), suppress(Exception):
            await self._client.run_on_scheduler(forget_ended)

    async def _threads(self) -> list[int]:
        """The number of batches of each worker at a time; empty if the scheduler is unreachable."""
        if self._client.status == "closed":
            raise _gone()
        with anyio.move_on_after(_CONNECT_SECONDS):
            try:
                return list((await self._client.nthreads()).values())
            except Exception:  # noqa: BLE001 - it reconnects by itself, or closes
                return []
        return []

    async def ask(self, batch: bytes) -> bytes:
        """See `Lane.ask`."""
        from distributed import KilledWorker
        from distributed.comm import CommClosedError

        self._asked += 1
        key = f"archiver-{self._run_id}-{self._asked}"
        try:
            future = self._client.submit(bring_batch, Sealed(batch), key=key, pure=False)
        except Exception as error:
            raise _gone() from error
        try:
            answer: Sealed = await future
        except (CancelledError, CommClosedError) as error:  # waiting, or fetching the answer
            raise WorkerLost("the scheduler was lost", is_its_fault=False) from error
        except KilledWorker as error:
            raise WorkerLost("every Dask worker that fetched it ended unexpectedly") from error
        except Exception as error:
            raise CrewUnavailable(
                f"a Dask worker cannot run archiver: {type(error).__name__}",
                hint="install the same version of archiver on every worker; its log says more",
            ) from error
        finally:
            future.release()
        return answer.data


def import_dask() -> None:
    """Import Dask, which takes a second of processor time. Without it, nothing is raised yet."""
    with suppress(Exception):
        import_module("distributed")


@asynccontextmanager
async def _connected(scheduler: Scheduler) -> AsyncIterator["Client"]:
    await to_thread.run_sync(import_dask)  # it may be under way: this thread must not wait for it
    with extra("dask"):
        import dask
        from distributed import Client

    scheduler.check()
    security = _security(scheduler)
    await _reached(scheduler.address)
    for name in [one for one in logging.root.manager.loggerDict if one.startswith("distributed")]:
        logging.getLogger(name).setLevel(logging.CRITICAL)  # our own messages say what matters
    dask.config.set({_SENT_KEPT: 0})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about versions: each batch compares ours
            client = await Client(
                scheduler.address,
                asynchronous=True,
                security=security,
                timeout=_RECONNECT_SECONDS,
                set_as_default=False,
            )
    except Exception as error:
        raise CrewUnavailable(
            f"the Dask scheduler at {scheduler.address} cannot be used: {type(error).__name__}",
            hint="check its address and certificates, and that its version of Dask is the same",
        ) from error
    try:
        yield client
    finally:
        with anyio.move_on_after(GRACE_SECONDS, shield=True):
            await client.close()


def _security(scheduler: Scheduler) -> Any:
    """Mutual TLS with the files of archive.yaml, or with those of Dask's own configuration."""
    from distributed import Security

    if scheduler.address.startswith("tcp://"):
        return None
    tls = scheduler.tls
    given = {
        "tls_ca_file": tls.tls_ca,
        "tls_client_cert": tls.tls_cert,
        "tls_client_key": tls.tls_key,
    }
    fields = {name: str(path) for name, path in given.items() if path is not None}
    security = Security(require_encryption=True, **fields)
    if not (security.tls_ca_file and security.tls_client_cert):
        raise UsageError(
            "tls:// requires certificates for mutual TLS",
            hint="set dask.tls_ca, dask.tls_cert and dask.tls_key, see docs/scale.md",
        )
    try:
        security.get_connection_args("client")
    except OSError as error:
        raise UsageError(
            f"the certificates for Dask cannot be used: {error.strerror or error}",
            hint="check the files that dask.tls_ca, dask.tls_cert and dask.tls_key name",
        ) from error
    return security


async def _reached(address: str) -> None:
    """Raise CrewUnavailable at once if nothing listens on the address."""
    parts = urlsplit(address)
    try:
        with anyio.fail_after(_CONNECT_SECONDS):
            stream = await anyio.connect_tcp(parts.hostname or "", parts.port or 0)
            await stream.aclose()
    except (OSError, TimeoutError) as error:
        raise CrewUnavailable(
            f"the Dask scheduler at {address} does not respond",
            hint="start it with `dask scheduler`, or correct the address, see docs/scale.md",
        ) from error


def _gone() -> CrewUnavailable:
    return CrewUnavailable(
        f"the Dask scheduler has been unreachable for {_RECONNECT_SECONDS:.0f} seconds",
        hint="start it again; the next run continues",
    )
