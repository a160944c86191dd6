"""Fixtures shared by every test."""

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The archiver runs on asyncio; its tests do too."""
    return "asyncio"
