"""What fetching takes, made of the configuration: the same for everybody who fetches."""

from collections.abc import Callable
from typing import Final, TypeAlias

from archiver.archive.pace import Pace
from archiver.config import Config
from archiver.http.origins import OriginPolicy
from archiver.http.transport import GuardedTransport
from archiver.recordings.fetch import Fetcher
from archiver.recordings.spool import Spool
from archiver.storage.base import Storage
from archiver.tasks.retry import RetryScheduled

_HELD_FOR_A_DISK: Final = 1024 * 1024
"""Bytes of one recording held in memory on the way to a disk; beyond it a part file takes them,
right beside their final place."""

OnBytes: TypeAlias = Callable[[int], None]
OnRetry: TypeAlias = Callable[[RetryScheduled], None]


def policy_of(config: Config) -> OriginPolicy:
    """Where requests may go."""
    return OriginPolicy(config.api.url, config.download.allow_origins)


def fetcher_over(
    transport: GuardedTransport,
    policy: OriginPolicy,
    config: Config,
    pace: Pace,
    *,
    on_bytes: OnBytes = lambda count: None,
    on_retry: OnRetry | None = None,
) -> Fetcher:
    """What fetches recordings; `on_bytes` hears how many bytes have arrived."""
    return Fetcher(
        transport,
        policy,
        api_url=config.api.url,
        api_key=config.api.api_key,
        max_bytes=config.download.max_bytes,
        retry=pace.fetch,
        stall=pace.stall,
        on_bytes=on_bytes,
        on_retry=on_retry,
    )


def spool_on_the_way_to(storage: Storage, config: Config) -> Spool:
    """Where recordings wait until they are whole.

    On the way to a disk little is held in memory; on the way to S3 each worker has its share.
    """
    if storage.is_local:
        return Spool(storage.spool_folder, _HELD_FOR_A_DISK)
    download = config.download
    return Spool(download.spool, download.spool_memory // download.workers)
