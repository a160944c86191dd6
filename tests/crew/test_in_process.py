"""One process lists ahead, and fetches no more recordings at a time than it may."""

from pathlib import Path
from statistics import median
from typing import Any

import anyio
import pytest

from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Delay, Fault, Happens
from archiver.sandbox.world import World
from archiver.storage.local.folder import LocalStorage
from tests.cli.commands import PATIENCE
from tests.support.puts import put_by
from tests.support.world import bench, told

pytestmark = pytest.mark.anyio

FEW, WORKERS, AHEAD = 2, 8, 16
CALLS = 80


def settings(workers: int) -> dict[str, Any]:
    return {"download": {"workers": workers, "processes": 1}}


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
    async with bench(tmp_path, centre(), settings=settings(FEW)) as night:
        night.sandbox.faults.add(
            Fault(Route.RECORDINGS, Happens(listing)), Fault(Route.FILE, Happens(fetching))
        )
        report = await night.run()
        assert told(report, of="recordings") == {"archived": CALLS}
    assert max(fetched for fetched, _ in seen) == FEW
    assert any(lists > number + FEW for number, (_, lists) in enumerate(seen))


async def test_no_more_calls_are_listed_than_can_be_fetched_soon(tmp_path: Path) -> None:
    """Their addresses may be valid for minutes only."""
    ahead = list[int]()
    async with bench(tmp_path, centre(), settings=settings(WORKERS)) as night:
        sandbox = night.sandbox

        def listing() -> None:
            ahead.append(sandbox.count(Route.RECORDINGS) - sandbox.count(Route.FILE))

        sandbox.faults.add(
            Fault(Route.RECORDINGS, Happens(listing)), Fault(Route.FILE, Delay(0.05))
        )
        report = await night.run()
        assert told(report, of="recordings") == {"archived": CALLS}
    # Requests for lists and files overtake each other, so that single numbers say little.
    assert WORKERS < median(ahead) <= AHEAD


async def test_more_recordings_are_fetched_while_a_folder_stores_others_up_to_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_many_as_allowed, waiting, at_once = anyio.Event(), [0], list[int]()
    put = LocalStorage.put

    async def storing(storage: LocalStorage, key: str, *others: object, **named: object) -> object:
        if not is_audio(key):
            return await put(storage, key, *others, **named)  # type: ignore[arg-type]
        waiting[0] += 1
        at_once.append(waiting[0])
        if waiting[0] == 4 * WORKERS:
            as_many_as_allowed.set()
        with anyio.fail_after(PATIENCE):
            await as_many_as_allowed.wait()
        try:
            return await put(storage, key, *others, **named)  # type: ignore[arg-type]
        finally:
            waiting[0] -= 1

    put_by(monkeypatch, storing)
    async with bench(tmp_path, centre(), settings=settings(WORKERS)) as night:
        report = await night.run()
        assert told(report, of="recordings") == {"archived": CALLS}
        night.check_archive()
    assert max(at_once) == 4 * WORKERS
