"""Fixtures shared by every test."""

import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

from tests.support.blocking import Watch
from tests.support.crews import CREW, EVERY_CREW, LOCAL_CREWS
from tests.support.dask_cluster import Cluster, dask_cluster
from tests.support.scheduling import ByFile, ByTest

# Started by nohup, the tests and every process that they start would ignore a closed terminal.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# How long an example takes says something about the machine and nothing about the code.
settings.register_profile("calm", deadline=None)
settings.load_profile("calm")

NIGHTLY_SECONDS = 1800


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The archiver runs on asyncio; its tests do too."""
    return "asyncio"


@pytest.fixture(scope="session")
def watch() -> Iterator[Watch]:
    with Watch().active() as active:
        yield active


@pytest.fixture(autouse=True)
def free_event_loop(watch: Watch) -> Iterator[None]:
    """Nothing that a test runs on an event loop of its process keeps the loop waiting."""
    watch.found.clear()
    yield
    watch.check()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile | ByTest:
    return (ByTest if config.option.markexpr == "nightly" else ByFile)(config, log)


@pytest.fixture(scope="session")
def dask_workers() -> Iterator[Cluster]:
    with dask_cluster() as cluster:
        yield cluster


@pytest.fixture(params=EVERY_CREW)
def crew(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whoever uses this proves what it says of a run over every crew."""
    needs_dask = request.param == "dask"
    cluster = request.getfixturevalue("dask_workers") if needs_dask else None
    with CREW.chosen(request.param, cluster):
        yield


@pytest.fixture(params=LOCAL_CREWS)
def local_crew(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whoever uses this proves what it says of a run over the crews of one machine."""
    with CREW.chosen(request.param, None):
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A slow proof has more time than `timeout` of pyproject.toml gives every other test."""
    for item in items:
        if item.get_closest_marker("nightly") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(NIGHTLY_SECONDS))
