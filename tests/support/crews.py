"""Which crew the runs of a test have: the tests that prove a run prove it over each of them.

    pytestmark = pytest.mark.usefixtures("crew")

A crew of processes takes a second to start, so those are for the night.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

IN_PROCESS: Final = {"processes": 1}
SETTINGS: Final[Mapping[str, Mapping[str, Any]]] = {
    "in-process": IN_PROCESS,
    "pipes": {"processes": 2},
}
"""By the names of the crews, what `download` says."""

EVERY_CREW: Final = [
    name if name == "in-process" else pytest.param(name, marks=pytest.mark.nightly)
    for name in SETTINGS
]


@dataclass
class Chosen:
    """The crew of the current test; its `settings` belong into `download`."""

    settings: Mapping[str, Any] = field(default_factory=lambda: IN_PROCESS)

    @contextmanager
    def chosen(self, name: str) -> Iterator[None]:
        before, self.settings = self.settings, SETTINGS[name]
        try:
            yield
        finally:
            self.settings = before


CREW: Final = Chosen()
