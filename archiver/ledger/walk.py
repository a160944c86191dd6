"""The ledger read to its end, whatever is wrong with it.

`Ledger.read_after` is for those who build on the ledger: it stops at the first problem. A walk is
for finding all damage: it reports what is broken and continues. It continues from the name of a
segment, since the name contains the digest that the next segment must name: a segment with altered
bytes is one break, and not a second one in the next segment.

Valid lines are those of a segment whose bytes match its name, wherever it is; and of an altered
segment, those that still are events, since the objects that they name should exist. Lines of
another archive are never valid, nor those of a segment that was set aside (see `claims.py`) or
duplicated.
"""

import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from archiver.errors import ArchiveDamaged, StorageError, StorageForbidden, StorageUnreachable
from archiver.ledger.claims import (
    MOST_CLAIM_BYTES,
    SETTLE_FORK,
    are_events,
    claim_key,
    claimed_head,
    claimed_number,
)
from archiver.ledger.segments import MOST_BYTES, Head, head_of, number_prefix, segment_key
from archiver.storage.base import Reading, Storage
from archiver.storage.keys import LEDGER_PREFIX
from archiver.tasks.lanes import in_lanes
from archiver.text.json import read_json

_AT_ONCE = 8
"""Segments read in parallel: a chain on S3 is long, and each read waits for the network."""


@dataclass(frozen=True, slots=True)
class Break:
    """One problem of the chain. `foreign` is the id of another archive.

    `advice` is the next step, unless it is to restore the file from a copy.
    """

    key: str
    expected: str
    found: str
    foreign: str | None = None
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One segment of the walk: its key, its valid lines, and what is broken.

    `head` is that of a valid segment that requires a claim. A segment that is `set_aside` is not
    valid: it was written too late, or is not claimed yet.
    """

    key: str
    lines: tuple[bytes, ...]
    breaks: tuple[Break, ...] = ()
    head: Head | None = None
    set_aside: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    """A segment as read: what its header says, and whether its bytes match its name."""

    key: str
    head: Head
    trouble: str = ""
    matches: bool = False
    header: dict[str, Any] = field(default_factory=dict)
    lines: tuple[bytes, ...] = ()

    @property
    def asks_for_claim(self) -> bool:
        return self.matches and "claim" in self.header

    def follows(self, digest: str | None) -> bool:
        return self.matches and self.header.get("previous") == digest


@dataclass(slots=True)
class _Number:
    """The objects with one number, `bytes` of them segments. `claimed` is the segment named in its
    claim, if that was read."""

    number: int
    keys: list[str] = field(default_factory=list)
    bytes: int = 0
    is_claimed: bool = False
    claimed: Head | None = None


class Walk:
    """A walk along the ledger of one archive; `steps` can be called again for what was added since.

    `archive_id` is the id in the archive's format file, if any. If the first undamaged segment has
    a different id, the segment is right, since a chain is harder to change than one small file.
    `bytes` is the size of the segments that are to be read.
    """

    def __init__(self, storage: Storage, archive_id: str | None) -> None:
        self._storage = storage
        self.archive_id = archive_id
        self.head = Head()
        self.bytes = 0
        self.digests: dict[str, int] = {}
        self._set_aside: set[str] = set()
        self._told: set[str] = set()
        self._gap = self._knows_archive = False

    async def steps(self) -> AsyncIterator[Step]:
        """Every segment after the last one seen, by number, and gaps in between."""
        groups = await self._numbers()
        self.bytes = sum(group.bytes for group in groups)
        for start in range(0, len(groups), _AT_ONCE):
            few = groups[start : start + _AT_ONCE + 1]
            read = await self._read(key for group in few for key in group.keys)
            for position, group in enumerate(few[:_AT_ONCE]):
                later = few[position + 1].keys if position + 1 < len(few) else []
                candidates = [read[key] for key in group.keys]
                await self._look_at_claim(group, is_last=not later)
                for step in self._judge(group, candidates, [read[key] for key in later]):
                    yield step

    async def _numbers(self) -> list[_Number]:
        """The objects not seen yet, by number.

        For a missing number the ledger is listed a second time: its segment may have been written
        during the first listing.
        """
        found = await self._listed()
        places = enumerate(found, self.head.number + 1)
        if any(one.number != place or not one.keys for place, one in places):
            found = await self._listed()
        return found

    async def _listed(self) -> list[_Number]:
        found: dict[int, _Number] = {}
        async for info in self._storage.list(LEDGER_PREFIX):
            head, claimed = head_of(info.key), claimed_number(info.key)
            number = head.number if head is not None else claimed
            if number is None or number <= self.head.number or info.key in self._set_aside:
                continue
            one = found.setdefault(number, _Number(number))
            if head is None:
                one.is_claimed = True
            else:
                one.keys.append(info.key)
                one.bytes += info.size
        return [found[number] for number in sorted(found)]

    async def _look_at_claim(self, group: _Number, *, is_last: bool) -> None:
        """Read the claim on a number, if only the claim can tell which segment is valid.

        An unreadable claim is ignored here: the check of the claim itself reports it.
        """
        if not group.is_claimed or not (is_last or len(group.keys) > 1):
            return
        try:
            key = claim_key(group.number)
            content = await self._storage.read(key, limit=MOST_CLAIM_BYTES)
            group.claimed = claimed_head(group.number, content)
        except StorageUnreachable:
            raise
        except (StorageError, ArchiveDamaged):
            return

    async def _read(self, keys: Iterable[str]) -> dict[str, _Found]:
        found: dict[str, _Found] = {}

        async def read(key: str) -> None:
            found[key] = await self._look(key)

        await in_lanes(_AT_ONCE, keys, read)
        return found

    async def _look(self, key: str) -> _Found:
        """The segment, read a second time if something is wrong with it."""
        for _ in range(2):
            (reading,) = await self._storage.readings([key], keep=MOST_BYTES)
            if isinstance(reading, StorageForbidden):
                raise reading  # nothing is known of it, and nothing can be said without it
            found = _read_segment(key, reading)
            if found.matches:
                break
        if isinstance(reading, StorageUnreachable):
            await self._storage.stat(key)  # raises if the storage does not respond
        return found

    def _judge(
        self, group: _Number, candidates: Sequence[_Found], later: Sequence[_Found]
    ) -> list[Step]:
        """The steps of one number: the valid segment, and the others."""
        ours, steps = [], []
        self._learn_archive(candidates)
        for one in candidates:
            misplaced = self._misplaced(one)
            if misplaced is None:
                ours.append(one)
            else:
                lines = () if misplaced.foreign else one.lines
                self._set_aside.add(one.key)
                steps.append(Step(one.key, lines, (misplaced,)))
        if group.claimed is not None and group.claimed not in [one.head for one in ours]:
            steps += self._once(_removed(group.claimed))
            ours = ours if later else []
        if not ours:
            return steps
        if not group.is_claimed and not later and all(self._is_leaf(one) for one in ours):
            aside = [Step(one.key, (), set_aside=True) for one in ours]
            return [*steps, *(step for one in aside for step in self._once(one))]
        chosen = self._choose(ours, later, group.claimed)
        others = [self._beside(one, later, len(ours)) for one in ours if one is not chosen]
        return [*self._skipped(chosen), self._take(chosen, group), *steps, *others]

    def _once(self, step: Step) -> list[Step]:
        """The step, unless it was returned before: steps that do not advance the walk are found
        again."""
        if step.key in self._told:
            return []
        self._told.add(step.key)
        return [step]

    def _is_leaf(self, one: _Found) -> bool:
        """Whether it is a segment of a writer that could not claim it, or has not yet."""
        return one.asks_for_claim and one.follows(self.head.digest) and are_events(one.lines)

    def _beside(self, one: _Found, later: Sequence[_Found], count: int) -> Step:
        """What an invalid segment beside the valid one is.

        One of archiver 0.1 was written too late as well, if the next segment names its rival.
        """
        whole = one.follows(self.head.digest) and are_events(one.lines)
        if whole and (one.asks_for_claim or later):
            return Step(one.key, (), set_aside=True)
        there = f"one segment with number {one.head.number}"
        broken = Break(one.key, there, f"{count}; another one fits better")
        if whole:
            broken = Break(one.key, there, f"{count} that follow the same", advice=SETTLE_FORK)
        return Step(one.key, (), (broken,))

    def _learn_archive(self, candidates: Sequence[_Found]) -> None:
        told = [str(one.header.get("archive")) for one in candidates if one.matches]
        if told and not self._knows_archive:
            self._knows_archive = True
            self.archive_id = self.archive_id if self.archive_id in told else told[0]

    def _misplaced(self, one: _Found) -> Break | None:
        """What is wrong with an undamaged segment that does not belong there."""
        if not one.matches:
            return None
        archive, number = one.header.get("archive"), one.header.get("segment")
        if archive != self.archive_id:
            return Break(one.key, f"archive {self.archive_id}", f"archive {archive}", str(archive))
        if number != one.head.number:
            return Break(one.key, f"segment {one.head.number}", f"its header says {number}")
        return None

    def _choose(
        self, ours: Sequence[_Found], later: Sequence[_Found], claimed: Head | None
    ) -> _Found:
        """The best of several with one number: it follows, is named by the next or claimed, is
        undamaged."""
        named = {one.header.get("previous") for one in later if one.matches}
        return max(
            ours,
            key=lambda one: (
                one.follows(self.head.digest),
                one.head.digest in named,
                one.head == claimed,
                one.matches,
            ),
        )

    def _skipped(self, chosen: _Found) -> list[Step]:
        """A step for missing numbers, if any."""
        first, last = self.head.number + 1, chosen.head.number - 1
        self._gap = first <= last
        if not self._gap:
            return []
        key = f"{number_prefix(last)}*"
        if chosen.matches:
            key = f"{number_prefix(last)}{chosen.header.get('previous')}.jsonl"
        which = f"segment {last}" if first == last else f"segments {first} to {last}"
        return [Step(key, (), (Break(key, which, "missing"),))]

    def _take(self, chosen: _Found, group: _Number) -> Step:
        breaks: tuple[Break, ...] = ()
        after = self.head
        if not chosen.matches:
            breaks = (Break(chosen.key, f"SHA-256 {chosen.head.digest}", chosen.trouble),)
        elif not self._gap and not chosen.follows(after.digest):
            told = chosen.header.get("previous")
            broken = Break(chosen.key, f"to follow {after.digest}", f"it names {told} before it")
            breaks = (broken,)
        self.head = chosen.head
        self.digests[str(chosen.head.digest)] = chosen.head.number
        is_claimed = chosen.asks_for_claim or group.is_claimed
        return Step(chosen.key, chosen.lines, breaks, chosen.head if is_claimed else None)


def _removed(claimed: Head) -> Step:
    """The break that the segment named in the claim on its number is missing."""
    key = segment_key(claimed)
    return Step(key, (), (Break(key, f"segment {claimed.number}", "missing"),))


def _read_segment(key: str, reading: Reading | StorageError) -> _Found:
    head = head_of(key) or Head()
    if isinstance(reading, StorageError):
        return _Found(key, head, f"it cannot be read: {reading}")
    data = reading.content
    if data is None:
        return _Found(key, head, f"it is too large for a segment: {reading.size} bytes")
    digest = hashlib.sha256(data).hexdigest()
    first, *lines = data.removesuffix(b"\n").split(b"\n")
    try:
        header = read_json(first)
    except ValueError:
        header = None
    if digest != head.digest:
        return _Found(key, head, f"SHA-256 {digest}", lines=tuple(lines))
    if not isinstance(header, dict):
        return _Found(key, head, "it has no header", lines=tuple(lines))
    return _Found(key, head, "", True, header, tuple(lines))
