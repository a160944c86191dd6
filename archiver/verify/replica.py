"""A replica verified like an archive: by its own ledger, which has to be the archive's, or its
beginning.

A replication copies the objects that a segment names, then the segment. If it is killed in between,
the replica is ahead of its own ledger; the archive's ledger tells what of it is right.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from archiver.archive.opening import existing_storage
from archiver.archive.unrecorded import Left, Unrecorded
from archiver.config import Config
from archiver.errors import ArchiverError
from archiver.ledger.log import Ledger, Numbers
from archiver.ledger.segments import Head
from archiver.replica.named import named_in
from archiver.replica.place import place_of
from archiver.replica.waiting import WAITING_PREFIX, waiting_in
from archiver.retention.objects import places_of_lead
from archiver.storage.base import Storage
from archiver.storage.keys import (
    DAMAGED_PREFIX,
    HOLDS_PREFIX,
    LEDGER_PREFIX,
    parse_recording_key,
    parse_revision_key,
    sidecar_key,
)
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
    far the replica has been filled; what is still to be copied, and what was copied before the
    ledger that names it, is not a finding."""
    found.findings = [one for one in found.findings if not one.key.startswith(WAITING_PREFIX)]
    found.unrecorded = [
        Unrecorded(one.key, _of_a_replication(one.what)) for one in found.unrecorded
    ]
    notes = []
    if waiting := await waiting_in(replica):
        objects = "1 object is" if len(waiting) == 1 else f"{len(waiting):,} objects are"
        notes.append(
            f"{objects} still to be copied to the replica or removed from it: run "
            "`archiver replicate`"
        )
    notes.append(await _compared(config, replica, found))
    return notes


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
            behind = max(ours.segments, default=0) - max(theirs.segments, default=0)
            if behind > 0 and not found.breaks_ledger and found.findings:
                ahead = await _named_after(archive, found, with_pruned=config.replica.prune)
                _set_apart(found, ahead.explains, Left.REPLICATION)
    except ArchiverError as error:
        _set_apart(found, _may_be_ahead, Left.ONLY_IN_REPLICA)
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
    if behind <= 0:
        return "the replica has the whole ledger of the archive"
    return f"the newest {behind:,} of {len(ours.segments):,} segments are missing in the replica"


async def _numbers(storage: Storage) -> Numbers:
    numbers = Numbers()
    async for info in storage.list(LEDGER_PREFIX):
        numbers.note(info.key)
    return numbers


@dataclass(slots=True)
class _Ahead:
    """What the segments name that the replica does not have yet: keys, and what was removed."""

    keys: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    places: set[str] = field(default_factory=set)

    def explains(self, one: Finding) -> bool:
        """Whether an interrupted replication leaves this."""
        if isinstance(one, Missing):
            return _kept_for(one.key) in self.removed or one.key.startswith(tuple(self.places))
        return isinstance(one, Unexpected | WrongSize | WrongDigest) and one.key in self.keys


async def _named_after(archive: Storage, found: Verification, *, with_pruned: bool) -> _Ahead:
    """What the archive's segments name that follow the replica's."""
    ahead, after = _Ahead(), found.walk.head if found.walk is not None else Head()
    async for segment in Ledger(archive, found.archive_id or "").read_after(after):
        named = named_in(segment.lines)
        ahead.keys |= named.keys.keys()
        for key in [*named.erased, *(named.pruned if with_pruned else ())]:
            ahead.removed |= {key, sidecar_key(key)}
        for lead_id in named.leads:
            ahead.places |= {HOLDS_PREFIX, *places_of_lead(lead_id)}
    return ahead


def _kept_for(key: str) -> str:
    """The key of the sidecar or audio that this is a kept copy of, otherwise the key itself."""
    if (revision := parse_revision_key(key)) is not None:
        return revision.sidecar
    if key.startswith(DAMAGED_PREFIX):
        return key.removeprefix(DAMAGED_PREFIX).rpartition(".")[0]
    return key


def _set_apart(found: Verification, explains: Callable[[Finding], bool], left: Left) -> None:
    """Take out the findings that an interrupted replication explains: they are not damage."""
    found.unrecorded += [Unrecorded(one.key, left) for one in found.findings if explains(one)]
    found.findings = [one for one in found.findings if not explains(one)]


def _of_a_replication(left: Left) -> Left:
    """What has the same name in an archive, left there by a run."""
    if left is Left.WORKING_FILE:
        return Left.REPLICA_WORKING_FILE
    return Left.REPLICATION if left.waits else left


def _may_be_ahead(one: Finding) -> bool:
    """Whether a recording is there that the replica's ledger does not name. Without the archive's
    ledger nobody knows whether it was in the archive."""
    return isinstance(one, Unexpected) and (
        parse_recording_key(one.key) is not None or parse_revision_key(one.key) is not None
    )
