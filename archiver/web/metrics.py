"""The metrics of a desk: the archive according to its index, and the runs of this machine.

They are served on a separate port, `metrics.listen`, without log-in: they contain no personal data.
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
    """Serve them at `metrics.listen`, until cancelled; the event loop gives the sign of life.

    Without such an address nothing is served. If it is in use (by `run --every` on the same
    machine), one line says so, and the desk continues without.
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
    """Reads the figures at most once in `_FRESH` seconds, for all clients, from any thread."""

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
