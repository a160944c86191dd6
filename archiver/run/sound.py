"""The sound check at the end of a run, after everything is fetched, within its time limit.

It runs before the report is stored, so that the report lists damaged sidecars that it finds;
everything that was fetched is in the ledger by then. It cannot fail a run: the recordings are
archived and verified, whatever they sound like. What could not be examined is due again in the next
run.
"""

import time
from collections.abc import Sequence

import anyio

from archiver.archive.archive import Archive
from archiver.clock import Clock
from archiver.config import InspectConfig
from archiver.errors import ArchiverError, ExtraMissing
from archiver.inspection.inspect import Inspection, Watcher, inspect
from archiver.inspection.write import write_findings
from archiver.ledger.events import Inspected
from archiver.run.events import Note, OnEvent
from archiver.run.report import RunReport


async def check_sound(
    archive: Archive,
    config: InspectConfig,
    report: RunReport,
    *,
    stop: anyio.Event,
    on_event: OnEvent,
    clock: Clock,
) -> None:
    """Examine what is due, record the findings, and add them to the report."""
    end = time.monotonic() + config.limit.total_seconds()

    async def tell(events: Sequence[Inspected]) -> None:
        await archive.catalog.record(events, at=clock(), run=report.run_id)

    def on_due(count: int, size: int) -> None:
        if count:
            on_event(Note(f"examining the sound of {count:,} recordings"))

    try:
        report.sound = await inspect(
            archive,
            workers=config.workers,
            tell=tell,
            is_over=lambda: stop.is_set() or time.monotonic() >= end,
            watcher=Watcher(on_due=on_due),
        )
        report.damaged += await write_findings(archive, clock=clock, act=report.run_id)
        report.notes += _notes(report.sound)
    except ExtraMissing as error:
        report.notes.append(f"the sound of recordings is not checked: {error}; {error.hint}")
    except ArchiverError as error:
        report.notes.append(f"the sound check stopped early: {error}; {error.hint or 'see above'}")
    report.head = await archive.publish()


def _notes(found: Inspection) -> list[str]:
    if not found.unproved:
        return []
    count = len(found.unproved)
    return [
        f"{count:,} recordings could not be examined: their bytes are missing or do not match "
        "the ledger; run `archiver verify`"
    ]
