"""The ledger read to its end, whatever is wrong with it.

`Ledger.read_after` is for those who build on the ledger: it stops at the first thing that does not
hold. Whoever looks for damage wants all of it, so a walk says what is broken and goes on. What it
goes on from is the name of a segment, since the name bears the digest that the next one must name:
a segment with altered bytes is one break, and not a second one in the segment after it.

Which lines count: those of a segment whose bytes match its name, wherever it lies; and of an
altered one those that still are events, since what they name should be there. Lines of another
archive never count, nor those of a segment that was doubled.
"""

import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from archiver.errors import StorageError, StorageUnreachable
from archiver.ledger.segments import MOST_BYTES, Head, head_of, number_prefix
from archiver.storage.base import Reading, Storage
from archiver.storage.keys import LEDGER_PREFIX
from archiver.tasks.lanes import in_lanes
from archiver.text.json import read_json

_AT_ONCE = 8
"""Segments that are read at once: a chain on S3 is long, and each read waits for the network."""


@dataclass(frozen=True, slots=True)
class Break:
    """One thing about the chain that does not hold. `foreign` is the id of another archive."""

    key: str
    expected: str
    found: str
    foreign: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One segment of the walk: its key, the lines that count, and what is broken about it."""

    key: str
    lines: tuple[bytes, ...]
    breaks: tuple[Break, ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    """A segment as it was read: what its header says, and whether its bytes match its name."""

    key: str
    head: Head
    trouble: str = ""
    matches: bool = False
    header: dict[str, Any] = field(default_factory=dict)
    lines: tuple[bytes, ...] = ()

    def follows(self, digest: str | None) -> bool:
        return self.matches and self.header.get("previous") == digest


class Walk:
    """A walk along the ledger of one archive; `steps` may be called again for what came since.

    `archive_id` is what the archive says of itself, if anything; where the first segment that is
    whole says otherwise, that is believed, since a chain is harder to change than one small file.
    """

    def __init__(self, storage: Storage, archive_id: str | None) -> None:
        self._storage = storage
        self.archive_id = archive_id
        self.head = Head()
        self.digests: dict[str, int] = {}
        self._set_aside: set[str] = set()
        self._gap = self._knows_archive = False

    async def steps(self) -> AsyncIterator[Step]:
        """Every segment after the last one seen, by number, and what is missing in between."""
        groups = await self._numbers()
        for start in range(0, len(groups), _AT_ONCE):
            few = groups[start : start + _AT_ONCE + 1]
            read = await self._read(key for group in few for key in group)
            for position, group in enumerate(few[:_AT_ONCE]):
                later = few[position + 1] if position + 1 < len(few) else []
                candidates = [read[key] for key in group]
                for step in self._judge(candidates, [read[key] for key in later]):
                    yield step

    async def _numbers(self) -> list[list[str]]:
        """The keys of segments not seen yet, those of one number together.

        A number that is not there is looked for a second time: its segment may have been written
        while the others were listed.
        """
        found = await self._listed()
        if any(number != place for place, number in enumerate(found, self.head.number + 1)):
            found = await self._listed()
        return list(found.values())

    async def _listed(self) -> dict[int, list[str]]:
        heads = [
            (head.number, info.key)
            async for info in self._storage.list(LEDGER_PREFIX)
            if (head := head_of(info.key)) and head.number > self.head.number
            if info.key not in self._set_aside
        ]
        grouped = groupby(sorted(heads), lambda one: one[0])
        return {number: [key for _, key in few] for number, few in grouped}

    async def _read(self, keys: Iterable[str]) -> dict[str, _Found]:
        found: dict[str, _Found] = {}

        async def read(key: str) -> None:
            found[key] = await self._look(key)

        await in_lanes(_AT_ONCE, keys, read)
        return found

    async def _look(self, key: str) -> _Found:
        """The segment, read a second time if something about it does not hold."""
        for _ in range(2):
            (reading,) = await self._storage.readings([key], keep=MOST_BYTES)
            found = _read_segment(key, reading)
            if found.matches:
                break
        if isinstance(reading, StorageUnreachable):
            await self._storage.stat(key)  # raises when it is the storage that does not answer
        return found

    def _judge(self, candidates: Sequence[_Found], later: Sequence[_Found]) -> list[Step]:
        """The steps of one number: the segment that belongs there, and those that do not."""
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
        if not ours:
            return steps
        chosen = self._choose(ours, later)
        for one in ours:
            if one is not chosen:
                there = f"one segment with number {one.head.number}"
                broken = Break(one.key, there, f"{len(ours)}; another one fits the chain better")
                steps.append(Step(one.key, (), (broken,)))
        return [*self._skipped(chosen), self._take(chosen), *steps]

    def _learn_archive(self, candidates: Sequence[_Found]) -> None:
        told = [str(one.header.get("archive")) for one in candidates if one.matches]
        if told and not self._knows_archive:
            self._knows_archive = True
            self.archive_id = self.archive_id if self.archive_id in told else told[0]

    def _misplaced(self, one: _Found) -> Break | None:
        """What is wrong with a segment that is whole, but does not belong there."""
        if not one.matches:
            return None
        archive, number = one.header.get("archive"), one.header.get("segment")
        if archive != self.archive_id:
            return Break(one.key, f"archive {self.archive_id}", f"archive {archive}", str(archive))
        if number != one.head.number:
            return Break(one.key, f"segment {one.head.number}", f"its header says {number}")
        return None

    def _choose(self, ours: Sequence[_Found], later: Sequence[_Found]) -> _Found:
        """Of several with one number: the one that follows, is named by the next, is whole."""
        named = {one.header.get("previous") for one in later if one.matches}
        return max(
            ours,
            key=lambda one: (
                one.follows(self.head.digest),
                one.head.digest in named,
                one.matches,
            ),
        )

    def _skipped(self, chosen: _Found) -> list[Step]:
        """A step that tells of the numbers that are not there, if any."""
        first, last = self.head.number + 1, chosen.head.number - 1
        self._gap = first <= last
        if not self._gap:
            return []
        key = f"{number_prefix(last)}*"
        if chosen.matches:
            key = f"{number_prefix(last)}{chosen.header.get('previous')}.jsonl"
        which = f"segment {last}" if first == last else f"segments {first} to {last}"
        return [Step(key, (), (Break(key, which, "missing"),))]

    def _take(self, chosen: _Found) -> Step:
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
        return Step(chosen.key, chosen.lines, breaks)


def _read_segment(key: str, reading: Reading | StorageError) -> _Found:
    head = head_of(key) or Head()
    if isinstance(reading, StorageError):
        return _Found(key, head, f"it cannot be read: {reading}")
    data = reading.content
    if data is None:
        return _Found(key, head, f"it is larger than any segment: {reading.size} bytes")
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
