"""A replica verified like an archive: by its own ledger, which has to be the archive's, or its
beginning."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from archiver.archive.opening import existing_storage
from archiver.config import Config
from archiver.errors import ArchiverError
from archiver.ledger.log import Numbers
from archiver.replica.session import place_of
from archiver.replica.waiting import WAITING_PREFIX, waiting_in
from archiver.storage.base import Storage
from archiver.storage.keys import LEDGER_PREFIX
from archiver.verify.audit import Verification
from archiver.verify.findings import (
    Finding,
    Missing,
    NotLocked,
    ReplicaDiffers,
    SidecarUnreadable,
    Unexpected,
    WrongDigest,
    WrongSize,
)


def as_archive(config: Config) -> Config:
    """The configuration of the replica, as if it were the archive. Witnesses are not asked: they
    have seen heads that the replica does not have yet. Raises UsageError without a replica."""
    return replace(
        config,
        storage=place_of(config),
        evidence=replace(config.evidence, witnesses=()),
    )


async def compare_ledgers(config: Config, replica: Storage, found: Verification) -> list[str]:
    """Add segments of the replica that the archive does not have as findings. Returns notes on how
    far the replica has been filled; what is still to be copied is not a finding."""
    found.findings = [one for one in found.findings if not one.key.startswith(WAITING_PREFIX)]
    notes = []
    if waiting := await waiting_in(replica):
        objects = "1 object is" if len(waiting) == 1 else f"{len(waiting):,} objects are"
        notes.append(
            f"{objects} still to be copied to the replica or removed from it: run "
            "`archiver replicate`"
        )
    return [*notes, await _compared(config, replica, found)]


def advised(findings: Iterable[Finding]) -> list[Finding]:
    """The findings with what is to be done about them in a replica, which is filled again from the
    archive and never from the source."""
    return [
        one.advised(advice) if (advice := _ADVICE.get(type(one))) is not None else one
        for one in findings
    ]


_FILL: Final = "run `archiver replicate --all` to copy it again"
_MOVE: Final = f"move the object out of the replica, and {_FILL}"
_ADVICE: Final[dict[type[Finding], str]] = {
    Missing: _FILL,
    WrongSize: _MOVE,
    WrongDigest: _MOVE,
    SidecarUnreadable: _MOVE,
    Unexpected: "archiver did not put it there and never removes it: examine it and move it out",
    NotLocked: "apply Object Lock to that version of the object in the replica",
}


async def _compared(config: Config, replica: Storage, found: Verification) -> str:
    """Compare the segments of both; the result for people."""
    theirs = await _numbers(replica)
    try:
        async with existing_storage(config) as archive:
            ours = await _numbers(archive)
    except ArchiverError as error:
        return f"the replica was not compared with the archive: {error}"
    known = {key for keys in ours.segments.values() for key in keys}
    found.findings += [
        ReplicaDiffers(
            key=key,
            expected="a segment that the archive has, too",
            found="a segment that the archive does not have",
        )
        for keys in theirs.segments.values()
        for key in keys
        if key not in known
    ]
    found.is_end_known = True
    behind = max(ours.segments, default=0) - max(theirs.segments, default=0)
    if behind <= 0:
        return "the replica has the whole ledger of the archive"
    return f"the newest {behind:,} of {len(ours.segments):,} segments are missing in the replica"


async def _numbers(storage: Storage) -> Numbers:
    numbers = Numbers()
    async for info in storage.list(LEDGER_PREFIX):
        numbers.note(info.key)
    return numbers
