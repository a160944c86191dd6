"""A crew of Dask workers on other machines (`cluster_worker`), for an archive that all can reach.

Dask distributes batches, and reassigns those of a worker that dies. The rest is done here: units
that crash every worker are isolated, no more batches are submitted than the workers can process,
and if the scheduler or all workers stay unreachable, the run ends with an error.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import CancelledError
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import anyio

from archiver.crew.cluster_connection import (
    CONNECT_SECONDS,
    RECONNECT_SECONDS,
    Scheduler,
    connected,
    gone,
)
from archiver.crew.cluster_scheduler import SPAN, forget_ended, give_up_unreachable
from archiver.crew.cluster_worker import Sealed, bring_batch, end_run, topic_of
from archiver.crew.crew import Crew, Listener
from archiver.crew.dispatch import Dispatch, Lane, WorkerLost
from archiver.crew.progress import read_progress
from archiver.crew.unit import Brought, Unit
from archiver.errors import ArchiverError, CrewUnavailable
from archiver.tasks.grace import GRACE_SECONDS, Grace
from archiver.tasks.lanes import one_failure

if TYPE_CHECKING:
    from distributed import Client, Future

MOST_UNITS: Final = 48
"""Units per batch: a batch costs Dask 5 ms of processor time, whatever its size."""

_ROUNDS_AHEAD: Final = 3
"""Units submitted for each one being fetched, so that no worker is idle between batches."""
_BATCHES_A_WORKER: Final = (2, 4)

_NOBODY_SECONDS: Final = 60.0
_READY_SECONDS: Final = 2.0
"""How long the first batch waits for workers to open the archive, at most: a worker may hang."""
_LOOK_EVERY: Final = 2.0
_ANSWER_SECONDS: Final = 30.0
"""From the end of a batch until its answer has to be here: it is some 50 KiB."""
_MOST_ANSWERS_LOST: Final = 3
"""Of one batch. The first worker may have lost its network, not each one that follows."""
_FORGET_EVERY: Final = 1000
"""Batches after which the scheduler is asked to forget those that have ended."""

_START_WORKERS: Final = "start some with `dask worker ADDRESS`, see docs/scale.md"


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
    async with connected(scheduler) as client:
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


@dataclass(slots=True, eq=False)
class _Asked:
    """A batch that some worker has. `since` is when its answer was first due: its worker has ended
    it, and the scheduler has not passed on the answer. `lost`: how many answers never came."""

    future: "Future"
    since: float | None = None
    lost: int = 0

    def is_overdue(self, now: float) -> bool:
        """Whether its answer has to be given up, again."""
        if self.future.status != "finished":
            self.since = None
        elif self.since is None:
            self.since = now
        elif now - self.since >= _ANSWER_SECONDS:
            self.since, self.lost = None, self.lost + 1
            return True
        return False


class Cluster(Lane):
    """All workers of one scheduler; it assigns each batch to a worker with free capacity."""

    def __init__(self, dispatch: Dispatch, client: "Client", run_id: str, workers: int) -> None:
        super().__init__(dispatch)
        self._client = client
        self._run_id = run_id
        self._workers = workers
        self._asked = 0
        self._asking: set[_Asked] = set()

    @property
    def couriers(self) -> int:
        """See `Crew.couriers`."""
        return _ROUNDS_AHEAD * self._workers

    @property
    def unfetched(self) -> int:
        """See `Crew.unfetched`."""
        return self.couriers

    @property
    def has_lost_any(self) -> bool:
        """See `Crew.has_lost_any`: Dask replaces workers that die without reporting it."""
        return True

    async def bring(self, unit: Unit, on_fetched: Callable[[], None] = lambda: None) -> Brought:
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
        places, forgotten = 0, 0
        heard = staffed = anyio.current_time()
        while True:
            threads, now = await self._threads(), anyio.current_time()
            if threads is not None:
                heard = now
            elif now - heard >= RECONNECT_SECONDS:
                raise gone()
            if threads or threads is None or not self.dispatch.load:
                staffed = now
            elif now - staffed >= _NOBODY_SECONDS:
                raise CrewUnavailable(
                    f"no Dask worker has been connected for {_NOBODY_SECONDS:.0f} seconds",
                    hint=_START_WORKERS,
                )
            if threads:
                self.dispatch.slots = max(1, self._workers // len(threads))
                batches, self.dispatch.most = batches_for(self._workers, threads)
                for _ in range(places, batches):
                    group.start_soon(self.keep_busy)
                    places += 1
                await self._urge_answers(now)
            if self._asked - forgotten >= _FORGET_EVERY:
                forgotten = self._asked
                await self._tell_scheduler(forget_ended)
            await anyio.sleep(_LOOK_EVERY)

    async def _urge_answers(self, now: float) -> None:
        """Have the scheduler give up workers that report to it, but that it cannot reach.

        It fetches answers over connections that it opens itself. Where those fail and the reports
        of the worker arrive, Dask would try for ever.
        """
        overdue = [one for one in self._asking if one.is_overdue(now)]
        if any(one.lost >= _MOST_ANSWERS_LOST for one in overdue):
            raise CrewUnavailable(
                "the Dask scheduler cannot fetch the answers of a worker that reports to it",
                hint="let the scheduler connect to the ports of its workers, see docs/scale.md",
            )
        if overdue:
            await self._tell_scheduler(give_up_unreachable)

    async def _tell_scheduler(self, function: Callable[..., object]) -> None:
        """Have it called there, which may fail: another version may not know the function."""
        with anyio.move_on_after(2 * CONNECT_SECONDS), suppress(Exception):
            await self._client.run_on_scheduler(function)

    async def _threads(self) -> list[int] | None:
        """The number of batches of each worker at a time; None if the scheduler does not answer, or
        the separate connection over which it passes on answers is lost."""
        if self._client.status == "closed":
            raise gone()
        with anyio.move_on_after(CONNECT_SECONDS):
            try:
                threads = list((await self._client.nthreads()).values())
            except Exception:  # noqa: BLE001 - it reconnects by itself, or closes
                return None
            return threads if self._client.status == "running" else None
        return None

    async def ask(self, batch: bytes) -> bytes:
        """See `Lane.ask`."""
        from distributed import KilledWorker
        from distributed.comm import CommClosedError

        self._asked += 1
        key = f"archiver-{self._run_id}-{self._asked}"
        try:
            future = self._client.submit(bring_batch, Sealed(batch), key=key, pure=False)
        except Exception as error:
            raise gone() from error
        asked = _Asked(future)
        self._asking.add(asked)
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
            self._asking.discard(asked)
            future.release()
        return answer.data
