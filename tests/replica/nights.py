"""An archive with a replica beside it, in folders, and what is done with both."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from archiver.replica.replicate import Manner, Replication, replicate
from archiver.replica.restore import Restoration, restore
from archiver.replica.session import opened_both
from archiver.retention.acts import Deed, Did, Why, name_of_act
from archiver.sandbox.world import World
from archiver.verify.findings import Finding
from archiver.verify.verify import Verified, Wanted, verify
from tests.retention.acts import world_with_a_person
from tests.support.witness import Witness
from tests.support.world import Night, bench


@asynccontextmanager
async def mirrored(
    tmp_path: Path, world: World | None = None, **replica: Any
) -> AsyncIterator[Night]:
    settings = {"replica": {"url": str(tmp_path / "replica"), **replica}}
    async with bench(tmp_path, world or world_with_a_person(), settings=settings) as night:
        yield night


def second(night: Night) -> Witness:
    """The replica as a stranger sees it."""
    return Witness(night.folder / "replica")


async def replicated(
    night: Night,
    *,
    everything: bool = False,
    is_over: Callable[[], bool] = lambda: False,
    on_copied: Callable[[int], None] = lambda size: None,
) -> Replication:
    config = night.config()
    async with opened_both(config, state_folder=night.state, pace=night.pace) as (archive, between):
        return await replicate(
            archive,
            between,
            Manner(config.replica.workers, config.replica.prune, everything),
            is_over=is_over,
            on_copied=on_copied,
        )


async def restored(night: Night, **settings: Any) -> Restoration:
    return await restore(
        night.config(**settings),
        state_folder=night.state,
        clock=night.clock,
        deed=Deed(name_of_act(night.clock()), Did.RESTORE, Why(reason="the disk died")),
        pace=night.pace,
    )


async def replica_verified(night: Night) -> Verified:
    return await verify(
        night.config(), Wanted(replica=True), state_folder=night.state, clock=night.clock
    )


async def replica_findings(night: Night) -> list[Finding]:
    return (await replica_verified(night)).found.findings


async def archive_findings(night: Night) -> list[Finding]:
    verified = await verify(night.config(), Wanted(), state_folder=night.state, clock=night.clock)
    return verified.found.findings


def objects(folder: Path) -> dict[str, bytes]:
    """Everything in a place but working space."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "_archive/tmp/" not in str(path)
    }


def same(night: Night) -> bool:
    return objects(night.folder / "archive") == objects(night.folder / "replica")
