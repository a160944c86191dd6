"""Applies Object Lock to objects that are not locked, or not for as long as configured.

A put locks an object from the start. Objects stored before Object Lock was configured, copied from
elsewhere, or locked for a shorter time, are locked here: each for `retain` from the time when it
was written, as if it had been locked then. So an object older than that is left as it is, and can
still be deleted. If a retention rule keeps a recording longer, the locks of its objects are
extended. A lock is never shortened, and keeps its mode.

A bucket listing does not include locks, so each version is queried by itself: one request per
object, and a second one if there is something to do. The ledger records which recordings are
locked, and for how long, so the next time only the others are queried.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Final

import anyio

from archiver.archive.archive import Archive
from archiver.catalog.locks import (
    Due,
    Lockable,
    LockTerm,
    Place,
    how_many_to_lock,
    known_versions,
    to_lock,
)
from archiver.clock import Clock
from archiver.config import ObjectLockConfig
from archiver.errors import KeyMissing, UsageError
from archiver.evidence.statements import is_evidence
from archiver.ledger.claims import claimed_number
from archiver.ledger.lock_events import Locked
from archiver.ledger.segments import head_of
from archiver.retention.acts import Deed, store_deed
from archiver.retention.rules import Rulebook, Term, terms_of
from archiver.storage.base import Storage
from archiver.storage.keys import (
    ACTS_PREFIX,
    EVIDENCE_PREFIX,
    FORMAT_KEY,
    HOLDS_PREFIX,
    LEDGER_PREFIX,
    RUNS_PREFIX,
)
from archiver.storage.versions import Versions
from archiver.tasks.lanes import in_lanes

_A_PAGE: Final = 500
"""Recordings per line of the ledger."""
_AT_ONCE: Final = 16
_SLACK: Final = timedelta(hours=1)
"""A lock counts from the first byte of a put, the age of an object from its last."""
_NEARLY: Final = 0.01
_TOO_SOON: Final = timedelta(minutes=1)
"""S3 rejects dates in the past, so a lock that would expire within this time is not set."""
NO_RULES: Final = Rulebook(None)
"""Every recording is locked for at least the configured time."""
_EVIDENCE: Final = (FORMAT_KEY, LEDGER_PREFIX, EVIDENCE_PREFIX, RUNS_PREFIX, HOLDS_PREFIX)


class Ended(StrEnum):
    """The outcome for one object."""

    LOCKED = "locked"
    EXTENDED = "extended"
    ALREADY = "already"
    PAST = "past"
    MISSING = "missing"


@dataclass(slots=True)
class Locking:
    """What is to be locked, and what was done: the number of recordings checked, and objects by
    outcome.

    `missing` has the keys of objects (at most a thousand) that do not exist; `verify` reports them.
    """

    due: Due
    others: int
    recordings: int = 0
    objects: Counter[Ended] = field(default_factory=Counter)
    missing: list[str] = field(default_factory=list)
    is_whole: bool = False


async def require_locks(storage: Storage, config: ObjectLockConfig | None) -> Versions:
    """The versions of the storage, which can be locked. UsageError if there is nothing to apply."""
    if config is None:
        raise UsageError(
            "storage.s3.object_lock is not set, so there is no Object Lock to apply",
            hint="set its mode and retain in archive.yaml",
        )
    versions = storage.versions
    if versions is None or not await versions.can_lock():
        raise UsageError(
            "the bucket has no Object Lock",
            hint="enable Object Lock on the bucket, or copy the archive to one that has it",
        )
    return versions


async def plan_lock(
    archive: Archive, config: ObjectLockConfig, rulebook: Rulebook = NO_RULES, *, again: bool
) -> Locking:
    """How much is not known to be locked, according to the catalog; no object is read."""
    others = 0
    async for _ in _other_places(archive):
        others += 1
    due = await archive.catalog.ask(
        partial(
            how_many_to_lock,
            seconds=int(config.retain.total_seconds()),
            terms=[
                LockTerm(of, int(rule.keep.total_seconds()), hangs=bool(rule.statuses))
                for of, rule in zip(rulebook.classes, rulebook.rules, strict=True)
            ],
            again=again,
        )
    )
    return Locking(due, others)


def _longest(config: ObjectLockConfig, rulebook: Rulebook) -> int:
    """The longest time of any lock, in seconds."""
    return int(max(config.retain, rulebook.longest).total_seconds())


def _seconds(config: ObjectLockConfig, term: Term | None) -> int:
    """For how many seconds a recording is locked; a rule can only extend it."""
    longer = term.keep if term is not None and term.rule and term.keep is not None else None
    return int(max(config.retain, longer or config.retain).total_seconds())


async def lock_all(
    archive: Archive,
    config: ObjectLockConfig,
    *,
    clock: Clock,
    deed: Deed,
    rulebook: Rulebook = NO_RULES,
    again: bool = False,
    a_page: int = _A_PAGE,
    is_over: Callable[[], bool] = lambda: False,
    on_done: Callable[[int], None] = lambda count: None,
) -> Locking:
    """Lock everything that is not locked for long enough, until `is_over`. The caller must own the
    archive's lock, so that nothing is removed meanwhile.

    Each page, of `a_page` recordings, is recorded in the ledger once it is locked, so an
    interruption costs one page. The act is recorded before the first lock. Raises UsageError if
    nothing can be locked, StorageError if the storage refuses.
    """
    versions = await require_locks(archive.storage, config)
    done = await plan_lock(archive, config, rulebook, again=again)
    working = _Working(archive, versions, config, clock, deed, done, await _now(archive, clock))
    await working.lock_others(is_over, on_done)
    after, seconds = 0, _longest(config, rulebook)
    while not is_over():
        page = await archive.catalog.ask(
            partial(to_lock, seconds=seconds, after=after, most=a_page, again=again)
        )
        if not page:
            done.is_whole = True
            break
        after = page[-1].record_id
        keys = {one.record_id: one.places[0].key for one in page}
        terms = await terms_of(archive, rulebook, keys)
        wanted = {one.record_id: _seconds(config, terms.get(one.record_id)) for one in page}
        due = [one for one in page if one.known < wanted[one.record_id]]
        await working.lock_page(due, wanted, on_done)
    await archive.publish()
    return done


@dataclass(slots=True)
class _Working:
    """The parts of a running locking."""

    archive: Archive
    versions: Versions
    config: ObjectLockConfig
    clock: Clock
    deed: Deed
    done: Locking
    now: datetime
    _is_announced: bool = False
    _telling: anyio.Lock = field(default_factory=anyio.Lock)

    async def lock_page(
        self,
        page: Sequence[Lockable],
        wanted: Mapping[int, int],
        on_done: Callable[[int], None],
    ) -> None:
        """Lock the objects of these recordings, each for its number of seconds, and record those
        that exist in the ledger."""
        locked: list[Lockable] = []

        async def lock(one: Lockable) -> None:
            retain = timedelta(seconds=wanted[one.record_id])
            ends = [await self._lock(place, retain) for place in one.places]
            self._count(one.places, ends)
            if Ended.MISSING not in ends:
                locked.append(one)
            on_done(1)

        await in_lanes(_AT_ONCE, page, lock)
        self.done.recordings += len(page)
        await self._tell(sorted(locked, key=lambda one: one.record_id), wanted)

    async def lock_others(
        self, is_over: Callable[[], bool], on_done: Callable[[int], None]
    ) -> None:
        """Lock the ledger, reports, holds, acts and signatures."""

        async def lock(place: Place) -> None:
            if not is_over():
                self._count([place], [await self._lock(place, self.config.retain)])
                on_done(1)

        await in_lanes(_AT_ONCE, _other_places(self.archive), lock)

    async def _tell(self, locked: Sequence[Lockable], wanted: Mapping[int, int]) -> None:
        events = []
        for seconds in sorted({wanted[one.record_id] for one in locked}):
            some = [one for one in locked if wanted[one.record_id] == seconds]
            events.append(
                Locked(
                    record_ids=tuple(one.record_id for one in some),
                    revisions=tuple(one.revision for one in some),
                    seconds=seconds,
                )
            )
        await self.archive.catalog.record(events, at=self.clock(), run=self.deed.act_id)
        await self.archive.publish(least=self.archive.pace.segment_events)

    def _count(self, places: Sequence[Place], ends: Sequence[Ended]) -> None:
        self.done.objects.update(ends)
        for place, ended in zip(places, ends, strict=True):
            if ended is Ended.MISSING and len(self.done.missing) < 1000:
                self.done.missing.append(place.key)

    async def _lock(self, place: Place, retain: timedelta) -> Ended:
        version = place.version or await _oldest(self.versions, place.key)
        if version is None:
            return Ended.MISSING
        try:
            lock = await self.versions.lock(place.key, version)
        except KeyMissing:
            return Ended.MISSING
        until = (lock.written or self.now) + retain
        slack = min(_SLACK, retain * _NEARLY)
        if lock.until is not None and lock.until >= until - slack:
            return Ended.ALREADY
        if until <= self.now + _TOO_SOON:
            return Ended.PAST
        await self._announce()
        is_locked = lock.until is not None and lock.until > self.now
        mode = lock.mode if is_locked and lock.mode else self.config.mode
        await self.versions.retain(place.key, version, mode, until)
        return Ended.EXTENDED if is_locked else Ended.LOCKED

    async def _announce(self) -> None:
        """Record the act before the first lock is set."""
        async with self._telling:
            if self._is_announced:
                return
            event = await store_deed(self.archive, self.deed, clock=self.clock)
            await self.archive.catalog.record([event], at=self.clock(), run=self.deed.act_id)
            await self.archive.publish()
            self._is_announced = True


async def _other_places(archive: Archive) -> AsyncIterator[Place]:
    """The other objects of the archive: ledger, reports, holds, acts and signatures, each once.

    Objects that the archive does not know are not locked.
    """
    known = await archive.catalog.ask(known_versions)
    for prefix in (*_EVIDENCE, ACTS_PREFIX):
        async for info in archive.storage.list(prefix):
            key = info.key
            is_written_once = key == FORMAT_KEY or head_of(key) or claimed_number(key) is not None
            if is_written_once or is_evidence(key) or key in known:
                yield Place(key, known.get(key))


async def _oldest(versions: Versions, key: str) -> str | None:
    """The first version of an object that is written once; None if there is none."""
    found = [one for one in await versions.of(key) if one.key == key and not one.is_marker]
    return found[-1].version if found else None


async def _now(archive: Archive, clock: Clock) -> datetime:
    """The time by the bucket's clock, against which S3 checks the dates of locks."""
    return await archive.storage.now() or clock()
