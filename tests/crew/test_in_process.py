"""One process lists ahead, and has only so many recordings in flight."""

from pathlib import Path

import pytest

from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Fault, Happens
from archiver.sandbox.world import World
from archiver.storage.local.folder import LocalStorage
from tests.support.puts import put_by
from tests.support.world import bench, told

pytestmark = pytest.mark.anyio

WORKERS, CALLS = 2, 12


async def test_calls_are_listed_while_as_many_recordings_as_allowed_are_in_flight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    for number in range(1, CALLS + 1):
        world.call(number).recording(10 * number)
    listed, in_flight, seen = [0], [0], list[tuple[int, int]]()
    put = LocalStorage.put

    def listing() -> None:
        listed[0] += 1

    def fetching() -> None:
        in_flight[0] += 1
        seen.append((in_flight[0], listed[0]))

    async def ending(storage: LocalStorage, key: str, *others: object, **named: object) -> object:
        if key.endswith(".json") and not key.startswith("_archive"):
            in_flight[0] -= 1
        return await put(storage, key, *others, **named)  # type: ignore[arg-type]

    put_by(monkeypatch, ending)
    settings = {"download": {"workers": WORKERS, "processes": 1}}
    async with bench(tmp_path, world, settings=settings) as night:
        night.sandbox.faults.add(
            Fault(Route.RECORDINGS, Happens(listing)), Fault(Route.FILE, Happens(fetching))
        )
        report = await night.run()
        assert told(report, of="recordings") == {"archived": CALLS}
    assert max(flying for flying, _ in seen) == WORKERS
    assert any(lists > number + WORKERS for number, (_, lists) in enumerate(seen))
