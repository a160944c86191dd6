"""The steps of a table: select, write, record in the ledger, give the file its final name.

As for an export, the act is recorded after all rows are written and before the file gets its name:
names, numbers and summaries leave the archive, so it must be known who created it and why.
"""

import hashlib
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import anyio
from anyio import to_thread

from archiver.archive.archive import Archive
from archiver.archive.opening import announcing_archive
from archiver.archive.pace import REAL_PACE, Pace
from archiver.archive.right_clock import OtherClocks
from archiver.catalog.kinds import Kind
from archiver.catalog.selection import ChosenCall, ChosenRecording
from archiver.clock import Clock, stamp_or_none, system_clock
from archiver.config import Config
from archiver.errors import ArchiveDamaged, NothingToExport
from archiver.export.masking import Mask, Masks
from archiver.export.reading import decode_sidecar, read_sidecar
from archiver.export.target import Target, writing
from archiver.recordings.sidecar import Sidecar
from archiver.retention.acts import Deed, Did, Why, name_of_act, record_deed
from archiver.run.events import CallDone, CallsListed, OnEvent
from archiver.table.columns import rows_of
from archiver.table.writers import WRITERS, Writer
from archiver.tasks.contexts import entered
from archiver.tasks.lanes import in_lanes

_PAGE: Final = 500
_AT_ONCE: Final = 16
_NAMED: Final = 100


@dataclass(frozen=True, slots=True)
class TableRequest:
    """The calls and the target: calls that began from `since` (inclusive) to `until` (exclusive).
    `today` is the day (UTC) that a person confirms if the machine's clock is in doubt."""

    target: Path
    since: datetime | None = None
    until: datetime | None = None
    masked: frozenset[Mask] = frozenset()
    force: bool = False
    why: Why = field(default_factory=Why)
    today: date | None = None


@dataclass(slots=True)
class TableReport:
    """A finished table. `damaged` has a sentence for each sidecar that could not be read."""

    target: Path
    rows: int = 0
    recordings: int = 0
    bytes: int = 0
    sha256: str = ""
    act_id: str = ""
    damaged: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0, or 4 if a sidecar is damaged."""
        return 4 if self.damaged else 0

    def as_json(self) -> dict[str, Any]:
        """The report as one JSON object."""
        return {
            "target": str(self.target),
            "rows": self.rows,
            "recordings": self.recordings,
            "bytes": self.bytes,
            "sha256": self.sha256,
            "actId": self.act_id,
            "damaged": len(self.damaged),
            "problems": self.damaged[:_NAMED],
        }


async def write_table(
    config: Config,
    request: TableRequest,
    *,
    on_event: OnEvent,
    state_folder: Path,
    clock: Clock = system_clock,
    pace: Pace = REAL_PACE,
) -> TableReport:
    """Write the table; no partial file ever has the target's name.

    A run may change the archive meanwhile. Raises UsageError for an invalid target,
    NothingToExport, StorageFull and other errors of either storage.
    """
    make = partial(Target, request.target, force=request.force, is_file=True)
    async with entered(make) as target:
        async with announcing_archive(
            config,
            state_folder=state_folder,
            clock=clock,
            others=OtherClocks(today=request.today),
            pace=pace,
        ) as archive:
            report = TableReport(target.path)
            async with _opened(target) as writer:
                await _fill(archive, request, writer, report, on_event)
                with writing(target.path):
                    await to_thread.run_sync(writer.finish)
            with writing(target.path):
                report.bytes, report.sha256 = await to_thread.run_sync(_settle, target.part)
            await _tell(archive, request, report, clock)
        await to_thread.run_sync(target.commit)
    return report


async def _fill(
    archive: Archive,
    request: TableRequest,
    writer: Writer,
    report: TableReport,
    on_event: OnEvent,
) -> None:
    masks = Masks(request.masked)
    choice = archive.catalog.selection
    is_period = request.since or request.until
    kinds = [Kind(since=request.since, until=request.until)] if is_period else []
    sums = await choice.choose(kinds)
    if not sums.calls:
        raise NothingToExport(
            "no calls in this period" if is_period else "no calls in this archive",
            hint="check --since and --until; nothing was written",
        )
    on_event(CallsListed(sums.calls))
    after = 0
    while calls := await choice.page(after, _PAGE):
        after = calls[-1].place
        cards = await _cards(archive, calls, report)
        elsewhere = await choice.among(
            one.owner for call in calls for one in call.recordings if one.owner != call.call_id
        )
        rows = [row for call in calls for row in rows_of(call, cards, masks, elsewhere)]
        with writing(report.target):
            await to_thread.run_sync(writer.add, rows)
        report.rows += len(rows)
        report.recordings += sum(row[0] is not None for row in rows)
        on_event(CallDone("archived", len(calls)))


async def _cards(
    archive: Archive, calls: Sequence[ChosenCall], report: TableReport
) -> dict[int, Sidecar | str]:
    """The sidecars of the archived recordings, or sentences about what is wrong with them."""
    found: dict[int, Sidecar | str] = {}

    async def read(one: ChosenRecording) -> None:
        try:
            found[one.record_id] = decode_sidecar(one, await read_sidecar(archive.storage, one))
        except ArchiveDamaged as error:
            found[one.record_id] = str(error)
            report.damaged.append(str(error))

    wanted = {
        one.record_id: one for call in calls for one in call.recordings if one.state == "archived"
    }
    await in_lanes(_AT_ONCE, wanted.values(), read)
    return found


async def _tell(archive: Archive, request: TableRequest, report: TableReport, clock: Clock) -> None:
    """Record who created the table, and why."""
    report.act_id = name_of_act(clock())
    concerning = {
        "rows": report.rows,
        "recordings": report.recordings,
        "since": stamp_or_none(request.since),
        "until": stamp_or_none(request.until),
        "masked": " ".join(sorted(request.masked)) or None,
        "sha256": report.sha256,
    }
    known = {name: value for name, value in concerning.items() if value is not None}
    await record_deed(archive, Deed(report.act_id, Did.TABLE, request.why, known), clock=clock)


@asynccontextmanager
async def _opened(target: Target) -> AsyncIterator[Writer]:
    make = WRITERS[target.path.suffix.lower()]
    with writing(target.path):
        writer = await to_thread.run_sync(make, target.part)
    try:
        yield writer
    finally:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(writer.close)


def _settle(path: Path) -> tuple[int, str]:
    """Make the file durable; returns its size and digest."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256")
        return file.tell(), digest.hexdigest()
