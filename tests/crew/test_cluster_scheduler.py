"""A scheduler does not get larger with every batch, and gives up workers that it cannot reach."""

import anyio
import pytest
from dask.utils import key_split
from distributed import Client, Future, Scheduler, Worker, span

from archiver.crew.cluster_scheduler import SPAN, forget_ended, give_up_unreachable
from tests.cli.commands import PATIENCE
from tests.storage.s3_servers import free_ports
from tests.support.wire import wire_to

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


async def test_a_scheduler_gives_up_the_workers_that_it_cannot_reach_and_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("archiver.crew.cluster_scheduler._REACHED_WITHIN", 2.0)
    here = {"host": "127.0.0.1", "dashboard_address": ":0"}
    (port,) = free_ports(1)
    with wire_to(port) as wire:
        contact = f"tcp://127.0.0.1:{wire.port}"
        async with (
            Scheduler(port=0, **here) as scheduler,
            Worker(scheduler.address, **here) as near,
            Worker(scheduler.address, port=port, contact_address=contact, **here) as far,
        ):
            await give_up_unreachable(scheduler)
            assert set(scheduler.workers) == {near.address, contact}
            wire.silence()
            await give_up_unreachable(scheduler)
            assert set(scheduler.workers) == {near.address}
            with anyio.fail_after(PATIENCE):
                await far.finished()
