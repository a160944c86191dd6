"""The ledger read to its end, whatever is wrong with it.

`Ledger.read_after` is for those who build on the ledger: it stops at the first thing that does not
hold. Whoever looks for damage wants all of it, so a walk says what is broken and goes on. What it
goes on from is the name of a segment, since the name bears the digest that the next one must name:
a segment with altered bytes is one break, and not a second one in the segment after it.

Which lines count: those of a segment whose bytes match its name, wherever it lies; and of an
altered one those that still are events, since what they name should be there. Lines of another
archive never count, nor those of a segment that was set aside (see `claims.py`) or doubled.
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
"""Segments that are read at once: a chain on S3 is long, and each read waits for the network."""


@dataclass(frozen=True, slots=True)
class Break:
    """One thing about the chain that does not hold. `foreign` is the id of another archive.

    `advice` is what to do, where that is not to restore the file from a copy.
    """

    key: str
    expected: str
    found: str
    foreign: str | None = None
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One segment of the walk: its key, the lines that count, and what is broken about it.

    `head` is that of a segment that counts and asks for a claim. One that is `set_aside` does not
    count: it came too late, or nobody has claimed it yet.
    """

    key: str
    lines: tuple[bytes, ...]
    breaks: tuple[Break, ...] = ()
    head: Head | None = None
    set_aside: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    """A segment as it was read: what its header says, and whether its bytes match its name."""

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
    """What lies there with one number. `claimed` is what its claim names, where that was read."""

    number: int
    keys: list[str] = field(default_factory=list)
    is_claimed: bool = False
    claimed: Head | None = None


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
        self._told: set[str] = set()
        self._gap = self._knows_archive = False

    async def steps(self) -> AsyncIterator[Step]:
        """Every segment after the last one seen, by number, and what is missing in between."""
        groups = await self._numbers()
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
        """What was not seen yet, by number.

        A number that is not there is looked for a second time: its segment may have been written
        while the others were listed.
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
        return [found[number] for number in sorted(found)]

    async def _look_at_claim(self, group: _Number, *, is_last: bool) -> None:
        """Read the claim on a number, where only the claim can tell what counts.

        What cannot be read of it is not believed: whoever checks the claim itself says so.
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
        """The segment, read a second time if something about it does not hold."""
        for _ in range(2):
            (reading,) = await self._storage.readings([key], keep=MOST_BYTES)
            if isinstance(reading, StorageForbidden):
                raise reading  # nothing is known of it, and nothing can be said without it
            found = _read_segment(key, reading)
            if found.matches:
                break
        if isinstance(reading, StorageUnreachable):
            await self._storage.stat(key)  # raises when it is the storage that does not answer
        return found

    def _judge(
        self, group: _Number, candidates: Sequence[_Found], later: Sequence[_Found]
    ) -> list[Step]:
        """The steps of one number: the segment that counts, and those that do not."""
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
        """The step, unless it was taken before: what does not move the walk on comes again."""
        if step.key in self._told:
            return []
        self._told.add(step.key)
        return [step]

    def _is_leaf(self, one: _Found) -> bool:
        """Whether it is a segment as a writer leaves it that could not, or not yet, claim it."""
        return one.asks_for_claim and one.follows(self.head.digest) and are_events(one.lines)

    def _beside(self, one: _Found, later: Sequence[_Found], count: int) -> Step:
        """What a segment is that does not count, beside another one that does.

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
        """What is wrong with a segment that is whole, but does not belong there."""
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
        """Of several with one number: what follows, is named by the next or claimed, is whole."""
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
    """That the segment is missing which the claim on its number names."""
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
