"""The check of the Dask workers, where a run would have some."""

from archiver.config import Config
from archiver.crew.choosing import check_crew
from archiver.crew.cluster_connection import Scheduler, count_workers
from archiver.doctor.check import Check, Surroundings


async def try_crew(config: Config, _around: Surroundings) -> list[Check]:
    """The scheduler answers, and has workers. What these can do shows in a run."""
    if config.dask.scheduler is None:
        return []
    check_crew(config)
    count = await count_workers(Scheduler(config.dask.scheduler, config.dask))
    address = config.dask.scheduler
    if not count:
        hint = f"start some with `dask worker {address}`, see docs/scale.md"
        return [Check.problem("Dask", f"the scheduler at {address} has no workers", hint)]
    return [Check.ok("Dask", f"the scheduler at {address} has {count:,} workers")]
