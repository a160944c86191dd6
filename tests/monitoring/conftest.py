"""Notices that are tried again take no time, and a server that hears them."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from archiver.monitoring import delivery
from tests.monitoring.hooks import Hooks, hooks


@pytest.fixture(autouse=True)
def in_no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = replace(delivery.DELIVERY_RETRY, first_wait=0.001, greatest_wait=0.002)
    monkeypatch.setattr(delivery, "DELIVERY_RETRY", fast)


@pytest.fixture
def server() -> Iterator[Hooks]:
    with hooks() as found:
        yield found
