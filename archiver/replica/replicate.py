"""Updates a replica segment by segment, each after the objects that it names."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final

from archiver.archive.archive import Archive
from archiver.catalog import retention
from archiver.catalog.replicas import Held, held_under, removed_of_lead
from archiver.clock import stamp_or_none
from archiver.errors import ArchiveDamaged, StorageRefused
from archiver.evidence.statements import head_in, is_evidence
from archiver.ledger.claims import claim_key, claim_of
from archiver.ledger.lines import decode
from archiver.ledger.log import Numbers
from archiver.ledger.segments import Head, Segment, head_of
from archiver.replica.copying import IS_THERE, Between, Copied
from archiver.replica.errors import named_errors
from archiver.replica.losing import lose, lose_former
from archiver.replica.named import Named, named_in
from archiver.replica.waiting import Waiting, What, note, settle, waiting_in
from archiver.storage.base import Body, Storage
from archiver.storage.keys import (
    EVIDENCE_PREFIX,
    HOLDS_PREFIX,
    LEDGER_PREFIX,
    REVISIONS_PREFIX,
    RUNS_PREFIX,
)
from archiver.tasks.lanes import in_lanes

_MOST_NAMED: Final = 1000
"""The most keys of each kind that a result lists."""
_SEGMENT: Final = "application/x-ndjson"


@dataclass(slots=True)
class Replication:
    """The result of a replication. `before` and `head` are the replica's newest segment before and
    after it, `wanted` is the archive's; `behind_since` is the time of the first event that is
    missing in the replica.

    `waiting` has what is still to be copied or removed, by key with the reason; `foreign` the keys
    under which the replica has other bytes; `damaged` those under which the archive has.
    """

    wanted: Head
    before: Head = field(default_factory=Head)
    head: Head = field(default_factory=Head)
    objects: Counter[Copied] = field(default_factory=Counter)
    bytes: int = 0
    removed: int = 0
    waiting: dict[str, str] = field(default_factory=dict)
    foreign: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    behind_since: datetime | None = None

    @property
    def behind(self) -> int:
        """The number of segments missing in the replica."""
        return self.wanted.number - self.head.number

    @property
    def is_whole(self) -> bool:
        """Whether the replica has everything that the archive has, and nothing that was removed."""
        return not (self.behind or self.waiting)

    def as_json(self) -> dict[str, Any]:
        """The result as one JSON object."""
        return {
            "complete": self.is_whole,
            "archiveHead": self.wanted.digest,
            "replicaHead": self.head.digest,
            "segments": self.head.number,
            "segmentsBehind": self.behind,
            "behindSince": stamp_or_none(self.behind_since),
            "objects": {name.value: self.objects[name] for name in Copied},
            "bytes": self.bytes,
            "removed": self.removed,
            "waiting": [{"key": key, "reason": why} for key, why in self.waiting.items()],
            "foreign": self.foreign,
            "damaged": self.damaged,
        }


@dataclass(frozen=True, slots=True)
class Manner:
    """Options: objects copied at a time, whether to remove pruned recordings from the replica, and
    whether to compare everything again from the first segment on."""

    workers: int = 8
    prune: bool = False
    all: bool = False


async def replicate(
    archive: Archive,
    between: Between,
    manner: Manner = Manner(),
    *,
    is_over: Callable[[], bool] = lambda: False,
    on_copied: Callable[[int], None] = lambda size: None,
) -> Replication:
    """Update the replica to the newest segment known to the archive's catalog, until `is_over`.

    The archive need not be locked. Raises ArchiveDamaged if the replica has a segment that the
    archive does not have; nothing is copied then. Raises StorageError if one of the storages cannot
    be used; objects copied until then stay, and the next replication continues.
    """
    done = Replication(await archive.catalog.head())
    with named_errors(between.name):
        theirs = await _numbers(between.replica)
    start = _common(await _numbers(archive.storage), theirs, done.wanted)
    done.before = done.head = start
    work = _Work(archive, between, manner, done, is_over, on_copied)
    await work.catch_up_with_waiting()
    await work.follow(Head() if manner.all else _one_before(start, theirs))
    await work.evidence()
    return done


@dataclass(frozen=True, slots=True)
class _Work:
    """The parts of a running replication."""

    archive: Archive
    between: Between
    manner: Manner
    done: Replication
    is_over: Callable[[], bool]
    on_copied: Callable[[int], None]
    owed: set[Waiting] = field(default_factory=set)

    async def follow(self, after: Head) -> None:
        """Copy the segments after that one. Those that the catalog does not know yet are left for
        the next replication: only the catalog knows the current state of what they name."""
        if after.number >= self.done.wanted.number:
            return
        async for segment in self.archive.ledger.read_after(after):
            if segment.head.number > self.done.wanted.number:
                break
            is_new = segment.head.number > self.done.head.number
            if is_new:
                self.done.behind_since = _moment_of(segment)
            if not is_new and not self.manner.all:
                await self._claim(segment)  # its writer may have died before the claim
                continue
            if self.is_over() or not await self._take(segment):
                break
            if is_new:
                self.done.head, self.done.behind_since = segment.head, None

    async def catch_up_with_waiting(self) -> None:
        """Try again what an earlier replication could not copy or remove."""
        with named_errors(self.between.name):
            self.owed.update(await waiting_in(self.between.replica))
        held = await self._held([one.key for one in self.owed if one.what is What.COPY])
        for one in sorted(self.owed):
            if one.what is not What.COPY:
                await self._lose(one)
            elif one.key not in held:  # it was removed in the meantime
                await self._settle(one)
        await self._copy(held.values())

    async def evidence(self) -> None:
        """Copy signatures and time stamps, which no event names: they prove themselves."""
        with named_errors(self.between.name):
            there = {info.key async for info in self.between.replica.list(EVIDENCE_PREFIX)}
        missing = [
            info.key
            async for info in self.archive.storage.list(EVIDENCE_PREFIX)
            if info.key not in there and self._is_due(info.key)
        ]

        async def copy(key: str) -> None:
            if not self.is_over():
                ended, size = await self.between.copy(key, None, "application/octet-stream")
                self._count(key, ended, size)

        await in_lanes(self.manner.workers, missing, copy)

    def _is_due(self, key: str) -> bool:
        """Whether it is evidence about a segment that the replica has."""
        head = head_in(key)
        return is_evidence(key) and (head is None or head.number <= self.done.head.number)

    async def _take(self, segment: Segment) -> bool:
        """Copy what the segment names, then the segment; False if it was interrupted."""
        try:
            named = named_in(segment.lines)
        except ValueError as error:
            raise ArchiveDamaged(
                f"{segment.key} contains a line that is not an event",
                hint="run `archiver verify`; nothing after this segment is replicated",
            ) from error
        held = await self._held(named.keys)
        # A sidecar is replaced only when the one before it is kept, as in the archive.
        former = [one for one in held.values() if one.key.startswith(REVISIONS_PREFIX)]
        await self._copy(former)
        rest = [one for one in held.values() if not one.key.startswith(REVISIONS_PREFIX)]
        await self._copy(rest, named.formers)
        await self._remove(named)
        if self.is_over():
            return False
        await self.between.put(segment.key, Body.of(segment.data, _SEGMENT))
        await self._claim(segment)
        return True

    async def _claim(self, segment: Segment) -> None:
        """Write the claim that makes the segment valid in the replica."""
        if segment.asks_for_claim:
            await self.between.put(claim_key(segment.head.number), claim_of(segment.head))

    async def _held(self, keys: Iterable[str]) -> Mapping[str, Held]:
        return await self.archive.catalog.ask(partial(held_under, keys=list(keys)))

    async def _copy(
        self, held: Iterable[Held], formers: Mapping[str, set[str]] | None = None
    ) -> None:
        async def copy(one: Held) -> None:
            if self.is_over():
                return
            former = one.formers | (formers or {}).get(one.key, set())
            ended, size = await self.between.copy(one.key, one.sha256, one.content_type, former)
            self._count(one.key, ended, size)
            owed = Waiting(What.COPY, one.key)
            if ended in IS_THERE:
                await self._settle(owed)
            else:
                await self._note(owed)
            if ended is Copied.REPLACED and one.key.startswith(RUNS_PREFIX):
                await self._lose(Waiting(What.TRIM, one.key))

        await in_lanes(self.manner.workers, list(held), copy)

    async def _remove(self, named: Named) -> None:
        gone = [*named.erased, *(named.pruned if self.manner.prune else ())]
        for lead_id in named.leads:
            gone += await self.archive.catalog.ask(partial(removed_of_lead, lead_id=lead_id))
        for key in dict.fromkeys(gone):
            await self._lose(Waiting(What.REMOVE, key))
        if named.leads:
            for hold_id in await self.archive.catalog.ask(retention.erased_hold_ids):
                for ending in (".json", ".lifted.json"):
                    await self._lose(Waiting(What.REMOVE, f"{HOLDS_PREFIX}{hold_id}{ending}"))

    async def _lose(self, one: Waiting) -> None:
        """Remove an object, or note it as waiting if the storage refuses."""
        replica = self.between.replica
        try:
            with named_errors(self.between.name):
                if one.what is What.TRIM:
                    await lose_former(replica, one.key)
                elif await lose(replica, one.key):
                    self.done.removed += 1
        except StorageRefused as error:
            self._owe(one.key, f"not removed yet: {error}")
            await self._note(one)
        else:
            await self._settle(one)

    async def _note(self, one: Waiting) -> None:
        if one not in self.owed:
            self.owed.add(one)
            with named_errors(self.between.name):
                await note(self.between.replica, one)

    async def _settle(self, one: Waiting) -> None:
        if one in self.owed:
            self.owed.discard(one)
            with named_errors(self.between.name):
                await settle(self.between.replica, one)

    def _count(self, key: str, ended: Copied, size: int) -> None:
        done = self.done
        done.objects[ended] += 1
        done.bytes += size
        self.on_copied(size)
        if ended is Copied.FOREIGN and len(done.foreign) < _MOST_NAMED:
            done.foreign.append(key)
        if ended in (Copied.DAMAGED, Copied.MISSING) and len(done.damaged) < _MOST_NAMED:
            done.damaged.append(key)
        if ended not in IS_THERE:
            self._owe(key, _REASONS[ended])

    def _owe(self, key: str, why: str) -> None:
        if len(self.done.waiting) < _MOST_NAMED:
            self.done.waiting[key] = why


_REASONS: Final = {
    Copied.FOREIGN: "the replica has other bytes under this key, which are not overwritten: move "
    "the object out of the replica",
    Copied.DAMAGED: "the archive's object does not match the ledger: run `archiver verify`",
    Copied.MISSING: "the archive's object is missing: run `archiver verify`",
    Copied.REFUSED: "the replica does not accept this object",
}


async def _numbers(storage: Storage) -> Numbers:
    numbers = Numbers()
    async for info in storage.list(LEDGER_PREFIX):
        numbers.note(info.key)
    return numbers


def _common(ours: Numbers, theirs: Numbers, wanted: Head) -> Head:
    """The newest segment up to which the replica has all of the archive's."""
    known = {key for keys in ours.segments.values() for key in keys}
    for number, keys in sorted(theirs.segments.items()):
        for key in keys:
            if key not in known:
                raise ArchiveDamaged(
                    f"the replica has segment {number} of the ledger ({key}), and the archive "
                    "does not",
                    hint="the archive was rolled back, truncated or rewritten: nothing was copied; "
                    "run `archiver verify`, and restore the archive from the replica if it is lost",
                )
    head = Head()
    while keys := theirs.segments.get(head.number + 1, []):
        found = head_of(keys[0]) if len(keys) == 1 else None
        if found is None or found.number > wanted.number:
            break
        head = found
    return head


def _one_before(start: Head, theirs: Numbers) -> Head:
    """The segment to start after: the last one is repeated, since its claim may be missing."""
    if start.number <= 1:
        return Head()
    (key,) = theirs.segments[start.number - 1]
    return head_of(key) or Head()


def _moment_of(segment: Segment) -> datetime | None:
    return decode(segment.lines[0]).at if segment.lines else None
