"""The part of a run that the Dask scheduler executes now and then: it forgets ended batches.

Otherwise a scheduler keeps something of every batch for as long as it runs: a note in the span to
which its task belongs (0.2 KiB), its key in a cache of the last 100,000 (0.2 KiB), and its task
group, unless other batches were in progress when it began and when it ended.
"""

from typing import TYPE_CHECKING, Final

from archiver.extras import extra

if TYPE_CHECKING:
    from distributed import Scheduler

SPAN: Final = "archiver"
"""The name of the span of a run.

A task without one gets a new span if the scheduler has no other task, and spans are kept: 4 KiB
for each batch of a run that waits for the API in between, on the scheduler and its worker."""


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
