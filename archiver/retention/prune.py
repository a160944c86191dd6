"""Retention: recordings older than `retention.keep` can be removed, once a person has confirmed
their number.

Age counts from the later of two times: when the recording was created, and when it was archived. So
a wrong date from the API, or a backfill, never shortens it. Not removed are recordings that a hold
covers, that are locked, that belong to a call that is still open, or that are damaged: `verify
--repair` finds and repairs damage, and pruning must not hide it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from archiver.archive.archive import Archive
from archiver.catalog import retention
from archiver.catalog.retention import Aged, Shelved
from archiver.clock import Clock
from archiver.errors import (
    KeyMissing,
    StorageError,
    StorageForbidden,
    StorageUnreachable,
    UsageError,
)
from archiver.ledger.events import Event, Removing
from archiver.retention.acts import Deed, record_deed
from archiver.retention.objects import AT_ONCE, Locked, first_lock, locks_of, places_of
from archiver.retention.removal import finish_removals
from archiver.retention.rules import Rulebook, Term, terms_of
from archiver.storage.base import Reading
from archiver.storage.keys import sidecar_key
from archiver.storage.versions import Versions
from archiver.tasks.lanes import in_lanes

_A_PAGE: Final = 500
"""Recordings per line of the ledger."""
_READ_AT_ONCE: Final = 5000
"""Recordings checked together. What the holds cover is determined again for each page, which takes
a second for an order with a million calls."""


@dataclass(slots=True)
class PrunePlan:
    """What would be removed, and what is old enough but stays. `kept` has counts by cause: `held`,
    `locked`, `open`, `damaged`; `next_at` is when the first lock expires.

    `by_rule` has the ids of what would be removed, by the number of the rule (0: retention.keep);
    `kept_by_rule` counts what is past the shortest period, but not past its own.
    """

    before: datetime
    record_ids: list[int] = field(default_factory=list)
    size: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None
    by_month: Counter[str] = field(default_factory=Counter)
    by_lead: Counter[int | None] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    damaged: list[str] = field(default_factory=list)
    next_at: datetime | None = None
    younger: int = 0
    by_rule: dict[int, list[int]] = field(default_factory=dict)
    kept_by_rule: Counter[int] = field(default_factory=Counter)

    def take(self, recording: Shelved, rule: int) -> None:
        """Add a recording that would be removed according to the rule."""
        self.by_rule.setdefault(rule, []).append(recording.record_id)
        created = recording.created_at or recording.archived_at
        self.record_ids.append(recording.record_id)
        self.size += recording.size + recording.sidecar_size
        self.by_lead[recording.lead_id] += 1
        if created is not None:
            self.oldest = min(created, self.oldest or created)
            self.newest = max(created, self.newest or created)
            self.by_month[f"{created:%Y-%m}"] += 1

    def keep_damaged(self, recording: Shelved) -> None:
        """Count a recording that stays because it does not match the ledger."""
        self.kept["damaged"] += 1
        self.damaged.append(recording.key or "")

    def keep_locked(self, lock: Locked) -> None:
        """Count a recording that stays until its lock expires."""
        self.kept["locked"] += 1
        if lock.until is not None:
            self.next_at = min(lock.until, self.next_at or lock.until)


async def plan_prune(archive: Archive, rulebook: Rulebook, *, clock: Clock) -> PrunePlan:
    """Check everything that is old enough; nothing is changed.

    Sizes are compared, bytes are not read yet. Raises UsageError if everything is kept forever.
    """
    if rulebook.shortest is None:
        raise UsageError(
            "retention.keep is not set, so recordings are kept forever",
            hint="set retention.keep in archive.yaml, for example to 3y",
        )
    now = clock()
    plan, after = PrunePlan(before=now - rulebook.shortest), 0
    versions = await locks_of(archive.storage)
    while page := await _page(archive, plan.before, after):
        after = page[-1].recording.record_id
        terms = await terms_of(
            archive,
            rulebook,
            {one.recording.record_id: one.recording.key or "" for one in page},
        )
        fates: dict[int, str | Locked] = {}

        async def look(
            one: Aged,
            fates: dict[int, str | Locked] = fates,
            terms: Mapping[int, Term | None] = terms,
        ) -> None:
            number = one.recording.record_id
            term = terms.get(number)
            if term is not None and not _is_past(one.recording, term, now):
                plan.kept_by_rule[term.rule] += 1
                return
            fate = await _fate(archive, one, versions, now)
            # Without a readable status the sidecar is damaged, so no rule can release it.
            fates[number] = "damaged" if term is None and fate == "gone" else fate

        await in_lanes(AT_ONCE, page, look)
        for one in page:
            number = one.recording.record_id
            term = terms.get(number)
            if number in fates:
                _count(plan, one.recording, fates[number], 0 if term is None else term.rule)
    in_all = await archive.catalog.ask(retention.archived)
    plan.younger = in_all - len(plan.record_ids) - plan.kept.total()
    return plan


async def prune(
    archive: Archive,
    rulebook: Rulebook,
    number: int,
    *,
    clock: Clock,
    act: str,
    deed: Deed | None = None,
) -> tuple[PrunePlan, int]:
    """Remove what `plan_prune` shows, if it is exactly this number; returns the plan and how many
    were removed.

    Each recording is read back first, so that damaged ones stay (`kept` in the plan). The caller
    must own the archive's lock. Raises UsageError, and removes nothing, if the number differs.
    """
    await finish_removals(archive, clock=clock, act=act)
    plan = await plan_prune(archive, rulebook, clock=clock)
    if number != len(plan.record_ids):
        what = "recording" if len(plan.record_ids) == 1 else "recordings"
        raise UsageError(
            f"{len(plan.record_ids):,} {what} would be deleted now, not {number:,}: nothing was "
            "deleted",
            hint="run `archiver prune` and use the count that it shows",
        )
    if deed is not None:
        await record_deed(archive, deed, clock=clock)
    removed = 0
    for first in range(0, number, _A_PAGE):
        ids = plan.record_ids[first : first + _A_PAGE]
        sound = await _sound(archive, ids, plan)
        await _tell(archive, sound, plan, rulebook, clock=clock, act=act)
        removed += await finish_removals(archive, clock=clock, act=act)
    return plan, removed


async def _page(archive: Archive, before: datetime, after: int) -> list[Aged]:
    return await archive.catalog.ask(lambda db: retention.aged(db, before, after, _READ_AT_ONCE))


async def _fate(
    archive: Archive, one: Aged, versions: Versions | None, now: datetime
) -> str | Locked:
    """`gone` if it can be removed, otherwise what prevents it."""
    if one.is_held:
        return "held"
    if one.is_open:
        return "open"
    if not await _has_its_size(archive, one.recording):
        return "damaged"
    return await first_lock(versions, places_of(one.recording.key or ""), now) or "gone"


async def _has_its_size(archive: Archive, recording: Shelved) -> bool:
    key = recording.key or ""
    expected = ((key, recording.size), (sidecar_key(key), recording.sidecar_size))
    try:
        return all([(await archive.storage.stat(one)).size == size for one, size in expected])
    except KeyMissing:
        return False


def _is_past(recording: Shelved, term: Term, now: datetime) -> bool:
    """Whether its retention period is over."""
    moments = [one for one in (recording.created_at, recording.archived_at) if one is not None]
    return term.keep is not None and (not moments or max(moments) < now - term.keep)


def _count(plan: PrunePlan, recording: Shelved, fate: str | Locked, rule: int) -> None:
    match fate:
        case "gone":
            plan.take(recording, rule)
        case "damaged":
            plan.keep_damaged(recording)
        case Locked():
            plan.keep_locked(fate)
        case str():
            plan.kept[fate] += 1


async def _sound(archive: Archive, ids: Sequence[int], plan: PrunePlan) -> list[Shelved]:
    """Those whose audio and sidecar match the ledger, byte for byte."""
    found = await archive.catalog.ask(lambda db: retention.named(db, ids))
    sound: list[Shelved] = []

    async def look(one: Shelved) -> None:
        key = one.key or ""
        readings = await archive.storage.readings([key, sidecar_key(key)])
        for reading in readings:
            if isinstance(reading, StorageUnreachable | StorageForbidden):
                raise reading
        digests = [_digest_of(reading) for reading in readings]
        if digests == [one.sha256, one.sidecar_sha256]:
            sound.append(one)
        else:
            plan.keep_damaged(one)

    await in_lanes(AT_ONCE, found, look)
    return sound


def _digest_of(reading: Reading | StorageError) -> str | None:
    return reading.sha256 if isinstance(reading, Reading) else None


async def _tell(
    archive: Archive,
    sound: Sequence[Shelved],
    plan: PrunePlan,
    rulebook: Rulebook,
    *,
    clock: Clock,
    act: str,
) -> None:
    """Record the coming removal of all recordings that no hold covers at this point, by rule."""
    ids = sorted(one.record_id for one in sound)
    by_rule = {rule: set(some).intersection(ids) for rule, some in plan.by_rule.items()}
    held: set[int] = set()

    async def decision() -> list[Event]:
        nonlocal held
        held = await archive.catalog.ask(lambda db: retention.held_among(db, ids))
        return [
            Removing(
                record_ids=tuple(sorted(free)),
                why="retention",
                rule=rule,
                keep_seconds=_seconds(rulebook.term(rule).keep),
            )
            for rule, some in sorted(by_rule.items())
            if (free := some - held)
        ]

    await archive.decide(decision, at=clock(), run=act)
    plan.kept["held"] += len(held)


def _seconds(keep: timedelta | None) -> int | None:
    return None if keep is None else int(keep.total_seconds())
