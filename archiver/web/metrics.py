"""What Prometheus may ask of a desk: the archive as its index knows it, the runs of this machine.

It has a port of its own, `metrics.listen`, and asks nobody to log in: it tells of no person.
"""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import anyio

from archiver.clock import Clock
from archiver.config import Config
from archiver.desk.library import Library
from archiver.errors import ConfigError
from archiver.monitoring.endpoint import Pulse, endpoint
from archiver.monitoring.history import memory_path, recall

_LOG: Final = logging.getLogger(__name__)
_BEAT: Final = 5.0
_FRESH: Final = 10.0
"""Seconds for which an answer is given again: counting a large archive takes its time."""


async def serve_metrics(
    config: Config, library: Library, *, state_folder: Path, clock: Clock
) -> None:
    """Serve them where `metrics.listen` says, until cancelled; the event loop is the pulse.

    Without such an address nothing is served. Where it cannot be had (`run --every` on the same
    machine has it), one line says so, and the desk goes on without.
    """
    address = config.metrics.listen
    if address is None:
        return
    remembered = memory_path(config.storage.url, state_folder)

    def told() -> bytes:
        from archiver.monitoring.metrics import exposition

        return exposition(recall(remembered), library.vitals(), clock())

    pulse = Pulse()
    try:
        with endpoint(address, Lately(told), pulse):
            while True:
                pulse.beat()
                await anyio.sleep(_BEAT)
    except ConfigError as error:
        _LOG.warning("%s; the desk serves no metrics", error)


class Lately:
    """Asks for what it tells at most once in `_FRESH` seconds, whoever asks, from any thread."""

    def __init__(
        self, ask: Callable[[], bytes], ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask, self._ticks = ask, ticks
        self._lock = threading.Lock()
        self._said, self._until = b"", -1.0

    def __call__(self) -> bytes:
        """What was found lately, or is found now."""
        with self._lock:
            if self._ticks() >= self._until:
                self._said = self._ask()
                self._until = self._ticks() + _FRESH
            return self._said
