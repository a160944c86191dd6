"""What happens at each put into a folder, as a test wants it."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from archiver.storage.base import Storage
from archiver.storage.local.folder import LocalStorage


def put_by(patch: pytest.MonkeyPatch, put: Callable[..., Awaitable[Any]]) -> None:
    """Put every object into folders by `put`, those in order one by one."""
    patch.setattr(LocalStorage, "put", put)
    patch.setattr(LocalStorage, "put_in_order", Storage.put_in_order)
