"""Examines every recording not examined yet, several at a time, and records the findings.

Recordings are examined individually. Whether a call has less sound than talk time is known after
its last recording, so that finding belongs to this one. An interruption loses only the recordings
in progress: the next check continues after the last recorded one.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from archiver.archive.archive import Archive
from archiver.catalog import inspections
from archiver.catalog.inspections import Examinable, Wanted
from archiver.errors import KeyMissing, StorageError
from archiver.extras import extra
from archiver.inspection.examine import Examined, examine
from archiver.inspection.lengths import states_another_length
from archiver.ledger.events import Inspected
from archiver.sound.figures import SHORT_TALK
from archiver.tasks.contexts import scratch_folder
from archiver.tasks.lanes import in_lanes

_A_BATCH: Final = 64
"""Recordings examined before results are recorded: a minute of work, or less."""

_READERS: Final = 16
"""Sidecars read in parallel."""

Tell = Callable[[Sequence[Inspected]], Awaitable[object]]

PutRight = Callable[[Sequence[Examinable]], Awaitable[bool]]
"""Revises the sidecars of these recordings; False if that has to be done later."""


class Watcher(Struct, frozen=True):
    """Receives the number of recordings and bytes that are due, and the bytes of each examined
    one."""

    on_due: Callable[[int, int], None] = lambda count, size: None
    on_examined: Callable[[int], None] = lambda size: None


class Inspection(Struct):
    """The result. `found` has the findings of each recording that has any; `unproved` are
    recordings whose bytes are missing or do not match the ledger, which `verify` reports.
    `undecoded` counts the reasons of those that were not decoded, `lengths_put_right` sidecars with
    a wrong duration that were revised."""

    examined: int = 0
    undecoded: Counter[str] = field(default_factory=Counter)
    found: dict[int, tuple[str, ...]] = field(default_factory=dict)
    unproved: list[int] = field(default_factory=list)
    lengths_put_right: int = 0
    is_whole: bool = False

    def as_json(self) -> dict[str, Any]:
        """The result in numbers, and every recording with a finding."""
        counts = Counter(finding for findings in self.found.values() for finding in findings)
        return {
            "examined": self.examined,
            "undecoded": self.undecoded.total(),
            "whyUndecoded": dict(self.undecoded),
            "findings": dict(counts),
            "found": [{"recordId": one, "findings": [*said]} for one, said in self.found.items()],
            "unproved": self.unproved,
            "lengthsPutRight": self.lengths_put_right,
            "whole": self.is_whole,
        }


_NOBODY: Final = Watcher()


async def inspect(
    archive: Archive,
    *,
    workers: int,
    tell: Tell,
    since: datetime | None = None,
    again: bool = False,
    is_over: Callable[[], bool] = lambda: False,
    put_right: PutRight | None = None,
    watcher: Watcher = _NOBODY,
) -> Inspection:
    """Examine what is due, until `is_over`. `tell` records the findings in the ledger.

    Due are recordings archived since the given time and not examined yet; with `again`, all of
    them. `put_right` revises sidecars whose duration differs from the audio's, if possible: others
    stay due. Without it, durations are not compared. Raises StorageError if the storage or the
    temporary folder fails, and ExtraMissing if no decoder is installed.
    """
    with extra("sound"):
        from archiver.sound.rules import RULES
    wanted = Wanted(RULES, since, again)
    watcher.on_due(*await archive.catalog.ask(partial(inspections.how_many, wanted=wanted)))
    inspection, after = Inspection(), 0
    async with scratch_folder() as folder:
        working = _Working(archive, folder, workers, is_over, put_right, watcher, inspection)
        while not is_over():
            batch = await archive.catalog.ask(
                partial(inspections.due, wanted=wanted, after=after, most=_A_BATCH)
            )
            if not batch:
                inspection.is_whole = True
                break
            after = batch[-1].record_id
            found = await working.examine_all(batch)
            await tell(found)
            short = await _short_calls(archive, batch, found)
            await tell(short)
            _count(inspection, found, short)
    return inspection


class _Working(Struct, frozen=True):
    """The parts of a running sound check."""

    archive: Archive
    folder: Path
    workers: int
    is_over: Callable[[], bool]
    put_right: PutRight | None
    watcher: Watcher
    inspection: Inspection

    async def examine_all(self, batch: Sequence[Examinable]) -> list[Inspected]:
        """The results for those that were examined in time and whose duration is right now."""
        found: list[Examined] = []

        async def look(recording: Examinable) -> None:
            if self.is_over():
                return
            examined = await self._examine(recording)
            if examined is None:
                self.inspection.unproved.append(recording.record_id)
            else:
                found.append(examined)
            self.watcher.on_examined(recording.size)

        await in_lanes(self.workers, batch, look)
        still_wrong = await self._compare_lengths(found)
        events = [one.event for one in found if one.recording.record_id not in still_wrong]
        return sorted(events, key=lambda event: event.record_id)

    async def _compare_lengths(self, found: Sequence[Examined]) -> set[int]:
        """Correct wrong durations in sidecars; returns recordings for which this has to wait."""
        if self.put_right is None:
            return set()
        wrong: list[Examinable] = []

        async def compare(one: Examined) -> None:
            if await states_another_length(self.archive.storage, one.recording, one.seconds):
                wrong.append(one.recording)

        await in_lanes(_READERS, found, compare)
        if wrong and not await self.put_right(wrong):
            return {one.record_id for one in wrong}
        self.inspection.lengths_put_right += len(wrong)
        return set()

    async def _examine(self, recording: Examinable) -> Examined | None:
        with _folder_errors(self.folder):
            try:
                return await examine(self.archive.storage, recording, self.folder)
            except KeyMissing:
                return None


@contextmanager
def _folder_errors(folder: Path) -> Iterator[None]:
    """Turn errors of the temporary folder into archiver errors."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot write to {folder}: {error.strerror}",
            hint="free some space there, or point TMPDIR to another folder",
        ) from error


async def _short_calls(
    archive: Archive, batch: Sequence[Examinable], told: Sequence[Inspected]
) -> list[Inspected]:
    """The same results, with short-talk for the last recording of each call that has it."""
    with extra("sound"):
        from archiver.sound.rules import is_short_talk
    last = {one.call_id: one.record_id for one in batch}
    events = {event.record_id: event for event in told}
    heard = await archive.catalog.ask(lambda db: inspections.heard_calls(db, last.keys()))
    return [
        replace(event, findings=(*event.findings, SHORT_TALK))
        for call in heard
        if is_short_talk(call.talk_seconds, call.seconds, call.heard_seconds)
        and (event := events.get(last[call.call_id])) is not None
    ]


def _count(inspection: Inspection, events: Sequence[Inspected], short: Sequence[Inspected]) -> None:
    inspection.examined += len(events)
    inspection.undecoded.update(event.undecoded for event in events if event.undecoded is not None)
    for event in (*events, *short):
        if event.findings:
            inspection.found[event.record_id] = event.findings
