"""Which crew the runs of a test have: the tests that prove a run prove it over each of them.

    pytestmark = pytest.mark.usefixtures("crew")

Processes and Dask workers share the code that fetches and stores: where a test is about many states
or bodies, `local_crew` proves them without Dask. A crew of processes takes a second to start, and
one of Dask several, so those are for the night. In the shared crew, the run's own process fetches
beside a child, as it does where it has no core of its own; a command finds out itself which it is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import pytest

from archiver.crew import choosing
from tests.support.dask_cluster import Cluster

_CREWS: Final = ("in-process", "pipes", "shared", "dask")
_PROCESSES: Final = {"pipes": 2, "shared": 2}
_CORES: Final = {"pipes": 3, "shared": 2}

EVERY_CREW: Final = [
    name if name == "in-process" else pytest.param(name, marks=pytest.mark.nightly)
    for name in _CREWS
]

LOCAL_CREWS: Final = EVERY_CREW[:2]


@dataclass
class Chosen:
    """The crew of the current test: so many processes, or Dask workers."""

    processes: int = 1
    cluster: Cluster | None = None

    @contextmanager
    def chosen(self, name: str, cluster: Cluster | None) -> Iterator[None]:
        before = (self.processes, self.cluster)
        self.processes, self.cluster = _PROCESSES.get(name, 1), cluster
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(choosing, "available_cores", lambda: _CORES.get(name, 1))
                yield
        finally:
            self.processes, self.cluster = before

    def configure(self, document: dict[str, Any], key: str) -> None:
        """Add what a configuration says of the crew, and tell Dask workers the rest of it; those
        fetch from the sandbox itself, for which they need its key."""
        asked: dict[str, Any] = document.get("download", {})
        document["download"] = {"processes": self.processes, **asked}
        if self.cluster is not None:
            document["dask"] = {"scheduler": self.cluster.address}
            liner = document["liner"] | {"api_key": key}
            self.cluster.configure(document | {"liner": liner})


CREW: Final = Chosen()
