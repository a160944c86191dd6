"""Timing of the work on an archive: waits, attempts, and when writes become durable.

Passed in when an archive is opened. A different pace changes how long work takes and what a power
failure may cost, never what is done.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from msgspec import Struct

from archiver.storage.lease import LeaseTimes
from archiver.storage.local.syncing import Syncing
from archiver.storage.lock import LEASE_TIMES
from archiver.storage.opening import POLICY
from archiver.tasks.retry import RetryPolicy

API_RETRY: Final = RetryPolicy(attempts=5, first_wait=0.5, greatest_wait=20.0)
FETCH_RETRY: Final = RetryPolicy(attempts=4, first_wait=0.5, greatest_wait=10.0)
"""For one recording within one run. Failures are tried again in the next run, so a run does not
wait minutes for a source that is down."""

STALL_SECONDS: Final = 20.0
"""A source that sends nothing for so long has died, or means us to wait for ever."""


class Pace(Struct, frozen=True):
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
