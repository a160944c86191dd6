"""Creates what is needed for fetching from the configuration, for the run and all workers alike."""

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
"""Bytes of one recording kept in memory before it is stored on a disk; a larger one is written to a
part file next to its final location."""

OnBytes: TypeAlias = Callable[[int], None]
OnRetry: TypeAlias = Callable[[RetryScheduled], None]


def policy_of(config: Config) -> OriginPolicy:
    """The addresses to which requests are allowed."""
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
    """The fetcher of recordings; it calls `on_bytes` with the number of bytes as they arrive."""
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
    """Where recordings are kept until they are complete.

    For storage on a disk, little is kept in memory; for S3, each worker has its share of
    `download.spool_memory`.
    """
    if storage.is_local:
        return Spool(storage.spool_folder, _HELD_FOR_A_DISK)
    download = config.download
    return Spool(download.spool, download.spool_memory // download.workers, syncs=False)
