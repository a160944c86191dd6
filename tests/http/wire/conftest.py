"""The wire is tried on both event loops that a run may have."""

import pytest

from archiver.tasks.event_loop import FASTEST_LOOP


@pytest.fixture(
    scope="session",
    params=[{}, FASTEST_LOOP],
    ids=["asyncio", "uvloop" if FASTEST_LOOP["use_uvloop"] else "asyncio-again"],
)
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, object]]:
    return ("asyncio", request.param)
