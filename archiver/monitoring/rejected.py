"""Rejected connections of a port, as one line per minute instead of a traceback each."""

import errno
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

_LOG: Final = logging.getLogger(__name__)
_EVERY: Final = 60.0
OUT_OF_FILES: Final = "out of file descriptors"
_OUT_OF_FILES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Turned:
    """Counts rejected connections of one port, by reason; from any thread."""

    def __init__(self, what: str, ticks: Callable[[], float] = time.monotonic) -> None:
        self._what, self._ticks = what, ticks
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._due = float("-inf")

    def away(self, why: str) -> None:
        """Add one; the first is reported at once, those of the next minute together."""
        with self._lock:
            self._counts[why] += 1
            if self._ticks() < self._due:
                return
            self._due = self._ticks() + _EVERY
            counts, self._counts = self._counts, Counter()
        said = "; ".join(f"{count:,}: {why}" for why, count in counts.most_common())
        _LOG.warning("%s rejected connections (%s)", self._what, said)


def is_out_of_files(error: object) -> bool:
    """Whether the system had no file descriptor or memory for a connection."""
    return isinstance(error, OSError) and error.errno in _OUT_OF_FILES


def room_for(most: int) -> int:
    """The number of connections that may be open at once: `most`, or half of what this process may
    open."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return most
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return most if soft == resource.RLIM_INFINITY else max(8, min(most, soft // 2))
