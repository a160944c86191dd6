"""Selects the crew of a run: its own process, child processes if they pay off, or Dask workers."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from threading import Thread

from anyio import CapacityLimiter

from archiver.archive.archive import Archive
from archiver.clock import Clock
from archiver.config import Config
from archiver.crew.crew import Crew, Listener
from archiver.crew.equipment import spool_on_the_way_to
from archiver.crew.in_process import InProcess
from archiver.crew.processes import available_cores, children_of, shares_of
from archiver.crew.sharing import Shared
from archiver.errors import UsageError
from archiver.recordings.fetch import Fetcher
from archiver.storage.opening import import_s3
from archiver.tasks.grace import Grace


@asynccontextmanager
async def crew_of(
    config: Config,
    archive: Archive,
    run_id: str,
    *,
    fetcher: Callable[[], Fetcher],
    grace: Grace,
    clock: Clock,
    listener: Listener,
) -> AsyncIterator[Crew]:
    """The configured crew. Everything that it starts ends with the context.

    `fetcher` creates the fetcher for this process.
    """
    if config.dask.scheduler is not None:
        others = _on_other_machines(config, archive, run_id, grace, listener)
        async with others as crew:
            yield crew
        return
    cores = available_cores()
    children, (each, rest) = children_of(config, cores), shares_of(config, cores)
    shared = Shared()

    def own() -> InProcess:
        spool = spool_on_the_way_to(archive.storage, config)
        limiter = CapacityLimiter(rest)
        return InProcess(fetcher(), archive.storage, spool, grace, clock, limiter)

    if not children:
        yield own()
        return

    from archiver.crew.child import Start  # one process needs none of this
    from archiver.crew.pipes import child_processes

    async with child_processes(
        Start(config, archive.pace, clock, run_id, archive.storage.known),
        archive_id=archive.archive_id,
        processes=children,
        slots=each,
        grace=grace,
        listener=listener,
        on_ready=shared.notice,
    ) as started:
        shared.crews.append(started)
        if rest:
            shared.crews.append(own())
        yield shared


def prepare_crew(config: Config) -> None:
    """Begin to import what the crew of a run needs, in a thread.

    What the storage needs comes first, since the run opens it first: then it waits for the storage,
    and the processor is free.
    """
    if config.dask.scheduler is None:
        return

    from archiver.crew.cluster_connection import import_dask

    def prepare() -> None:
        if not config.storage.is_local:
            import_s3()
        import_dask()

    Thread(target=prepare, name="importing Dask").start()


def check_crew(config: Config) -> None:
    """Raise UsageError if the configuration asks for an impossible crew."""
    if config.dask.scheduler is None:
        return

    from archiver.crew.cluster_connection import Scheduler

    scheduler = Scheduler(config.dask.scheduler, config.dask)
    scheduler.check()
    if config.storage.is_local and not scheduler.is_on_loopback:
        raise UsageError(
            "workers on other machines cannot reach an archive in a folder",
            hint="use an archive on S3, or leave out --dask",
        )


def _on_other_machines(
    config: Config, archive: Archive, run_id: str, grace: Grace, listener: Listener
) -> AbstractAsyncContextManager[Crew]:
    from archiver.crew.cluster import dask_workers
    from archiver.crew.cluster_connection import Scheduler

    return dask_workers(
        Scheduler(config.dask.scheduler or "", config.dask),
        archive_id=archive.archive_id,
        run_id=run_id,
        workers=config.download.workers,
        grace=grace,
        listener=listener,
    )
