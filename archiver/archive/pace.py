"""Timing of the work on an archive: waits, attempts, and when writes become durable.

Passed in when an archive is opened. A different pace changes how long work takes and what a power
failure may cost, never what is done.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from archiver.liner.client import API_RETRY
from archiver.recordings.fetch import FETCH_RETRY, STALL_SECONDS
from archiver.storage.lease import LeaseTimes
from archiver.storage.local.syncing import Syncing
from archiver.storage.lock import LEASE_TIMES
from archiver.storage.opening import POLICY
from archiver.tasks.retry import RetryPolicy


@dataclass(frozen=True, slots=True)
class Pace:
    """`api`, `fetch` and `storage` are the retry policies of requests, recordings and objects;
    `stall` is how many seconds a source may send nothing, `hung` how many a worker process may
    give no sign of life.

    A segment of the ledger is written when `segment_events` wait, or `publish_seconds` after the
    last one. `lease` is the timing of the lock on storage without locks; `syncing` makes writes to
    the given folder durable. `clocks_apart` is how far another clock may differ from the one that
    dates events; beyond it nothing is written.
    """

    api: RetryPolicy = API_RETRY
    fetch: RetryPolicy = FETCH_RETRY
    storage: RetryPolicy = POLICY
    stall: float = STALL_SECONDS
    hung: int = 60
    segment_events: int = 1000
    publish_seconds: float = 30.0
    lease: LeaseTimes = LEASE_TIMES
    syncing: Callable[[str], Syncing] = Syncing
    clocks_apart: timedelta = timedelta(days=1)


REAL_PACE: Final = Pace()
"""The pace of a nightly run."""
