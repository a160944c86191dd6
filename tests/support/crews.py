"""Which crew the runs of a test have: the tests that prove a run prove it over each of them.

    @pytest.fixture(autouse=True, params=EVERY_CREW)
    def crew(request: pytest.FixtureRequest) -> Iterator[None]:
        with CREW.chosen(request.param):
            yield

A crew of processes takes a second to start, so those are for the night.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import pytest


@dataclass
class Chosen:
    """The crew of the current test; its `settings` belong into `download`."""

    settings: Mapping[str, Any] = field(default_factory=lambda: {"processes": 1})

    @contextmanager
    def chosen(self, name: str) -> Iterator[None]:
        before, self.settings = self.settings, {"processes": 2 if name == "pipes" else 1}
        try:
            yield
        finally:
            self.settings = before


CREW: Final = Chosen()

EVERY_CREW: Final = ["in-process", pytest.param("pipes", marks=pytest.mark.nightly)]
