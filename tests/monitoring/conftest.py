"""A server that hears notices."""

from collections.abc import Iterator

import pytest

from tests.monitoring.hooks import Hooks, hooks


@pytest.fixture
def server() -> Iterator[Hooks]:
    with hooks() as found:
        yield found
