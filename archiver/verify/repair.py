"""`verify --repair`: findings are repaired if the source allows it, and checked again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

from anyio import to_thread

from archiver.archive.archive import Archive
from archiver.archive.opening import locked_archive
from archiver.archive.pace import Pace
from archiver.archive.right_clock import OtherClocks
from archiver.archive.unrecorded import Left
from archiver.clock import Clock
from archiver.config import Config
from archiver.crew.equipment import spool_on_the_way_to
from archiver.errors import FetchError, StorageError
from archiver.liner.names import Directory
from archiver.retention.acts import name_of_act
from archiver.run.recovery import record_reports, record_revisions
from archiver.run.source import source
from archiver.verify.audit import Verification
from archiver.verify.findings import Finding
from archiver.verify.inventory import Inventory
from archiver.verify.restore import Mender
from archiver.verify.rules import is_mendable, judge

_CONNECTIONS = 4
_RECORDED_HERE = frozenset({Left.REVISION, Left.REPORT})
_LEDGER_FIRST = "not repaired: the ledger itself is damaged; restore it first"


async def repair(
    config: Config,
    found: Verification,
    inventory: Inventory,
    *,
    state_folder: Path,
    clock: Clock,
    pace: Pace,
    today: date | None = None,
) -> None:
    """Record what was unrecorded, repair what can be repaired, and mark those findings; the others
    get the reason.

    `today` is the date (UTC) that the user confirms if the clock of the machine is in doubt.
    Raises ArchiveLocked if a run has locked the archive, SourceError if the API cannot be used, and
    any other ArchiverError that concerns more than one recording; some may be repaired by then.
    """
    mendable = [one for one in found.findings if is_mendable(one) and one.record_id is not None]
    unrecorded = [one for one in found.unrecorded if one.what in _RECORDED_HERE]
    if not mendable and not unrecorded:
        return
    if found.breaks_ledger:
        found.findings = [
            one.advised(_LEDGER_FIRST) if one in mendable else one for one in found.findings
        ]
        return
    act = f"repair-{name_of_act(clock())}"
    locked = locked_archive(
        config,
        owner="verify --repair",
        state_folder=state_folder,
        clock=clock,
        make=False,
        pace=pace,
        others=OtherClocks(today=today),
    )
    async with locked as archive:
        archive.lock.leave = archive.lock.found_left  # what it says is for the next run
        if unrecorded:
            await record_reports(archive, clock)
            await record_revisions(archive, clock, act)
            found.unrecorded = [one for one in found.unrecorded if one not in unrecorded]
        if mendable:
            await _mend_all(config, archive, found, inventory, mendable, act=act, clock=clock)
        found.head = (await archive.publish()).digest


async def _mend_all(
    config: Config,
    archive: Archive,
    found: Verification,
    inventory: Inventory,
    mendable: list[Finding],
    *,
    act: str,
    clock: Clock,
) -> None:
    async with _mender(config, archive, act, clock) as mender:
        # Audio first: a sidecar is only recreated next to undamaged audio.
        for one in sorted(mendable, key=lambda one: one.key.endswith(".json")):
            better = await _mend(mender, inventory, one)
            found.findings[found.findings.index(one)] = better


async def _mend(mender: Mender, inventory: Inventory, finding: Finding) -> Finding:
    """The finding as it is after the attempt."""
    expected = await to_thread.run_sync(inventory.find, finding.key)
    if expected is None:
        return finding
    try:
        await mender.mend(expected)
    except (FetchError, StorageError) as error:
        return finding.advised(f"not repaired: {error}; {error.hint or finding.next}")
    if expected.audio_key is None:
        (read,) = await mender.archive.storage.readings([finding.key])
        if judge(expected, read) is not None:
            return finding.advised(
                "not repaired: the restored object did not read back identically"
            )
    return finding.mended()


@asynccontextmanager
async def _mender(
    config: Config, archive: Archive, act: str, clock: Clock
) -> AsyncIterator[Mender]:
    async with source(config, connections=_CONNECTIONS, pace=archive.pace) as origin:
        directory = Directory(origin.liner)
        await directory.load(await origin.liner.orders())
        spool = spool_on_the_way_to(archive.storage, config)
        yield Mender(archive, origin.liner, origin.fetcher(), directory, spool, clock, act)
