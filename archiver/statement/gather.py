"""Collects everything that a statement contains: each source is read once, as sums."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from anyio import to_thread

from archiver.archive.archive import Readable
from archiver.archive.failed_runs import FailedRuns
from archiver.archive.names import ArchivedNames
from archiver.catalog import queries
from archiver.catalog.acts import known_acts
from archiver.catalog.coverage import Coverage, take_coverage
from archiver.catalog.overview import Period
from archiver.clock import Clock
from archiver.config import Config
from archiver.desk.file import desk_data
from archiver.desk.review.supervision import Reviews, reviews_of
from archiver.evidence.newest import NewestEvidence, newest_evidence
from archiver.ledger.segments import Head
from archiver.monitoring.history import Memory, failed_runs, memory_path, recall
from archiver.monitoring.verifications import Verification, Verifications
from archiver.retention.acts import told_acts
from archiver.statement.calendar import Day, calendar_of

MOST_ACTS: Final = 200
"""The most acts in a statement, the newest of the period."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What is known about one period of an archive at the time `at`.

    `acts` are the newest of `acts_in_all`. `verifications` are those of the period in this
    machine's history, oldest first; `replica` has those of the replica. `reviews` is None if this
    machine has no desk.
    """

    archive_id: str
    at: datetime
    period: Period
    coverage: Coverage
    days: Sequence[Day]
    names: ArchivedNames
    acts: Sequence[Mapping[str, Any]]
    acts_in_all: int
    verifications: Sequence[Verification]
    remembered: Verifications | None
    replica: Verifications | None
    reviews: Reviews | None
    failed: FailedRuns | None
    head: Head
    evidence: NewestEvidence

    @property
    def is_empty(self) -> bool:
        """Whether the archive has no calls at all."""
        return self.coverage.oldest is None and not self.coverage.in_all.calls


async def gather(
    archive: Readable,
    config: Config,
    period: Period,
    *,
    names: ArchivedNames,
    state_folder: Path,
    clock: Clock,
) -> Statement:
    """The statement of that period. Raises StorageError if the archive cannot be read."""
    at, archive_id = clock(), archive.archive_id
    desk = desk_data(config, archive_id, state_folder)
    reviews = await to_thread.run_sync(reviews_of, desk, archive_id, period.since, period.until)
    reviewed = reviews.record_ids if reviews is not None else ()
    coverage = await archive.catalog.ask(
        partial(take_coverage, period=period, now=at, reviewed=reviewed)
    )
    acts = [
        one
        for one in await archive.catalog.ask(known_acts)
        if (period.since is None or one.at >= period.since)
        and (period.until is None or one.at < period.until)
    ]
    memory = await to_thread.run_sync(recall, memory_path(config.storage.url, state_folder))
    return Statement(
        archive_id=archive_id,
        at=at,
        period=period,
        coverage=coverage,
        days=calendar_of(coverage, at.astimezone(period.zone).date()),
        names=names,
        acts=await told_acts(archive.storage, acts[-MOST_ACTS:]),
        acts_in_all=len(acts),
        verifications=_within(memory, period),
        remembered=memory.verifications,
        replica=memory.replica_verifications,
        reviews=reviews,
        failed=failed_runs(memory),
        head=await archive.catalog.ask(queries.head),
        evidence=await newest_evidence(archive.storage, archive_id, config.evidence),
    )


def _within(memory: Memory, period: Period) -> list[Verification]:
    known = memory.verifications.history if memory.verifications is not None else ()
    return [
        one
        for one in known
        if (period.since is None or one.ended_at >= period.since)
        and (period.until is None or one.ended_at < period.until)
    ]
