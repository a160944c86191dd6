"""`reindex`: the catalog rebuilt from the archive alone."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from archiver.archive.opening import catalog_path, existing_archive
from archiver.catalog.readonly import glimpse
from archiver.catalog.rebuild import Rebuilding
from archiver.clock import Clock, system_clock
from archiver.config import Config
from archiver.ledger.log import Ledger
from archiver.ledger.segments import Head, Segment, lost
from archiver.storage.lock import archive_lock

_AT_ONCE = 16
"""Segments in one transaction: some thousand events."""


@dataclass(frozen=True, slots=True)
class Reindexed:
    """The contents of the new catalog. `counts` are rows by table, `taken_over` the unpublished
    events of the old catalog."""

    archive_id: str
    path: Path
    head: Head
    counts: dict[str, int]
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """The answer of `--json`."""
        return {
            "archiveId": self.archive_id,
            "catalog": str(self.path),
            "head": self.head.digest,
            "segments": self.head.number,
            **self.counts,
            "seconds": round(self.seconds, 3),
        }


async def reindex(
    config: Config,
    *,
    state_folder: Path,
    clock: Clock = system_clock,
    on_read: Callable[[int, int], None] = lambda segments, events: None,
) -> Reindexed:
    """Rebuild the catalog, and replace the old one when the new one is complete.

    `on_read` receives the numbers of segments and events read so far. Raises ArchiveLocked while a
    run has locked the archive, ArchiveDamaged if its ledger is damaged or lacks segments that the
    old catalog has seen, NoArchive if there is none.
    """
    began = time.monotonic()
    owner = "reindex"
    async with (
        existing_archive(config) as (storage, archive_id),
        archive_lock(storage, owner, clock=clock) as lock,
    ):
        lock.leave = lock.found_left  # what it says is for the next run
        path = catalog_path(config, archive_id, state_folder)
        known = await anyio.to_thread.run_sync(glimpse, path, archive_id)
        ledger = Ledger(storage, archive_id)
        work = await anyio.to_thread.run_sync(Rebuilding, path, archive_id, known)
        try:
            head = await _fill(work, ledger, known.head, on_read)
            counts = await anyio.to_thread.run_sync(work.install)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(work.discard)
    return Reindexed(archive_id, path, head, counts, time.monotonic() - began)


async def _fill(
    work: Rebuilding, ledger: Ledger, seen: Head, on_read: Callable[[int, int], None]
) -> Head:
    """Read the whole ledger; returns its head. It must contain `seen`: the old catalog is the only
    evidence on this machine of a truncated ledger, and must not be replaced without it."""
    head, waiting = Head(), list[Segment]()
    is_whole = seen.number == 0

    async def flush() -> None:
        await anyio.to_thread.run_sync(work.take, tuple(waiting))
        on_read(len(waiting), sum(len(one.lines) for one in waiting))
        waiting.clear()

    async for segment in ledger.read_after(head):
        waiting.append(segment)
        head = segment.head
        is_whole = is_whole or head == seen
        if len(waiting) >= _AT_ONCE:
            await flush()
    await flush()
    if not is_whole:
        raise lost(seen)
    return head
