"""Holds, removals and erasures over the archive of a `Night`, as the commands do them."""

from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from archiver.archive.opening import watched_archive
from archiver.catalog import retention
from archiver.catalog.retention import Hold
from archiver.retention.erase import ErasePlan, erase, plan_erase
from archiver.retention.holds import lift_hold, place_hold
from archiver.retention.locking import archive_to_remove_from
from archiver.retention.prune import PrunePlan, plan_prune, prune
from archiver.retention.rules import Rulebook
from archiver.sandbox.world import World
from tests.run.test_machines import tables
from tests.support.world import Night

KEEP = timedelta(days=30)
PHONE, NAME, SUMMARY = "+49151CANARY7", "Canary Clientele", "The canary asked for a refund."


def world_with_a_person() -> World:
    """Lead 789 has two calls and shares one recording with a call of lead 5; others have theirs."""
    world = World().user(101, "Anna", "Price")
    for call, record in ((1, 11), (2, 21)):
        world.call(call, lead=789, phone=PHONE, fields={"clientName": NAME})
        world.recording(record, summary=SUMMARY)
    world.recording(31, call=2, lead_id=789, summary=None)
    world.call(3, lead=5).recording(31, lead_id=789, summary=None)
    world.call(4, lead=789, phone=PHONE, has_records=True)
    return world.call(6, lead=6, order=2).recording(61).call(7, lead=7).recording(71)


async def planned(night: Night, keep: timedelta | None = KEEP) -> PrunePlan:
    async with watched_archive(night.config(), state_folder=night.state) as archive:
        return await plan_prune(archive, Rulebook(keep), clock=night.clock)


async def pruned(night: Night, number: int, keep: timedelta | None = KEEP) -> tuple[PrunePlan, int]:
    async with archive_to_remove_from(
        night.config(), "prune", state_folder=night.state, clock=night.clock, pace=night.pace
    ) as archive:
        return await prune(archive, Rulebook(keep), number, clock=night.clock, act="test-prune")


async def erasable(night: Night, lead: int = 789) -> ErasePlan:
    async with watched_archive(night.config(), state_folder=night.state) as archive:
        return await plan_erase(archive, lead, clock=night.clock)


async def erased(
    night: Night, number: int, lead: int = 789, state: Path | None = None
) -> ErasePlan:
    async with archive_to_remove_from(
        night.config(),
        "erase",
        state_folder=state or night.state,
        clock=night.clock,
        pace=night.pace,
    ) as archive:
        return await erase(archive, lead, number, clock=night.clock, act="test-erase")


class Scope(NamedTuple):
    """What a hold is on."""

    leads: tuple[int, ...] = ()
    calls: tuple[int, ...] = ()
    orders: tuple[int, ...] = ()


async def held(
    night: Night,
    *,
    leads: tuple[int, ...] = (),
    calls: tuple[int, ...] = (),
    orders: tuple[int, ...] = (),
    reason: str = "A lawsuit.",
) -> str:
    return await held_on(night, Scope(leads, calls, orders), reason)


async def held_on(night: Night, scope: Scope, reason: str = "A lawsuit.") -> str:
    async with watched_archive(night.config(), state_folder=night.state) as archive:
        return await place_hold(
            archive,
            leads=scope.leads,
            calls=scope.calls,
            orders=scope.orders,
            reason=reason,
            by="anna@desk",
            clock=night.clock,
        )


async def lifted(night: Night, hold_id: str, reason: str = "") -> None:
    async with watched_archive(night.config(), state_folder=night.state) as archive:
        await lift_hold(archive, hold_id, reason=reason, by="ben@desk", clock=night.clock)


async def holds(night: Night) -> list[Hold]:
    async with watched_archive(night.config(), state_folder=night.state) as archive:
        return await archive.catalog.ask(retention.holds)


async def check_rebuilt(night: Night) -> None:
    """A catalog that the ledger fills anew is the one that was lost, row for row."""
    async with archive_to_remove_from(
        night.config(), "check", state_folder=night.state, clock=night.clock, pace=night.pace
    ):
        pass
    before = tables(night.catalog)
    other = night.folder / "rebuilt"
    async with archive_to_remove_from(
        night.config(), "check", state_folder=other, clock=night.clock, pace=night.pace
    ):
        pass
    (path,) = other.glob("*.sqlite")
    assert tables(path) == before
    path.unlink()


def holding(night: Night, *texts: str) -> list[str]:
    """The files of archive and state folder that hold any of the texts, in any usual encoding."""
    forms = [form for text in texts for form in (text.encode(), text.encode("utf-16-le"))]
    return [
        str(path)
        for folder in (night.folder / "archive", night.state)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and any(form in path.read_bytes() for form in forms)
    ]
