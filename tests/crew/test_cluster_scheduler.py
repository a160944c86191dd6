"""A scheduler does not get larger with every batch."""

import anyio
import pytest
from dask.utils import key_split
from distributed import Client, Future, Scheduler, Worker, span

from archiver.crew.cluster_scheduler import SPAN, forget_ended
from tests.cli.commands import PATIENCE

pytestmark = pytest.mark.anyio


async def batch(number: int) -> int:
    return number


async def test_a_scheduler_forgets_the_batches_that_have_ended_and_no_others() -> None:
    here = {"host": "127.0.0.1", "dashboard_address": ":0"}
    async with (
        Scheduler(port=0, **here) as scheduler,
        Worker(scheduler.address, nthreads=1, **here),
        Client(scheduler.address, asynchronous=True, set_as_default=False) as client,
    ):

        async def ended(number: int) -> Future:
            future = client.submit(batch, number, key=f"archiver-run-{number}", pure=False)
            assert await future == number
            return future

        with span(SPAN), anyio.fail_after(PATIENCE):
            for number in range(3):
                (await ended(number)).release()
                while scheduler.tasks:  # so that the next one is in a group of its own
                    await anyio.sleep(0)
            kept = await ended(3)
        (noted,) = scheduler.extensions["spans"].spans.values()
        assert len(noted.groups) == len(noted.metadata["collections"]) == 4
        await client.run_on_scheduler(forget_ended)
        assert [one.name for one in noted.groups] == [
            one.name for one in scheduler.task_groups.values()
        ]
        assert noted.metadata["collections"] == []
        assert key_split.cache_info().currsize == 0
        assert await kept == 3
