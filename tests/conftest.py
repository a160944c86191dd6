"""Fixtures shared by every test."""

import pytest
from hypothesis import settings

# How long an example takes says something about the machine and nothing about the code.
settings.register_profile("calm", deadline=None)
settings.load_profile("calm")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The archiver runs on asyncio; its tests do too."""
    return "asyncio"
