"""What waits for a disk is entered and left in threads, whatever ends the block."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import anyio
import pytest

from archiver.tasks.contexts import entered, scratch_folder

pytestmark = pytest.mark.anyio


async def test_it_is_entered_and_left_in_worker_threads_though_everything_is_cancelled() -> None:
    threads: list[threading.Thread] = []

    @contextmanager
    def resource() -> Iterator[str]:
        threads.append(threading.current_thread())
        yield "opened"
        threads.append(threading.current_thread())

    async def work() -> None:
        async with entered(resource) as value:
            assert value == "opened"
            group.cancel_scope.cancel()
            await anyio.sleep_forever()

    async with anyio.create_task_group() as group:
        group.start_soon(work)
    assert len(threads) == 2
    assert threading.main_thread() not in threads


async def test_what_it_raises_on_its_way_is_raised_and_leaves_nothing_entered() -> None:
    def broken() -> AbstractContextManager[None]:
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        async with entered(broken):
            pytest.fail("it was entered")


async def test_a_scratch_folder_goes_with_what_it_holds() -> None:
    kept: Path | None = None
    with pytest.raises(ZeroDivisionError):
        async with scratch_folder() as folder:
            kept = folder
            await anyio.Path(folder / "file").write_bytes(b"x")
            raise ZeroDivisionError
    assert kept is not None
    assert not kept.exists()
