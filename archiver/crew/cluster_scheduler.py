"""The part of a run that the Dask scheduler executes now and then: it gives up workers that it
cannot reach, and forgets ended batches.

Otherwise a scheduler keeps something of every batch for as long as it runs: a note in the span to
which its task belongs (0.2 KiB), its key in a cache of the last 100,000 (0.2 KiB), and its task
group, unless other batches were in progress when it began and when it ended.
"""

from typing import TYPE_CHECKING, Final

import anyio

from archiver.extras import extra

if TYPE_CHECKING:
    from distributed import Scheduler

SPAN: Final = "archiver"
"""The name of the span of a run.

A task without one gets a new span if the scheduler has no other task, and spans are kept: 4 KiB
for each batch of a run that waits for the API in between, on the scheduler and its worker."""


_REACHED_WITHIN: Final = 10.0
"""Seconds that a worker has to answer the scheduler: its event loop may be busy."""


def forget_ended(dask_scheduler: "Scheduler") -> None:
    """Forget what the scheduler still knows about ended batches of all runs."""
    with extra("dask"):
        from dask.utils import key_split

    key_split.cache_clear()
    in_progress = set(dask_scheduler.task_groups.values())
    for span in dask_scheduler.extensions["spans"].spans_search_by_name[SPAN,]:
        span.groups.intersection_update(in_progress)
        if span.metadata is not None:
            span.metadata["collections"].clear()


async def give_up_unreachable(dask_scheduler: "Scheduler") -> None:
    """Remove every worker that does not answer on its own address.

    Dask has other workers repeat its batches. It ends by itself if it can still hear the scheduler.
    """
    with extra("dask"):
        from distributed.core import rpc

    async def look(address: str) -> None:
        worker = rpc(address, connection_args=dask_scheduler.connection_args)
        try:
            with anyio.fail_after(_REACHED_WITHIN):
                await worker.identity()
        except (OSError, TimeoutError):
            await dask_scheduler.remove_worker(address, stimulus_id="archiver-unreachable")
        finally:
            await worker.close_rpc()

    async with anyio.create_task_group() as group:
        for address in list(dask_scheduler.workers):
            group.start_soon(look, address)
