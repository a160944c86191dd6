"""Who answers the questions of this package: an open catalog, or another file with its tables."""

import sqlite3
from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Answers(Protocol):
    """Whatever holds the tables of the catalog and answers questions about them."""

    async def ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """The answer to one of this package's questions; it gets a connection that cannot write."""
