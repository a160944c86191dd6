"""How the source is reached: one policy, one transport, one client, and one way to fetch.

Whoever asks the API or fetches recordings does it through this, so that no command reaches further
than another, and all of them wait and give up alike.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from archiver.archive.pace import REAL_PACE, Pace
from archiver.clock import Clock, system_clock
from archiver.config import Config
from archiver.http.origins import OriginPolicy
from archiver.http.transport import GuardedTransport
from archiver.liner.client import LinerClient
from archiver.recordings.fetch import Fetcher
from archiver.recordings.spool import Spool
from archiver.storage.base import Storage
from archiver.tasks.retry import RetryScheduled

_HELD_FOR_A_DISK: Final = 1024 * 1024
"""Bytes of one recording held in memory on the way to a disk; beyond it a part file takes them,
right beside their final place."""

OnRetry = Callable[[RetryScheduled], None]


@dataclass(frozen=True, slots=True)
class Source:
    """The API, and the hosts that recordings come from. `on_retry` hears of every retry."""

    config: Config
    liner: LinerClient
    transport: GuardedTransport
    policy: OriginPolicy
    pace: Pace = REAL_PACE
    on_retry: OnRetry | None = None

    def fetcher(self, *, on_bytes: Callable[[int], None] = lambda count: None) -> Fetcher:
        """What fetches recordings; `on_bytes` hears how many bytes have arrived."""
        return Fetcher(
            self.transport,
            self.policy,
            api_url=self.config.api.url,
            api_key=self.config.api.api_key,
            max_bytes=self.config.download.max_bytes,
            retry=self.pace.fetch,
            stall=self.pace.stall,
            on_bytes=on_bytes,
            on_retry=self.on_retry,
        )


@asynccontextmanager
async def source(
    config: Config,
    *,
    connections: int,
    pace: Pace = REAL_PACE,
    clock: Clock = system_clock,
    on_retry: OnRetry | None = None,
) -> AsyncIterator[Source]:
    """The source of this configuration, over so many connections at most; closed at the end.

    `clock` is for requests to the API.
    """
    policy = OriginPolicy(config.api.url, config.download.allow_origins)
    transport = GuardedTransport(policy, limit=connections, proxies=config.http.proxy)
    client = LinerClient(config.api, transport, retry=pace.api, clock=clock, on_retry=on_retry)
    async with client as liner:
        yield Source(config, liner, transport, policy, pace, on_retry)


def spool_on_the_way_to(storage: Storage, config: Config) -> Spool:
    """Where recordings wait until they are whole.

    On the way to a disk little is held in memory; on the way to S3 each worker has its share.
    """
    if storage.is_local:
        return Spool(storage.spool_folder, _HELD_FOR_A_DISK)
    download = config.download
    return Spool(download.spool, download.spool_memory // download.workers)
