"""What is short is done at once; what would have to wait leaves the event loop alone."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest

from archiver.catalog.catalog import Catalog
from archiver.catalog.work import Outcome, Result
from archiver.ledger.events import CallJudged, OrderSeen
from archiver.ledger.segments import Head
from archiver.liner.models import Call

pytestmark = pytest.mark.anyio

AT = datetime(2026, 10, 2, 1, 0, 7, tzinfo=UTC)
ARCHIVE = "1b6b587f-eb6d-44d9-912e-1453acbaeadd"


async def settle(catalog: Catalog, call_id: int) -> int:
    judged = CallJudged(call_id=call_id, state="archived", attempts=0)
    outcome = Outcome(Call(call_id), judged, results=(Result(call_id, "archived"),))
    tally = await catalog.settle([outcome], at=AT, run="r")
    return tally.recordings["archived"]


async def test_another_process_that_writes_is_waited_for_while_the_loop_goes_on(
    tmp_path: Path,
) -> None:
    path = tmp_path / "one.sqlite"
    catalog = await Catalog.open(path, ARCHIVE)
    counted: list[int] = []

    async def settled() -> None:
        counted.append(await settle(catalog, 1))

    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        async with anyio.create_task_group() as crew:
            crew.start_soon(settled)
            await anyio.wait_all_tasks_blocked()
            assert counted == []
            other.execute("ROLLBACK")
    assert counted == [1]
    assert await settle(catalog, 2) == 1
    assert catalog.waiting_events == 2
    await catalog.aclose()


async def test_the_log_of_the_catalog_does_not_grow_with_the_run(tmp_path: Path) -> None:
    path = tmp_path / "one.sqlite"
    catalog = await Catalog.open(path, ARCHIVE)
    sizes = []
    for segment in range(12):
        for number in range(20):
            await settle(catalog, 20 * segment + number)
        await catalog.record([OrderSeen(order_ids=tuple(range(500)))], at=AT, run="r")
        last, _ = await catalog.outbox(1000)
        await catalog.published(last, Head(segment + 1, "ab" * 32))
        sizes.append(Path(f"{path}-wal").stat().st_size)
    assert max(sizes[1:]) <= 2 * sizes[1]
    await catalog.aclose()
