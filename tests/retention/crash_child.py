"""A removal that dies at a step of its choosing, in a process of its own."""

from pathlib import Path

import anyio

from archiver.sandbox.world import World
from tests.crash.child import Steps
from tests.retention.acts import erased, pruned, world_with_a_person
from tests.support.world import Night, bench

OLD = 40
"""Days after which everything of the first night may go."""


def old_world() -> World:
    world = World().call(1, lead=5).recording(11).call(2, lead=5).recording(21).recording(22)
    return world.call(3, lead=6).recording(31)


async def prune_all(night: Night) -> None:
    await pruned(night, 4)


async def erase_person(night: Night) -> None:
    await erased(night, 3)


ACTS = {"prune": (old_world, prune_all, OLD), "erase": (world_with_a_person, erase_person, 3)}


async def act(folder: Path, name: str) -> None:
    """Do the act, over an archive that is there already."""
    world, doing, days = ACTS[name]
    async with bench(folder, world()) as night:
        night.clock.advance(days=days)
        await doing(night)


def die(folder: Path, name: str, last: int | None, told: Path) -> None:
    """Do the act and die after step `last`; without one, write how many there are."""
    steps = Steps(last)
    steps.arm()
    anyio.run(act, folder, name)
    told.write_text(str(steps.count))
