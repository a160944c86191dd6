"""How the source is reached: one policy, one transport, one client, and one way to fetch.

Whoever asks the API or fetches recordings does it through this, so that no command reaches further
than another, and all of them wait and give up alike.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from archiver.archive.pace import REAL_PACE, Pace
from archiver.clock import Clock, system_clock
from archiver.config import Config
from archiver.crew.equipment import OnBytes, OnRetry, fetcher_over, policy_of
from archiver.http.origins import OriginPolicy
from archiver.http.transport import GuardedTransport
from archiver.liner.client import LinerClient
from archiver.recordings.fetch import Fetcher


@dataclass(frozen=True, slots=True)
class Source:
    """The API, and the hosts that recordings come from. `on_retry` hears of every retry."""

    config: Config
    liner: LinerClient
    transport: GuardedTransport
    policy: OriginPolicy
    pace: Pace = REAL_PACE
    on_retry: OnRetry | None = None

    def fetcher(self, *, on_bytes: OnBytes = lambda count: None) -> Fetcher:
        """What fetches recordings; `on_bytes` hears how many bytes have arrived."""
        return fetcher_over(
            self.transport,
            self.policy,
            self.config,
            self.pace,
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
    policy = policy_of(config)
    transport = GuardedTransport(policy, limit=connections, proxies=config.http.proxy)
    client = LinerClient(config.api, transport, retry=pace.api, clock=clock, on_retry=on_retry)
    async with client as liner:
        yield Source(config, liner, transport, policy, pace, on_retry)
