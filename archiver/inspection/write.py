"""Adds findings to sidecars: a revision of each that lacks a sound finding.

As for every revision, the caller must own the archive's lock. A check without the lock leaves this
to the next owner.
"""

from functools import partial
from typing import Final

from archiver import __version__
from archiver.archive.archive import Archive
from archiver.catalog import inspections
from archiver.catalog.inspections import Unwritten
from archiver.clock import Clock
from archiver.errors import ArchiveDamaged
from archiver.ledger.events import Revised
from archiver.recordings.deposit import Shelf

_A_BATCH: Final = 200


async def write_findings(archive: Archive, *, clock: Clock, act: str) -> list[str]:
    """Revise the sidecars without their findings; returns the keys of damaged ones.

    The revisions are recorded under `act`. Raises StorageError if the storage fails.
    """
    shelf = Shelf(archive.storage, clock, __version__)
    damaged: list[str] = []
    after = 0
    while batch := await archive.catalog.ask(
        partial(inspections.unwritten, after=after, most=_A_BATCH)
    ):
        after = batch[-1].recording.record_id
        for one in batch:
            try:
                events = await _write(shelf, one)
            except ArchiveDamaged:
                damaged.append(one.recording.key)
            else:
                await archive.catalog.record(events, at=clock(), run=act)
    return damaged


async def _write(shelf: Shelf, one: Unwritten) -> tuple[Revised, ...]:
    recording = one.recording
    return await shelf.note_sound(
        recording.record_id,
        recording.key,
        one.findings,
        one.sound,
        (recording.sidecar_sha256, recording.metadata_sha256),
    )
