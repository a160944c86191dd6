"""One process lists ahead, and fetches no more recordings at a time than it may."""

from pathlib import Path

import anyio
import pytest

from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Fault, Happens
from archiver.sandbox.world import World
from archiver.storage.local.folder import LocalStorage
from tests.cli.commands import PATIENCE
from tests.support.puts import put_by
from tests.support.world import bench, told

pytestmark = pytest.mark.anyio

WORKERS, CALLS = 2, 12
SETTINGS = {"download": {"workers": WORKERS, "processes": 1}}


def centre() -> World:
    world = World()
    for number in range(1, CALLS + 1):
        world.call(number).recording(10 * number)
    return world


def is_audio(key: str) -> bool:
    return not key.startswith("_archive") and not key.endswith(".json")


async def test_calls_are_listed_while_as_many_recordings_as_allowed_are_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed, fetched_at_once, seen = [0], [0], list[tuple[int, int]]()
    put = LocalStorage.put

    def listing() -> None:
        listed[0] += 1

    def fetching() -> None:
        fetched_at_once[0] += 1
        seen.append((fetched_at_once[0], listed[0]))

    async def storing(storage: LocalStorage, key: str, *others: object, **named: object) -> object:
        if is_audio(key):
            fetched_at_once[0] -= 1
        return await put(storage, key, *others, **named)  # type: ignore[arg-type]

    put_by(monkeypatch, storing)
    async with bench(tmp_path, centre(), settings=SETTINGS) as night:
        night.sandbox.faults.add(
            Fault(Route.RECORDINGS, Happens(listing)), Fault(Route.FILE, Happens(fetching))
        )
        report = await night.run()
        assert told(report, of="recordings") == {"archived": CALLS}
    assert max(fetched for fetched, _ in seen) == WORKERS
    assert any(lists > number + WORKERS for number, (_, lists) in enumerate(seen))


async def test_more_recordings_are_fetched_while_a_folder_stores_those_that_are_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more_than_workers = anyio.Event()
    waiting: set[str] = set()
    put = LocalStorage.put

    async def storing(storage: LocalStorage, key: str, *others: object, **named: object) -> object:
        if is_audio(key):
            waiting.add(key)
            if len(waiting) > 2 * WORKERS:
                more_than_workers.set()
            with anyio.fail_after(PATIENCE):
                await more_than_workers.wait()
        return await put(storage, key, *others, **named)  # type: ignore[arg-type]

    put_by(monkeypatch, storing)
    async with bench(tmp_path, centre(), settings=SETTINGS) as night:
        report = await night.run()
        assert told(report, of="recordings") == {"archived": CALLS}
        night.check_archive()
