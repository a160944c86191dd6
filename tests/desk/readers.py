"""What the tests of the reading side share: a library over the archive of a `Night`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from archiver.desk.index.view import View
from archiver.desk.library import Library, open_library
from tests.world import Night


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
    return [one.record_id async for one in library.index.stream(View(**view))]
