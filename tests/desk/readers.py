"""What the tests of the reading side share: a library over the archive of a `Night`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from archiver.desk.index.entries import Entry
from archiver.desk.index.view import View
from archiver.desk.library import Library, open_library
from archiver.sandbox.world import World
from tests.support.world import Night

SIDECAR = "789/1/11.json"
"""That of the first call of `centre`."""


def centre() -> World:
    """Two calls of one agent; the first has a summary."""
    world = World().user(101, "Anna", "Price").order(1, "Delivery line")
    world.call(1, lead=789, user_id=101).recording(11, summary="A refund was asked for.")
    return world.call(2, lead=790, user_id=101).recording(21, summary=None)


@asynccontextmanager
async def reading(
    night: Night, *, state: Path | None = None, **settings: Any
) -> AsyncIterator[Library]:
    """A library that has caught up with the archive, and stands still until it is asked to."""
    async with open_library(
        night.config(**settings),
        state_folder=state or night.state,
        cache_folder=night.folder / "cache",
        is_following=False,
    ) as library:
        await library.catch_up()
        yield library


async def ids(library: Library, **view: Any) -> list[int]:
    """The recordings of a view, in its order."""
    return [
        one async for piece in library.index.pieces(View(**view), 3) for one in piece.record_ids
    ]


async def entry(library: Library, record_id: int) -> Entry:
    """What the index tells of a recording that it has to know."""
    found = await library.index.recording(record_id)
    assert found is not None
    return found
