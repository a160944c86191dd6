"""Erasure of a person: deletes everything of a lead, in all versions, and blocks fetching it again.

Either everything is removed or nothing: while a hold or an Object Lock protects any of it, the
erasure is refused. Only ids and digests remain, in the ledger, so its chain stays intact. Calls of
the lead created after the erasure are new processing, and are archived.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from archiver.archive.archive import Archive
from archiver.catalog import retention
from archiver.catalog.retention import Erasure, Shelved
from archiver.clock import Clock
from archiver.errors import UsageError
from archiver.ledger.events import Erasing, Event, Removing
from archiver.retention.acts import Deed, store_deed
from archiver.retention.leftovers import leavings
from archiver.retention.objects import Locked, first_lock, locks_of, longer, places_of
from archiver.retention.redaction import reports_about
from archiver.retention.removal import finish_removals
from archiver.storage.keys import HOLDS_PREFIX

_IDS_A_LINE: Final = 500


@dataclass(slots=True)
class ErasePlan:
    """Everything of a lead. `held_by` and `locked` are what prevents the erasure; `earlier` is an
    erasure recorded before, if any."""

    lead_id: int
    calls: list[int] = field(default_factory=list)
    recordings: list[Shelved] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    hold_texts: list[str] = field(default_factory=list)
    leavings: list[str] = field(default_factory=list)
    held_by: list[str] = field(default_factory=list)
    locked: Locked | None = None
    earlier: Erasure | None = None

    @property
    def record_ids(self) -> list[int]:
        """Its recordings, archived or not."""
        return [one.record_id for one in self.recordings]

    @property
    def archived(self) -> list[Shelved]:
        """Its archived recordings."""
        return [one for one in self.recordings if one.key is not None]

    @property
    def size(self) -> int:
        """Bytes of its audio and sidecars."""
        return sum(one.size + one.sidecar_size for one in self.archived)

    @property
    def is_refused(self) -> bool:
        """Whether it cannot be erased now."""
        return bool(self.held_by) or self.locked is not None


async def plan_erase(archive: Archive, lead_id: int, *, clock: Clock) -> ErasePlan:
    """Everything of the lead, and what prevents its erasure; nothing is changed.

    Raises ArchiveDamaged if a run report differs from the recorded one.
    """
    catalog = archive.catalog
    calls = await catalog.ask(lambda db: retention.calls_of_lead(db, lead_id))
    plan = ErasePlan(lead_id, calls)
    plan.earlier = await catalog.ask(lambda db: retention.erasure_of_lead(db, lead_id))
    plan.recordings = await catalog.ask(lambda db: retention.of_lead(db, lead_id))
    ids = plan.record_ids
    plan.held_by = await catalog.ask(lambda db: retention.holds_of_lead(db, lead_id, ids))
    plan.hold_texts = await catalog.ask(
        lambda db: retention.lifted_holds_naming(db, lead_id, calls)
    )
    plan.reports = sorted(await reports_about(archive, lead_id, set(calls), set(ids)))
    plan.leavings = await leavings(archive, lead_id)
    plan.locked = await _locked(archive, plan, clock())
    return plan


async def erase(
    archive: Archive,
    lead_id: int,
    number: int,
    *,
    clock: Clock,
    act: str,
    deed: Deed | None = None,
) -> ErasePlan:
    """Erase the lead if it has exactly this number of archived recordings and nothing prevents it;
    returns the plan.

    The caller must own the archive's lock. Raises UsageError, and erases nothing, if the number
    differs.
    """
    await finish_removals(archive, clock=clock, act=act)
    plan = await plan_erase(archive, lead_id, clock=clock)
    if plan.is_refused:
        return plan
    if number != len(plan.archived):
        what = "recording" if len(plan.archived) == 1 else "recordings"
        raise UsageError(
            f"lead {lead_id} has {len(plan.archived):,} {what} here, not {number:,}; "
            "nothing was erased",
            hint=f"run `archiver erase --lead {lead_id}` and use the count that it shows",
        )

    acts: list[Event] = []
    if deed is not None:
        acts.append(await store_deed(archive, deed, clock=clock))

    async def decision() -> list[Event]:
        ids = plan.record_ids
        held = await archive.catalog.ask(lambda db: retention.holds_of_lead(db, lead_id, ids))
        plan.held_by = held
        return acts if held else [*acts, *_announcement(plan, clock())]

    await archive.decide(decision, at=clock(), run=act)
    await finish_removals(archive, clock=clock, act=act)
    return plan


def _announcement(plan: ErasePlan, now: datetime) -> list[Event]:
    ids = plan.record_ids
    removals = [
        Removing(
            record_ids=tuple(ids[first : first + _IDS_A_LINE]), why="erasure", lead_id=plan.lead_id
        )
        for first in range(0, len(ids), _IDS_A_LINE)
    ]
    erasing = Erasing(
        lead_id=plan.lead_id,
        before=now,
        call_ids=tuple(plan.calls),
        hold_ids=tuple(plan.hold_texts),
    )
    return [erasing, *removals]


async def _locked(archive: Archive, plan: ErasePlan, now: datetime) -> Locked | None:
    versions = await locks_of(archive.storage)
    places = [place for one in plan.archived for place in places_of(one.key or "")]
    places += [*plan.reports, *plan.leavings]
    places += [f"{HOLDS_PREFIX}{hold_id}." for hold_id in plan.hold_texts]
    longest: Locked | None = None
    for place in places:
        longest = longer(longest, await first_lock(versions, [place], now))
    return longest
