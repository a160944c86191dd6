"""How the source is accessed: one policy, one transport, one client, one way to fetch.

All requests to the API and all downloads use this, so that the same access rules, waits and retries
apply to every command.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec import Struct

from archiver.archive.pace import REAL_PACE, Pace
from archiver.clock import Clock, system_clock
from archiver.config import Config
from archiver.crew.equipment import OnBytes, OnRetry, fetcher_over, policy_of
from archiver.http.origins import OriginPolicy
from archiver.http.transport import GuardedTransport
from archiver.liner.client import LinerClient
from archiver.recordings.fetch import Fetcher


class Source(Struct, frozen=True):
    """The API and the hosts of recordings. `on_retry` is called for every retry."""

    config: Config
    liner: LinerClient
    transport: GuardedTransport
    policy: OriginPolicy
    pace: Pace = REAL_PACE
    on_retry: OnRetry | None = None

    def fetcher(self, *, on_bytes: OnBytes = lambda count: None) -> Fetcher:
        """Fetches recordings; `on_bytes` receives the number of bytes that arrive."""
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
    """The source of this configuration, with a maximum number of connections; closed at the end.

    `clock` is for requests to the API.
    """
    policy = policy_of(config)
    transport = GuardedTransport(policy, limit=connections, proxies=config.http.proxy)
    client = LinerClient(config.api, transport, retry=pace.api, clock=clock, on_retry=on_retry)
    async with client as liner:
        yield Source(config, liner, transport, policy, pace, on_retry)
